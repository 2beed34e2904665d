"""Which addresses a partner may ask to be called at: everything else would let strangers reach our network through us.

Addresses are compared as the client that calls them reads them (yarl), not as they are written.
"""

from __future__ import annotations

import re

from yarl import URL

from edi_server.transports.as2.terms import Terms

#: Dots and slashes that hide from whoever compares paths; nobody needs to write them so.
_HIDDEN = re.compile(r"%(2e|2f|5c|25)|\\", re.IGNORECASE)


def may_be_called(url: str, terms: Terms) -> bool:
    """True for what lies below `receipt_urls`, or where none are agreed, for scheme, host and port of `url`."""
    asked = _read(url)
    if asked is None:
        return False
    if terms.receipt_urls:
        return any(_is_below(asked, agreed) for one in terms.receipt_urls if (agreed := _read(one)))
    own = _read(terms.url)
    return own is not None and _place(own) == _place(asked)


def _read(url: str) -> URL | None:
    """The address, None if it is none that anybody should be called at."""
    if not url.isascii() or not url.isprintable() or " " in url or _HIDDEN.search(url.partition("?")[0]):
        return None
    try:
        parsed = URL(url)
        has_port = parsed.port is not None
    except ValueError:
        return None
    is_plain = parsed.user is None and parsed.password is None
    return parsed if parsed.scheme in ("http", "https") and parsed.host and has_port and is_plain else None


def _place(url: URL) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, the default one where none is written."""
    return url.scheme, url.host, url.port


def _is_below(url: URL, agreed: URL) -> bool:
    prefix = agreed.path.rstrip("/")
    return _place(url) == _place(agreed) and (url.path == prefix or url.path.startswith(f"{prefix}/"))
