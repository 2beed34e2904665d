"""Trying a partner's SFTP server step by step, with what exchanging files will need; what was written goes again."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import AsyncIterator, Awaitable
from uuid import uuid4

import asyncssh

from edi_server.errors import EdiServerError, TransportError
from edi_server.transports.probing import Step, reach
from edi_server.transports.sftp_mailbox.mailbox import Remote
from edi_server.transports.sftp_mailbox.remote import (
    HostKeyChangedError,
    LoginRefusedError,
    Place,
    connect,
    describe,
    fingerprints,
)


async def try_mailbox(remote: Remote) -> list[Step]:
    """DNS, TCP, host key, login, list, write, rename, delete; ends where going on makes no sense."""
    place = remote.place
    try:
        agreed = fingerprints(place)
    except EdiServerError as error:
        return [Step("host key", False, str(error))]
    steps = await reach(place.host, place.port, seconds=place.seconds)
    if not steps[-1].ok:
        return steps
    try:
        async with connect(place) as client:
            steps += [Step("host key", True, f"as agreed: {agreed}"), Step("login", True, f"as {place.user}")]
            async for step in _folders(remote, client):
                steps.append(step)
    except HostKeyChangedError as error:
        return [*steps, Step("host key", False, str(error))]
    except LoginRefusedError as error:
        return [*steps, Step("host key", True, f"as agreed: {agreed}"), Step("login", False, str(error))]
    except TransportError as error:
        return [*steps, Step("session", False, str(error))]
    return steps


async def _folders(remote: Remote, client: asyncssh.SFTPClient) -> AsyncIterator[Step]:
    place, pull = remote.place, remote.pull
    if pull is not None:
        for name, folder in (("list", pull.inbox), ("list", pull.claim), ("list", pull.archive)):
            if folder:
                yield await _try(place, name, folder, _count(client, folder))
        moved_to = pull.claim or (pull.archive if pull.after == "move" else "")
        if moved_to or pull.after == "delete":
            async for step in _changes(place, client, pull.inbox, moved_to):
                # Many let us read and delete there, but not write: then it cannot be tried without a file of theirs.
                if step.name == "write" and not step.ok:
                    yield Step("write", True, f"not allowed in {pull.inbox}: renaming and deleting there was not tried")
                    break
                yield step
    if remote.push is not None:
        outbox = remote.push.outbox
        yield await _try(place, "list", outbox, _count(client, outbox))
        async for step in _changes(place, client, outbox, ""):
            yield step


async def _changes(place: Place, client: asyncssh.SFTPClient, folder: str, moved_to: str) -> AsyncIterator[Step]:
    """Write, rename and delete a file of ours, whose name nobody takes for a document."""
    name = f".edi-connection-test-{uuid4().hex}.tmp"
    written, renamed = posixpath.join(folder, name), posixpath.join(moved_to or folder, f"{name}.renamed.tmp")
    step = await _try(place, "write", folder, _write(client, written))
    yield step
    if not step.ok:
        return
    step = await _try(
        place, "rename", f"{folder} to {moved_to}" if moved_to else folder, client.rename(written, renamed)
    )
    yield step
    yield await _try(place, "delete", moved_to or folder, client.remove(renamed if step.ok else written))


async def _write(client: asyncssh.SFTPClient, path: str) -> None:
    async with client.open(path, "wb") as file:
        await file.write(b"connection test\r\n")


async def _count(client: asyncssh.SFTPClient, folder: str) -> str:
    names = [name for name in await client.listdir(folder) if name not in (".", "..")]
    return f"{len(names)} entries in {folder}"


async def _try(place: Place, name: str, folder: str, action: Awaitable[str | None]) -> Step:
    try:
        told = await asyncio.wait_for(action, place.seconds)
    except (TimeoutError, asyncssh.SFTPError) as error:
        return Step(name, False, f"{folder}: {describe(error)}")
    return Step(name, True, told or f"a test file in {folder}")
