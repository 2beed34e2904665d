"""How much strangers and partners may ask of our listeners. Each is a section of the configuration."""

from __future__ import annotations

import msgspec


class SftpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much anybody may ask of the SFTP endpoint."""

    #: Connections at a time: all together, from one address, and those that are not logged in yet.
    connections: int = 1000
    per_address: int = 100
    unauthenticated: int = 100
    #: Of one address, not logged in yet: else one attacker could hold all of them.
    unauthenticated_per_address: int = 30
    #: Files and folders that one account may hold open at a time, in all its sessions.
    open_files: int = 200
    #: SFTP sessions on one connection.
    channels: int = 10
    #: Wrong passwords on one connection before it is closed, and keys that do not fit: an agent offers all it has.
    attempts: int = 6
    offers: int = 30
    #: Failures of an address (or on a name, from everywhere) within the window, before it is banned. A failure is a
    #: wrong password, or a connection that offered keys and ended without having logged in.
    address_failures: int = 20
    name_failures: int = 50
    window_seconds: float = 600
    ban_seconds: float = 1800
    #: Seconds for logging in, and without any request, before a connection is closed.
    login_seconds: float = 30
    idle_seconds: float = 900


class FrontLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much anybody may ask of a listener."""

    #: Proxies in front of it, by addresses or networks: the limits of an address hold for whom they name in
    #: X-Forwarded-For. Nobody else is believed.
    trusted_proxies: tuple[str, ...] = ()
    #: Connections at a time, and those from one address; of one behind a proxy, requests.
    connections: int = 500
    per_address: int = 50
    #: Requests of one address within a minute.
    per_minute: int = 600
    #: Bytes of one body.
    largest: int = 256 * 1024 * 1024
    #: Until the header is there, and between two requests.
    header_seconds: float = 20.0
    #: Patience with a body: silence uses it up, and what comes at this rate at least brings it back.
    body_seconds: float = 60.0
    slowest_bytes_per_second: float = 32 * 1024
    #: Requests that are worked on at a time; others wait. So many of the largest bodies are held in memory at most,
    #: half of that for one address.
    at_once: int = 4
