"""Where asyncssh's handler of SFTP requests is changed. It has no public way for any of this; tests pin it down.

A session that ends is told so before asyncssh closes what is open: asyncssh calls `close` in that case too, and it is
no CLOSE of the client's. After each answer it waits until the client has taken most of what was sent before: one that
asks and never reads would fill our memory with answers. Then the session is asked when the next request may come.
Servers that want this have `is_ending` and `pause`.

Of the extensions, those are neither offered nor answered that asyncssh does beside its server's methods: they fail on
files that are none of Python's. Clients are asked to read and write in small pieces.
"""

from __future__ import annotations

import contextlib

from asyncssh.packet import SSHPacket
from asyncssh.sftp import SFTPLimits, SFTPServerHandler

_NOT_OURS = (b"ranges@asyncssh.com", b"copy-data", b"statvfs@openssh.com", b"fstatvfs@openssh.com")
#: Bytes of a packet, a read, and a write; open files are not told.
_LIMITS = SFTPLimits(262_144 + 1024, 65_536, 262_144, 0)

_cleanup = SFTPServerHandler._cleanup  # noqa: SLF001
_process = SFTPServerHandler._process_packet  # noqa: SLF001


async def _end(handler: SFTPServerHandler, exc: Exception | None) -> None:
    server = handler._server  # noqa: SLF001
    if hasattr(server, "is_ending"):
        server.is_ending = True
    await _cleanup(handler, exc)


async def _answer(handler: SFTPServerHandler, pkttype: int, pktid: int, packet: SSHPacket) -> None:
    size = len(packet.get_full_payload())
    await _process(handler, pkttype, pktid, packet)
    server, writer = handler._server, handler._writer  # noqa: SLF001
    if writer is not None:
        # Who asked for more than they took, and left: what they said before they did, CLOSE above all, still counts.
        with contextlib.suppress(BrokenPipeError):
            await writer.drain()
    if hasattr(server, "pause"):
        await server.pause(size)


async def _limits(_handler: SFTPServerHandler, packet: SSHPacket) -> SFTPLimits:
    packet.check_end()
    return _LIMITS


_handlers = SFTPServerHandler._packet_handlers  # noqa: SLF001
for _name in _NOT_OURS:
    _handlers.pop(_name, None)
_handlers[b"limits@openssh.com"] = _limits
SFTPServerHandler._extensions = [  # noqa: SLF001
    one
    for one in SFTPServerHandler._extensions  # noqa: SLF001
    if one[0] not in (*_NOT_OURS, b"hardlink@openssh.com", b"vendor-id")
]
SFTPServerHandler._cleanup = _end  # type: ignore[assignment,method-assign]  # noqa: SLF001
SFTPServerHandler._process_packet = _answer  # type: ignore[assignment,method-assign]  # noqa: SLF001
