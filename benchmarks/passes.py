"""What every contestant of the validation benchmark does: warm up, read, say how long it took; or say what it read.

Standard library only, because it runs in the peers' environment as well as in ours.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from facts import Said
from measuring import memory, pin, user_cpu

M = TypeVar("M")
#: The work itself: message type and bytes in memory to messages, one after the other. Nobody keeps them.
Read = Callable[[str, bytes], Iterable[M]]
Say = Callable[[str, M], Said]


def parts(file: Path) -> list[bytes]:
    """The interchanges of a file that are read one by one."""
    return file.read_bytes().split(b"\0")


def timed(read: Read[M], kind: str, interchanges: list[bytes]) -> tuple[int, float]:
    """The number of messages, and user CPU in seconds."""
    gc.collect()
    start = user_cpu()
    count = sum(1 for text in interchanges for _ in read(kind, text))
    return count, user_cpu() - start


def check(read: Read[M], say: Say[M], kind: str, text: bytes) -> dict[str, Any]:
    """What was read, so that nobody is fast by not reading."""
    said = [say(kind, message) for message in read(kind, text)]
    return {
        "messages": len(said),
        "lines": sum(len(lines) for _, lines in said),
        "content": hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest(),
        "first": said[0] if said else None,
    }


def compete(read: Read[M], say: Say[M]) -> None:
    """Do what the command line asks and print the report as JSON: the `main` of each contestant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="tell what was read instead of how fast")
    parser.add_argument("--warm-up", type=Path, help="interchanges to read before the clock starts")
    parser.add_argument("--singles", type=Path, help="interchanges of one message each, to read one by one, too")
    arguments = parser.parse_args()
    if arguments.check:
        print(json.dumps(check(read, say, arguments.kind, arguments.file.read_bytes())))
    else:
        print(json.dumps(_measure(read, arguments)))


def _measure(read: Read[Any], arguments: argparse.Namespace) -> dict[str, Any]:
    pin()
    kind, warm_up = arguments.kind, parts(arguments.warm_up)
    timed(read, kind, warm_up[:1])
    # All user CPU of the process so far: interpreter, imports, grammar, and one message.
    first = user_cpu()
    timed(read, kind, warm_up[1:])
    count, seconds = timed(read, kind, parts(arguments.file))
    peak = memory("VmHWM")
    singles, each = timed(read, kind, parts(arguments.singles))
    return {
        "messages": count,
        "user_cpu_seconds": seconds,
        "peak_rss": peak,
        "single_seconds": each / singles,
        "first_seconds": first,
    }
