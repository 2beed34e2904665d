"""An AS2 peer made of pyas2lib: one command in JSON a line, one answer a line. Run in an environment of its own.

python pyas2_peer.py FOLDER     FOLDER has own.pem (certificate and key) and other.pem (certificate)
"""

import base64
import json
import re
import sys
from email.utils import format_datetime  # noqa: F401 — loaded before `re.search` is another for a moment
from pathlib import Path

_search = re.search


def _two_digits(pattern, *more):
    """oscrypto 1.3.0 cannot read "3.0.22": its pattern allows one digit for each part of OpenSSL's version."""
    if pattern == r"\b(\d\.\d\.\d[a-z]*)\b":
        pattern = r"\b(\d+\.\d+\.\d+[a-z]*)\b"
    return _search(pattern, *more)


re.search = _two_digits
import pyas2lib  # noqa: E402

re.search = _search


def packed(content):
    return base64.b64encode(content).decode()


class Peer:
    def __init__(self, folder):
        own, other = (folder / "own.pem").read_bytes(), (folder / "other.pem").read_bytes()
        self.organization = pyas2lib.Organization(
            as2_name="Them",
            sign_key=own,
            sign_key_pass=None,
            decrypt_key=own,
            decrypt_key_pass=None,
            mdn_url="http://x/",
        )
        self.other = other
        self.sent = {}

    def partner(self, options):
        return pyas2lib.Partner(
            as2_name="Us", verify_cert=self.other, encrypt_cert=self.other, validate_certs=False, **options
        )

    def send(self, command):
        message = pyas2lib.Message(self.organization, self.partner(command["options"]))
        message.build(base64.b64decode(command["content"]), filename="order.edi", content_type="application/edifact")
        self.sent[message.message_id] = message
        return {"headers": dict(message.headers), "body": packed(message.content)}

    def receive(self, command):
        raw = base64.b64decode(command["raw"])
        message = pyas2lib.Message()
        partner = self.partner(command["options"])
        status, error, mdn = message.parse(
            raw, lambda _name: self.organization, lambda _name: partner, lambda *_: False
        )
        answer = {"status": status, "error": str(error), "content": packed(message.content or b"")}
        if mdn is not None:
            answer["mdn"] = {"headers": dict(mdn.headers), "body": packed(mdn.content)}
            answer["mdn_url"] = mdn.mdn_url
        return answer

    def receipt(self, command):
        mdn = pyas2lib.Mdn()
        status, detail = mdn.parse(base64.b64decode(command["raw"]), lambda name, _: self.sent.get(name))
        return {"status": status, "detail": str(detail)}


def main():
    peer = Peer(Path(sys.argv[1]))
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(peer, command["do"])(command)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
