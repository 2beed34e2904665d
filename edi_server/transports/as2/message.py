"""AS2 messages: made from a payload, and opened to one (RFC 4130, RFC 5402)."""

from edi_server.transports.as2.asking import Asked, asked_for, unquote_name, wanted_digest
from edi_server.transports.as2.making import make_message, quote_name, sign_entity
from edi_server.transports.as2.opening import open_message
from edi_server.transports.as2.records import Made, MessageError, Opened, Payload

__all__ = [
    "Asked",
    "Made",
    "MessageError",
    "Opened",
    "Payload",
    "asked_for",
    "make_message",
    "open_message",
    "quote_name",
    "sign_entity",
    "unquote_name",
    "wanted_digest",
]
