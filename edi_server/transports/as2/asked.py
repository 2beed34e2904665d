"""The receipt that a message asks for (RFC 4130 7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec

from edi_server.transports.as2.algorithms import Digest
from edi_server.transports.as2.message import MessageError, wanted_digest


class Asked(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """`Disposition-Notification-To` and what stands beside it."""

    is_wanted: bool
    #: Where to, if it shall come on its own; "" for the answer itself.
    url: str
    #: `Disposition-Notification-Options`.
    options: str

    @classmethod
    def by(cls, fields: Mapping[str, str]) -> Asked:
        """What these headers ask for; names in lower case."""
        return cls(
            is_wanted="disposition-notification-to" in fields,
            url=fields.get("receipt-delivery-option", "").strip(),
            options=fields.get("disposition-notification-options", ""),
        )

    @cached_property
    def _protocols(self) -> tuple[str, list[str]]:
        """How important the protocols are, and those that would do."""
        for option in self.options.split(";"):
            name, _, value = option.partition("=")
            if name.strip().lower() == "signed-receipt-protocol":
                importance, *named = [word.strip().lower() for word in value.split(",")]
                return importance, [word for word in named if word]
        return "", []

    @property
    def is_signed(self) -> bool:
        """It shall be signed, in the one way that we can."""
        return "pkcs7-signature" in self._protocols[1]

    def digest(self, used: Digest | None) -> Digest:
        """What its integrity check uses; `used` was the message's own."""
        return wanted_digest(self.options, used) or used or "sha256"

    def insist(self, used: Digest | None) -> None:
        """Raises MessageError where a receipt is required that we cannot give."""
        importance, named = self._protocols
        if self.is_wanted and importance == "required" and named and not self.is_signed:
            sentence = f"The receipt must be signed by {', '.join(named)[:100]}, which we cannot do."
            raise MessageError("unsupported format", sentence)
        if self.is_wanted and wanted_digest(self.options, used) is None:
            sentence = "The receipt must use a digest that we do not have."
            raise MessageError("unsupported MIC-algorithms", sentence)
