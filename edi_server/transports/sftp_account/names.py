r"""What a client says is where: the one place in which paths are read, and names become text.

A name either is one of few known folders or a plain file name in one of them, so there is no way out.

SFTP does not say how names are encoded. What is no UTF-8 comes from old software on Windows, so it is read as Windows'
Western European code page: "Auftrag-M\xfcller.edi" is Auftrag-Müller.edi. Refusing it would lose an order for an
umlaut, and keeping its bytes would carry what is no text into logs, JSON and the database. A client that asks again by
the same bytes, or by the name that a listing told it, means the same file. Names with control characters are refused:
nobody means them well, and each would be a line of its own in a log.
"""

from __future__ import annotations

import posixpath
import re
from typing import Literal

from edi_server.transports.collecting import UNFINISHED

IN, OUT, ARCHIVE, STATUS = "in", "out", "out/archive", "status"
FOLDERS = ("", IN, OUT, ARCHIVE, STATUS)
#: Bytes that a file name on disk has at most, and those of an upload: it gets a time and an id beside its name.
_LONGEST = 255
LONGEST_UPLOAD = 200
#: What ends a line or turns the direction of writing: a name must not look like another, or like a line of a log.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Reason = Literal["missing", "denied", "exists", "failure", "quota", "busy", "outside"]


class Refused(Exception):  # noqa: N818 — the word that clients and logs see
    """An action that the account may not do, or not now; the text says why, for the client."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def text_of(name: bytes) -> str:
    """A name or path as text, whatever its encoding."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        # Python leaves five bytes of the code page undefined; they become control characters, and are refused as such.
        return "".join(_one(byte) for byte in name)


def _one(byte: int) -> str:
    return bytes([byte]).decode("cp1252", "ignore") or chr(byte)


def printable(text: str) -> str:
    r"""The text without what ends lines: that is written as `\xhh`."""
    return _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def file_name(name: bytes) -> str:
    """A name for an upload that lies on our disk under one that clients could not use."""
    return _UNPRINTABLE.sub("_", text_of(name)).encode()[:_LONGEST].decode("utf-8", "ignore")


def cut(name: str) -> str:
    """As much of a name as an upload may have."""
    return name.encode()[:LONGEST_UPLOAD].decode("utf-8", "ignore")


def real_path(path: str) -> str:
    """The path without dots and doubled slashes, from the account's root."""
    return posixpath.normpath(posixpath.join("/", path.replace("\\", "/"))).replace("//", "/")


def find(path: str) -> tuple[str, str]:
    """Folder and name of a path; the name is empty for a folder itself. Raises Refused."""
    real = real_path(path).strip("/")
    if real in FOLDERS:
        return real, ""
    folder, name = posixpath.split(real)
    if folder not in FOLDERS or not folder:
        raise Refused("outside", f"There is no {printable(path)[:300]}.")
    if _UNPRINTABLE.search(name):
        raise Refused("denied", "Names with control characters cannot be used.")
    longest = LONGEST_UPLOAD if folder == IN else _LONGEST
    if len(name.encode()) > longest:
        raise Refused("denied", f"Names of more than {longest} bytes cannot be used.")
    return folder, name


def is_unfinished(name: str) -> bool:
    """True for names that writers give to what they have not finished."""
    return name.startswith(".") or name.lower().endswith(UNFINISHED)


def may_move(old: str, new: str) -> bool:
    """Whether files may be renamed from one of the folders to the other."""
    return old == new == IN or {old, new} <= {OUT, ARCHIVE}
