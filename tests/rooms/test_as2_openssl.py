"""AS2 with openssl's cms command at the other end: whole messages, both ways, every algorithm and form.

Debian builds openssl without zlib, so `openssl cms -compress` is unsupported; there asn1crypto and zlib are the peer.
"""

import itertools
import re
import shutil
import subprocess
import zlib

import pytest
from asn1crypto import cms as asn1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rooms.test_as2_core import NOW, ORDER, OURS, STRANGER, THEIRS, THEM, US, terms

from edi_server.transports.as2.algorithms import CIPHERS, DIGESTS, mics_of
from edi_server.transports.as2.mdn import judge_receipt, read_receipt, write_receipt
from edi_server.transports.as2.message import Payload, make_message, open_message
from edi_server.transports.as2.terms import Quirks

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")

TRANSPORTS = ("pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512")
ENTITY = b'Content-Type: application/edifact\r\nContent-Disposition: attachment;\r\n filename="o.edi"\r\n\r\n' + ORDER
PAYLOAD = Payload(content=ORDER, file_name="o.edi")
AT = ["-attime", str(int(NOW.timestamp()))]
#: How openssl signs, and what it is given to sign.
FORMS = {
    "detached": (["-binary"], ENTITY),
    "opaque": (["-binary", "-nodetach"], ENTITY),
    "opaque in pieces": (["-binary", "-nodetach", "-stream"], ENTITY),
    "without attributes": (["-binary", "-noattr"], ENTITY),
    "by key identifier": (["-binary", "-keyid"], ENTITY),
    "without certificates": (["-binary", "-nocerts"], ENTITY),
    "two signers": (["-binary", "-signer", "stranger.pem", "-inkey", "stranger.key"], ENTITY),
    "CR LF written by openssl": (["-binary", "-crlfeol"], ENTITY),
    "text with LF": ([], ENTITY.replace(b"\r\n", b"\n")),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("openssl")
    for name, own in (("us", US), ("them", THEM), ("stranger", STRANGER)):
        (made / f"{name}.pem").write_bytes(own.certificate.public_bytes(Encoding.PEM))
        (made / f"{name}.key").write_bytes(own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


def openssl(folder, content, *arguments):
    """What `openssl cms` makes of the content."""
    command = ["openssl", "cms", *arguments, "-in", "given"]
    (folder / "given").write_bytes(content)
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def request_of(entity):
    """A MIME entity as the headers and the body of a request over HTTP."""
    head, _, body = re.sub(rb"\A(.*?)\r?\n\r?\n", rb"\1\0", entity, count=1, flags=re.DOTALL).partition(b"\0")
    unfolded = re.sub(r"\r?\n[ \t]+", " ", head.decode())
    return dict(line.split(": ", 1) for line in unfolded.splitlines()), body


def opened(entity, **agreed):
    return open_message(*request_of(entity), terms(**agreed), THEIRS, now=NOW)


def padding(pss):
    return ["-keyopt", "rsa_padding_mode:pss"] if pss else []


def sign_by_openssl(folder, content, *options, digest="sha256", pss=False, signer="us"):
    as_signer = ["-signer", f"{signer}.pem", "-inkey", f"{signer}.key", *padding(pss)]
    return openssl(folder, content, "-sign", "-md", digest, *as_signer, *options)


def encrypt_by_openssl(folder, content, cipher, transport, *options):
    """Encrypted for Them; each recipient has options of its own."""
    oaep = ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", f"rsa_oaep_md:{transport.removeprefix('oaep-')}"]
    to = ["-recip", "them.pem", *(oaep if transport != "pkcs1" else [])]
    name = "-des3" if cipher == "3des" else "-" + cipher.replace("aes", "aes-")
    return openssl(folder, content, "-encrypt", "-binary", name, *to, *options)


@pytest.mark.parametrize(
    ("pss", "form"),
    # openssl 3.0 fails to write PSS in pieces ("illegal zero content").
    [(pss, form) for pss in (False, True) for form in FORMS if not (pss and form == "opaque in pieces")],
)
@pytest.mark.parametrize("digest", DIGESTS)
def test_we_open_what_openssl_signs(folder, digest, pss, form):
    options, content = FORMS[form]
    message = opened(
        sign_by_openssl(folder, content, *options, digest=digest, pss=pss), sign=digest, must_encrypt=False
    )
    assert bytes(message.payloads[0].content).replace(b"\r\n", b"\n") == ORDER.replace(b"\r\n", b"\n")
    assert (message.payloads[0].file_name, message.payloads[0].content_type) == ("o.edi", "application/edifact")
    assert (message.digest, message.signed_by) == (digest, US.certificate)
    assert message.mics == mics_of(ENTITY)


def test_we_open_text_that_openssl_gives_a_header_and_signs(folder):
    message = opened(sign_by_openssl(folder, ORDER, "-text"), must_encrypt=False)
    assert [(one.content, one.content_type) for one in message.payloads] == [(ORDER, "text/plain")]


@pytest.mark.parametrize("form", ["S/MIME", "BER in pieces", "two recipients"])
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("cipher", CIPHERS)
def test_we_open_what_openssl_signs_and_encrypts(folder, cipher, transport, form):
    signed = sign_by_openssl(folder, ENTITY, "-binary")
    options = {"BER in pieces": ["-stream", "-outform", "DER"], "two recipients": ["-recip", "stranger.pem"]}
    encrypted = encrypt_by_openssl(folder, signed, cipher, transport, *options.get(form, []))
    if form == "BER in pieces":
        encrypted = b"Content-Type: application/pkcs7-mime\r\n\r\n" + encrypted
    message = opened(encrypted, encrypt=cipher, key_transport=transport)
    assert message.payloads == (PAYLOAD,)
    assert (message.digest, message.encrypted) == ("sha256", cipher)


def test_every_recipient_of_openssl_opens_the_same(folder):
    signed = sign_by_openssl(folder, ENTITY, "-binary")
    encrypted = encrypt_by_openssl(folder, signed, "aes256-gcm", "oaep-sha256", "-recip", "stranger.pem", "-keyid")
    for own in (THEM, STRANGER):
        agreed = terms(encrypt="aes256-gcm", key_transport="pkcs1")
        keys = type(THEIRS)((own,), THEIRS.partner)
        assert open_message(*request_of(encrypted), agreed, keys, now=NOW).payloads == (PAYLOAD,)


def parts_by_hand(content_type, body):
    """Signed part and signature of a multipart/signed, cut out as RFC 2046 says."""
    boundary = re.search(r'boundary="([^"]+)"', content_type)[1].encode()
    _, signed, signature, end = (b"\r\n" + body).split(b"\r\n--" + boundary)
    assert end == b"--\r\n"
    return signed.removeprefix(b"\r\n"), signature.partition(b"\r\n\r\n")[2]


def verify_by_openssl(folder, content_type, body, signer="us"):
    """The signed part, which openssl verified with the certificate of the signer and no other."""
    signed, signature = parts_by_hand(content_type, body)
    (folder / "signed").write_bytes(signed)
    known = ["-certfile", f"{signer}.pem", "-nointern", "-CAfile", f"{signer}.pem", "-purpose", "any", *AT]
    assert openssl(folder, signature, "-verify", "-binary", "-inform", "DER", "-content", "signed", *known) == signed
    return signed


@pytest.mark.parametrize("pss", [False, True], ids=["pkcs1", "pss"])
@pytest.mark.parametrize("digest", DIGESTS)
def test_openssl_verifies_what_we_sign(folder, digest, pss):
    made = make_message(PAYLOAD, terms(sign=digest, pss=pss, encrypt=None), OURS, now=NOW)
    signed = verify_by_openssl(folder, made.headers["Content-Type"], made.body)
    assert signed.endswith(b"\r\n\r\n" + ORDER)
    assert made.mics == mics_of(signed)


@pytest.mark.parametrize("base64", [False, True], ids=["binary", "base64"])
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("cipher", CIPHERS)
def test_openssl_decrypts_and_verifies_what_we_encrypt(folder, cipher, transport, base64):
    agreed = terms(encrypt=cipher, key_transport=transport, quirks=Quirks(base64=base64))
    made = make_message(PAYLOAD, agreed, OURS, now=NOW)
    as_them = ["-decrypt", "-binary", "-recip", "them.pem", "-inkey", "them.key"]
    if base64:
        kept = ("MIME-Version", "Content-Type", "Content-Disposition", "Content-Transfer-Encoding")
        head = "".join(f"{name}: {made.headers[name]}\r\n" for name in kept)
        plain = openssl(folder, head.encode() + b"\r\n" + made.body, *as_them, "-inform", "SMIME")
    else:
        plain = openssl(folder, made.body, *as_them, "-inform", "DER")
    headers, body = request_of(plain)
    assert verify_by_openssl(folder, headers["Content-Type"], body).endswith(b"\r\n\r\n" + ORDER)


def compressed_elsewhere(content):
    """CompressedData of the content, by asn1crypto and zlib."""
    inner = {"content_type": "data", "content": zlib.compress(content)}
    data = {"version": "v0", "compression_algorithm": {"algorithm": "zlib"}, "encap_content_info": inner}
    packed = asn1.ContentInfo({"content_type": "compressed_data", "content": asn1.CompressedData(data)}).dump()
    return b"Content-Type: application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z\r\n\r\n" + packed


@pytest.mark.parametrize("order", list(itertools.permutations(("sign", "compress", "encrypt"))), ids=", ".join)
def test_we_open_what_was_signed_compressed_and_encrypted_in_any_order(folder, order):
    steps = {
        "sign": lambda content: sign_by_openssl(folder, content, "-binary"),
        "compress": compressed_elsewhere,
        "encrypt": lambda content: encrypt_by_openssl(folder, content, "aes256-gcm", "oaep-sha256"),
    }
    content = ENTITY
    for step in order:
        content = steps[step](content)
    message = opened(content, encrypt="aes256-gcm", key_transport="oaep-sha256")
    assert message.payloads == (PAYLOAD,)
    assert (message.digest, message.encrypted, message.compressed) == ("sha256", "aes256-gcm", True)


@pytest.mark.parametrize("compress", ["before signing", "after signing"])
def test_what_we_compress_is_unpacked_elsewhere(folder, compress):
    made = make_message(PAYLOAD, terms(compress=compress, encrypt=None), OURS, now=NOW)
    content_type, body = made.headers["Content-Type"], made.body
    if compress == "before signing":
        _, body = request_of(verify_by_openssl(folder, content_type, body))
    packed = asn1.ContentInfo.load(bytes(body), strict=True)["content"]["encap_content_info"]["content"].native
    headers, inner = request_of(zlib.decompress(packed))
    if compress == "after signing":
        headers, inner = request_of(verify_by_openssl(folder, headers["Content-Type"], inner))
    assert (headers["Content-Type"], inner) == ("application/edifact", ORDER)


MADE = make_message(PAYLOAD, terms(), OURS, now=NOW)


@pytest.mark.parametrize("pss", [False, True], ids=["pkcs1", "pss"])
@pytest.mark.parametrize("digest", DIGESTS)
def test_openssl_verifies_our_receipts(folder, digest, pss):
    said = {"about": MADE.message_id, "disposition": "processed", "text": "Taken.", "mic": (digest, MADE.mics[digest])}
    mirror = terms(own_name="Them", partner_name="Us", pss=pss)
    receipt = write_receipt(**said, terms=mirror, keys=THEIRS, now=NOW, signed=digest)
    report = verify_by_openssl(folder, receipt.headers["Content-Type"], receipt.body, "them")
    assert report.startswith(b"Content-Type: multipart/report")
    assert MADE.message_id.encode() in report


@pytest.mark.parametrize("form", ["detached", "without attributes", "by key identifier", "text with LF"])
@pytest.mark.parametrize("pss", [False, True], ids=["pkcs1", "pss"])
@pytest.mark.parametrize("digest", DIGESTS)
def test_we_believe_receipts_that_openssl_signs(folder, digest, pss, form):
    mirror = terms(own_name="Them", partner_name="Us")
    said = {"about": MADE.message_id, "disposition": "processed", "text": "Taken.", "mic": (digest, MADE.mics[digest])}
    plain = write_receipt(**said, terms=mirror, keys=THEIRS, now=NOW)
    report = f"Content-Type: {plain.headers['Content-Type']}\r\n\r\n".encode() + plain.body
    options, is_text = FORMS[form][0], form == "text with LF"
    given = report.replace(b"\r\n", b"\n") if is_text else report
    signed = sign_by_openssl(folder, given, *options, digest=digest, pss=pss, signer="them")
    receipt = read_receipt(*request_of(signed), OURS, now=NOW)
    assert receipt.signed
    assert judge_receipt(receipt, MADE.mics, must_be_signed=True).outcome == "confirmed"
