"""The HTTP drop: documents by an authenticated POST, for partners who prefer an API; the way back is their webhook.

    POST /drop/<account>      Authorization: Bearer <token>   Idempotency-Key: <any text>   X-File-Name: order.edi
    201 {"transmission": "…", "name": "order.edi", "size": 4711, "again": false}

The same idempotency key with the same body is answered with the same transmission (200, "again": true); with another
body it is refused (422): it would be lost unnoticed, or taken where the client believes that nothing happens twice
(draft-ietf-httpapi-idempotency-key-header, 2.7). Without a key, the bytes themselves are the key, so that a client that
lost our answer may simply post again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import unquote

import msgspec

from edi_server.transports.http_front import Reply, Request
from edi_server.transports.port import Claim, Collected, HandedOver
from edi_server.transports.spool import Spool
from edi_server.transports.webhook import Webhooks

_LONGEST_KEY = 200
_LONGEST_NAME = 200


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that opens an account; several overlap while it is changed."""

    #: Made by `hash_token`.
    digest: str
    ends: datetime | None = None


class DropAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the drop."""

    name: str
    mailbox: str
    tokens: tuple[Token, ...]


def hash_token(token: str) -> str:
    """The token as it may be kept. Tokens are long and random, so one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


class Drop:
    """What takes posts. `accounts` gives them by name, as they are now; `clock` the time in UTC."""

    def __init__(
        self, *, spool: Spool, accounts: Callable[[], Mapping[str, DropAccount]], clock: Callable[[], datetime]
    ) -> None:
        self._spool = spool
        self._accounts = accounts
        self._clock = clock

    def take(self, request: Request) -> Reply:
        """Take a post. Raises TransportError where it could not be stored: answered with 503."""
        account = self._open(request)
        if account is None:
            return _say(401, {"error": "The account or its token is wrong."}, {"WWW-Authenticate": "Bearer"})
        if not request.body:
            return _say(400, {"error": "The body is empty; nothing was taken."})
        key = request.headers.get("idempotency-key", "").strip()
        if len(key) > _LONGEST_KEY:
            return _say(400, {"error": f"Idempotency-Key is longer than {_LONGEST_KEY} characters."})
        digest = hashlib.sha256(request.body).hexdigest()
        taken, is_new = self._spool.take(
            request.body,
            mailbox=account.mailbox,
            key=f"drop:{key}" if key else f"drop-sha256:{digest}",
            name=_file_name(request.headers),
            detail={"account": account.name, "address": request.address, "key": key},
            answer=digest.encode(),
        )
        # Empty in what earlier releases took.
        if taken.answer and taken.answer != digest.encode():
            sentence = f"Idempotency-Key {key} was used before for another document; use a new one for each document."
            return _say(422, {"error": sentence, "transmission": taken.transmission_id})
        said = {"transmission": taken.transmission_id, "name": taken.name, "size": taken.size, "again": not is_new}
        return _say(201 if is_new else 200, said)

    def _open(self, request: Request) -> DropAccount | None:
        account = self._accounts().get(request.path.rstrip("/").rpartition("/")[2])
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = hash_token(token.strip())
        now = self._clock()
        usable = [one for one in account.tokens if one.ends is None or now < one.ends] if account else []
        # Compared even where there is no account, in the same time.
        fits = [hmac.compare_digest(one.digest, given) for one in usable] or [hmac.compare_digest(given, "")]
        return account if scheme.lower() == "bearer" and any(fits) else None


def _file_name(headers: Mapping[str, str]) -> str:
    name = unquote(headers.get("x-file-name", "")).replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if c.isprintable()).strip(". ")
    return name[:_LONGEST_NAME] or "dropped.edi"


def _say(status: int, what: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps(what, ensure_ascii=False).encode() + b"\n"
    return Reply(status=status, headers={"Content-Type": "application/json", **(headers or {})}, body=body)


class DropTransport:
    """A `Transport`: what was dropped is collected, what is delivered is posted to the partner's webhook."""

    def __init__(self, *, spool: Spool, webhooks: Webhooks) -> None:
        self._spool = spool
        self._webhooks = webhooks
        self._told: set[str] = set()

    def collect(self) -> Collected:
        """See `Transport`."""
        claims = tuple(one for one in self._spool.claimed() if one.transmission_id not in self._told)
        self._told |= {one.transmission_id for one in claims}
        return Collected(claims=claims)

    def claimed(self) -> list[Claim]:
        """See `Transport`."""
        claims = self._spool.claimed()
        self._told |= {one.transmission_id for one in claims}
        return claims

    def release(self, claim: Claim) -> None:
        """See `Transport`."""
        self._spool.release(claim)
        self._told.discard(claim.transmission_id)

    def stage(self, transmission_id: str, mailbox: str, content: bytes) -> None:
        """See `Transport`."""
        self._webhooks.stage(transmission_id, mailbox, content)

    def hand_over(self, transmission_id: str, mailbox: str, name: str) -> HandedOver:
        """See `Transport`."""
        return self._webhooks.hand_over(transmission_id, mailbox, name)
