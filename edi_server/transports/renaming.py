"""Renaming without ever replacing a file, and making names durable."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
#: The file system (or kernel) cannot do it, whatever the files.
_CANNOT = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
#: `link` on file systems without hard links.
_CANNOT_LINK = _CANNOT | {errno.EPERM, errno.EMLINK}


def move_without_replacing(source: Path, target: Path) -> None:
    """Rename within one file system; raises FileExistsError, both files untouched, if the target's name is taken.

    With `renameat2` this is one atomic step. Where that is missing (NFS), link and unlink: a crash in between leaves
    both names, which `is_same_file` tells. Where links are missing too (FAT, some shares), an empty file reserves the
    name first.
    """
    try:
        _renameat2(source, target)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        _link(source, target)


def _renameat2(source: Path, target: Path) -> None:
    function = _libc_renameat2()
    if function is None:
        raise OSError(errno.ENOSYS, "renameat2 is missing")
    if function(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(source), None, str(target))


@cache
def _libc_renameat2() -> Any:
    try:
        return ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        source.replace(target)
    else:
        source.unlink()


def is_same_file(one: Path, other: Path) -> bool:
    """True if both names are of one file: what a crash between link and unlink leaves."""
    try:
        return os.path.samestat(one.lstat(), other.lstat())
    except FileNotFoundError:
        return False


def free_names(name: str) -> Iterator[str]:
    """The name, then the name with 2, 3, … before its suffix."""
    yield name
    stem, dot, suffix = name.rpartition(".")
    number = 2
    while True:
        yield f"{stem}-{number}{dot}{suffix}" if stem else f"{name}-{number}"
        number += 1


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable. Some network file systems refuse it, and do it anyway."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(descriptor)
