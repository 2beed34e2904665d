"""MDN: the receipt of an AS2 message, written and read (RFC 4130 7, RFC 3798)."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import Message
from email.parser import HeaderParser
from email.utils import format_datetime

import msgspec

from edi_server.transports.as2 import cms
from edi_server.transports.as2.algorithms import Digest, digest_of, micalg_of
from edi_server.transports.as2.cms import CmsError
from edi_server.transports.as2.entity import (
    Entity,
    EntityError,
    Written,
    outermost,
    parts_of,
    type_of_first_part,
    write,
)
from edi_server.transports.as2.file_names import text_of
from edi_server.transports.as2.making import quote_name, sign_entity
from edi_server.transports.as2.records import Made
from edi_server.transports.as2.signatures import sign
from edi_server.transports.as2.terms import Keys, Terms
from edi_server.transports.as2.verifying import in_force, verify_forms

_SIGNATURE_TYPES = ("application/pkcs7-signature", "application/x-pkcs7-signature")
_MIC = re.compile(r"\s*(?P<mic>.+?)\s*(?:[,;]\s*|\s)(?P<digest>[^\s,;]+)[\s,;]*", re.DOTALL)
_LONGEST_QUOTE = 300


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt says, and whether it may be believed."""

    #: Of the message it is about, with its angle brackets; "" if it names none.
    about: str
    #: The part of Disposition behind the semicolon, such as "processed" or "processed/error: decryption-failed".
    disposition: str
    #: Received-Content-MIC; None where there is none.
    digest: Digest | None = None
    mic: bytes | None = None
    #: Signed by the partner, and the signature holds.
    signed: bool = False
    #: The text for people.
    text: str = ""

    @property
    def is_positive(self) -> bool:
        """They took it: "processed", with or without a warning."""
        state, _, modifier = self.disposition.partition("/")
        return state.strip().lower() == "processed" and not modifier.strip().lower().startswith(("error", "failure"))


class Judgement(msgspec.Struct, frozen=True):
    """What a receipt means for the message it is about."""

    outcome: str
    sentence: str


class ReceiptError(ValueError):
    """Bytes that are no receipt, or one that may not be believed; the text says why, in a sentence."""


def write_receipt(
    *,
    about: str,
    disposition: str,
    text: str,
    terms: Terms,
    keys: Keys,
    now: datetime,
    mic: tuple[Digest, bytes] | None = None,
    signed: Digest | None = None,
) -> Made:
    """A receipt for a message of the partner, signed with that digest if they asked for it.

    `disposition`: "processed", "processed/error: decryption-failed", "failed/failure: unsupported-format", …
    """
    fields = {
        "Reporting-UA": "edi-server",
        "Original-Recipient": f"rfc822; {quote_name(terms.own_name)}",
        "Final-Recipient": f"rfc822; {quote_name(terms.own_name)}",
        "Original-Message-ID": _one_line(about),
        "Disposition": f"automatic-action/MDN-sent-automatically; {disposition}",
    }
    if mic is not None:
        name = mic[0] if terms.quirks.micalg_without_hyphen else micalg_of(mic[0])
        fields["Received-Content-MIC"] = f"{base64.b64encode(mic[1]).decode()}, {name}"
    report = _report(fields, text)
    if signed and keys.own:
        signature = sign(report.raw, keys.own[0], signed, pss=terms.pss, at=now)
        report = sign_entity(report, signature, signed if terms.quirks.micalg_without_hyphen else micalg_of(signed))
    message_id = f"<{now:%Y%m%d%H%M%S}.{secrets.token_hex(12)}@mdn>"
    headers = {
        "AS2-Version": "1.2",
        "AS2-From": quote_name(terms.own_name),
        "AS2-To": quote_name(terms.partner_name),
        "Message-ID": message_id,
        "Date": format_datetime(now.astimezone(UTC), usegmt=True),
        "Subject": "Receipt",
        "MIME-Version": "1.0",
        "User-Agent": "edi-server",
        **{name: " ".join(str(value).split()) for name, value in report.headers.items()},
    }
    return Made(message_id=message_id, headers=headers, body=report.body, mics={})


def _one_line(text: str) -> str:
    """Header text from outside: nothing of it may begin a line of its own."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).encode("ascii", "replace").decode()[:998].strip()


def _report(fields: Mapping[str, str], text: str) -> Written:
    boundary = f"report-{secrets.token_hex(16)}"
    human = write({"Content-Type": "text/plain; charset=utf-8"}, text.encode())
    machine = write(
        {"Content-Type": "message/disposition-notification"},
        "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("ascii", "replace"),
    )
    line = b"--" + boundary.encode()
    body = b"\r\n".join([line, human.raw, line, machine.raw, line + b"--", b""])
    kind = f'multipart/report; report-type=disposition-notification; boundary="{boundary}"'
    return write({"Content-Type": kind}, body)


def is_receipt(headers: Mapping[str, str], body: bytes) -> bool:
    """True for a report, signed or not; a signed one is told by its first part (RFC 4130 7.2)."""
    entity = _in_multipart(headers, body)
    try:
        signed = entity.content_type == "multipart/signed"
        return (type_of_first_part(entity) if signed else entity.content_type) == "multipart/report"
    except EntityError:
        return False


def _in_multipart(headers: Mapping[str, str], body: bytes) -> Entity:
    """The entity without any transfer encoding: multiparts have none (RFC 2045 6.4)."""
    return outermost({name: value for name, value in headers.items() if name.lower() == "content-type"}, body)


def read_receipt(headers: Mapping[str, str], body: bytes, keys: Keys, *, now: datetime) -> Receipt:
    """What a receipt says. Its signature, if it has one, must hold and be the partner's.

    Raises ReceiptError for anything else: a forged receipt must never count as one.
    """
    entity = _in_multipart(headers, body)
    try:
        signed = entity.content_type == "multipart/signed"
        report = _verified(entity, keys, now) if signed else entity
        return _read_report(report, signed=signed)
    except (CmsError, EntityError) as error:
        raise ReceiptError(f"The receipt cannot be believed: {error}") from error


def _verified(entity: Entity, keys: Keys, now: datetime) -> Entity:
    parts = parts_of(entity)
    if len(parts) != 2 or parts[1].content_type not in _SIGNATURE_TYPES:
        raise EntityError("it has not exactly two parts, the second being the signature")
    kind, source, value = cms.open_content(parts[1].content)
    if kind != "signed":
        raise EntityError("its second part is no signature")
    in_force(verify_forms(source, value, parts[0].raw, keys.known)[0], now)
    return parts[0]


def _read_report(report: Entity, *, signed: bool) -> Receipt:
    if report.content_type != "multipart/report":
        raise EntityError(f"it is {report.content_type}, no multipart/report")
    parts = parts_of(report)
    machine = next((one for one in parts if one.content_type == "message/disposition-notification"), None)
    if machine is None:
        raise EntityError("it has no part that says what happened")
    fields = HeaderParser().parsestr(text_of(bytes(machine.content).strip(b"\r\n")) + "\r\n\r\n")
    disposition = str(fields.get("Disposition", "")).partition(";")[2].strip()
    if not disposition:
        raise EntityError("it has no disposition")
    digest, mic = _mic(fields)
    human = next((one for one in parts if one.content_type == "text/plain"), None)
    return Receipt(
        about=_with_brackets(str(fields.get("Original-Message-ID", ""))),
        disposition=" ".join(disposition.split()),
        digest=digest,
        mic=mic,
        signed=signed,
        text=bytes(human.content).decode("utf-8", "replace")[:4000] if human else "",
    )


def _with_brackets(message_id: str) -> str:
    bare = _bare(message_id)
    return f"<{bare}>" if bare else ""


def _bare(message_id: str) -> str:
    return "".join(message_id.split()).removeprefix("<").removesuffix(">")


def same_message_id(one: str, other: str) -> bool:
    """True where both mean one message: angle brackets get lost on the way, and white space comes from folded lines."""
    return _bare(one) == _bare(other)


def _mic(fields: Message) -> tuple[Digest | None, bytes | None]:
    """Received-Content-MIC: base64, which may be folded, and behind it the name of the digest, however parted."""
    said = _MIC.fullmatch(str(fields.get("Received-Content-MIC", "")))
    digest = digest_of(said["digest"]) if said else None
    if said is None or digest is None:
        return None, None
    written = "".join(said["mic"].split()).strip('"').rstrip("=")
    try:
        return digest, base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except binascii.Error:
        return None, None


def judge_receipt(receipt: Receipt, mics: Mapping[Digest, bytes], *, must_be_signed: bool) -> Judgement:
    """What a receipt means for a message whose receipt must confirm one of these digests.

    Outcomes: "confirmed", "refused", "altered" (they got something else), "unconfirmed" (no proof of what they got).
    """
    if must_be_signed and not receipt.signed:
        return Judgement("unconfirmed", _unproven(receipt))
    if not receipt.is_positive:
        return Judgement("refused", f"The partner refused the message: {receipt.disposition}.")
    if receipt.mic is None or receipt.digest is None:
        return Judgement("unconfirmed", "The receipt does not say what was received: it has no usable MIC.")
    if mics.get(receipt.digest) != receipt.mic:
        return Judgement("altered", "The receipt is about other bytes than those that were sent: its MIC differs.")
    return Judgement("confirmed", "The partner confirmed what was sent.")


def _unproven(receipt: Receipt) -> str:
    """Anybody may have written it; what it says is still the best hint at what went wrong."""
    sentence = "A signed receipt was asked for, but an unsigned one came."
    if receipt.is_positive:
        return sentence
    said = f"{receipt.disposition}: {receipt.text}" if receipt.text.strip() else receipt.disposition
    quoted = "".join(c for c in " ".join(said.split()) if c.isprintable())[:_LONGEST_QUOTE]
    return f"{sentence} It says, without proof, “{quoted}”."
