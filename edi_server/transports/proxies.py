"""Who posts, where a proxy stands in front of a listener: every connection comes from the proxy then."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

#: An address with a port, as some proxies say it.
_WITH_PORT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[0-9.]+))(?::\d+)?")


class Proxies:
    """Proxies that are believed, by addresses and networks such as "10.0.0.0/8". Raises ValueError for what is none."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = [ip_network(one, strict=False) for one in trusted]

    def has(self, address: str) -> bool:
        """True for one of them."""
        read = _read(address)
        return read is not None and any(read in network for network in self._trusted)

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """Where a request comes from whose connection comes from `peer`. `forwarded`: its headers X-Forwarded-For.

        Each proxy adds whom it heard; what stands before the first whom we do not trust, anybody may have written.
        """
        client = peer
        for hop in reversed([one.strip() for header in forwarded for one in header.split(",")]):
            read = _read(hop)
            if read is None or not self.has(client):
                break
            client = str(read)
        return client


def _read(text: str) -> IPv4Address | IPv6Address | None:
    written = _WITH_PORT.fullmatch(text)
    try:
        read = ip_address((written["v6"] or written["v4"]) if written else text)
    except ValueError:
        return None
    # What speaks IPv4 to a listener of both.
    return (read.ipv4_mapped or read) if isinstance(read, IPv6Address) else read
