"""Posting documents to partners' webhooks, signed, each under an idempotency key that stays the same.

    POST <url>   Idempotency-Key: <transmission id>   X-File-Name: DESADV_1.edi   X-Signature: sha256=<hex>

Any 2xx is the proof that they have it. What a partner does not take for good is told from what passes by the status:
408, 409 (the first attempt is still worked on), 425, 429 and 5xx pass, all else does not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from urllib.parse import quote

import msgspec

from edi_server.errors import ConfigurationError, TransportError
from edi_server.transports.loop import Loop
from edi_server.transports.port import HandedOver
from edi_server.transports.posting import Answer, Tls, post, retry_after, without_secrets
from edi_server.transports.staging import Staging

_PASSING = (408, 409, 425, 429)
#: Characters of ASCII that are sent as they are in names; others are percent-encoded UTF-8 (RFC 3986).
_IN_NAMES = " !#$&'()+,;=@[]{}^`"
#: Characters of their answer that are kept as proof.
_KEPT = 2000


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where documents for a partner are posted to."""

    mailbox: str
    url: str
    #: Secret that each post is signed with (HMAC SHA-256 of the body), so that they know it is ours; never logged.
    secret: str = ""
    tls: Tls | None = None
    seconds: float = 60.0

    def __repr__(self) -> str:
        return f"<webhook of {self.mailbox}>"


class Webhooks:
    """All partners' webhooks; `find` gives the one of a mailbox as it is now, or None."""

    def __init__(self, staging: Staging, loop: Loop, find: Callable[[str], Webhook | None]) -> None:
        self._staging = staging
        self._loop = loop
        self._find = find

    def stage(self, transmission_id: str, mailbox: str, content: bytes) -> None:
        """See `Transport`."""
        self._webhook(mailbox)
        self._staging.stage(transmission_id, content)

    def hand_over(self, transmission_id: str, mailbox: str, name: str) -> HandedOver:
        """See `Transport`: a post whose idempotency key is the run's, the same in every attempt."""
        staged = self._staging.find(transmission_id)
        if isinstance(staged, HandedOver):
            return staged
        hook = self._webhook(mailbox)
        content = staged.path.read_bytes()
        answer = self._loop.run(
            post(hook.url, _headers(hook, staged.key, name, content), content, tls=hook.tls, seconds=hook.seconds),
            hook.seconds + 30,
        )
        _judge(hook, answer)
        url = without_secrets(hook.url)
        said = {"url": url, "status": answer.status, "answer": answer.body[:_KEPT].decode("utf-8", "replace")}
        handed = HandedOver(name=name, proof=json.dumps(said).encode(), detail={"url": url, "key": staged.key})
        return self._staging.finish(transmission_id, handed)

    def _webhook(self, mailbox: str) -> Webhook:
        try:
            hook = self._find(mailbox)
        except ConfigurationError as error:
            # A secret that is being replaced is there again soon; who has to know otherwise is told elsewhere.
            raise TransportError(f"the webhook of {mailbox} cannot be used: {error}") from error
        if hook is None:
            raise TransportError(f"{mailbox} has no webhook", permanent=True)
        return hook


def _headers(hook: Webhook, key: str, name: str, content: bytes) -> dict[str, str]:
    headers = {
        "Content-Type": "application/octet-stream",
        "Idempotency-Key": key,
        "X-File-Name": quote(name, safe=_IN_NAMES),
        "User-Agent": "edi-server",
    }
    if hook.secret:
        digest = hmac.new(hook.secret.encode(), content, hashlib.sha256).hexdigest()
        headers["X-Signature"] = f"sha256={digest}"
    return headers


def _judge(hook: Webhook, answer: Answer) -> None:
    """Raise TransportError for what is no 2xx."""
    status = answer.status
    if 200 <= status < 300:
        return
    told = f"the webhook of {hook.mailbox} answers {status}"
    if 300 <= status < 400:
        where = without_secrets(answer.headers.get("location", "")) or "nowhere"
        told += f" and sends us to {where[:200]}, which is not the address that was agreed"
        raise TransportError(told, permanent=True)
    if 400 <= status < 500 and status not in _PASSING:
        raise TransportError(told, permanent=True)
    raise TransportError(told, retry_after=retry_after(answer))
