"""What every contestant is measured with: the same clock, the same core, the same report.

Standard library only, because it runs in the peers' environment as well as in ours.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import re
import resource
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

M = TypeVar("M")
#: The work itself: bytes in memory to messages, one after the other. Nobody keeps them.
Read = Callable[[bytes], Iterable[M]]
#: What a message says, for comparing contestants: order number and (GTIN, quantity, description) of each line.
Say = Callable[[M], tuple[str, list[tuple[str, str, str]]]]

#: Messages read before the clock starts: grammars are loaded, profiles compiled, caches filled.
WARM_UP = 10
MESSAGE = re.compile(rb"UNH\+.*?'UNT\+\d+\+\d+'", re.DOTALL)


def pin() -> None:
    """Stay on one core (the last allowed one), where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def user_cpu() -> float:
    """Seconds of user CPU of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def memory(key: str) -> int:
    """Bytes of resident memory: "VmRSS" now, "VmHWM" the most so far (Linux, /proc/self/status).

    Elsewhere the most so far for both. `ru_maxrss` is the last resort: on Linux a child inherits its parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(rf"^{key}:\s+(\d+) kB", status.read_text(), re.MULTILINE)[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def excerpt(text: bytes, count: int) -> bytes:
    """An interchange of the first `count` messages."""
    head, tail = text[: text.index(b"UNH+")], text[text.rindex(b"UNZ+") :]
    found = [match[0] for _, match in zip(range(count), MESSAGE.finditer(text), strict=False)]
    return head + b"".join(found) + re.sub(rb"UNZ\+\d+", b"UNZ+%d" % len(found), tail)


def timed(read: Read[M], text: bytes) -> tuple[int, float]:
    """One pass: the number of messages, and its user CPU in seconds."""
    gc.collect()
    start = user_cpu()
    count = sum(1 for _ in read(text))
    return count, user_cpu() - start


def check(read: Read[M], say: Say[M], text: bytes) -> dict[str, Any]:
    """What was read, so that nobody is fast by not reading: contestants must agree on it."""
    said = [say(message) for message in read(text)]
    return {
        "messages": len(said),
        "lines": sum(len(lines) for _, lines in said),
        "content": hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest(),
        "first": said[0] if said else None,
    }


def compete(read: Read[M], say: Say[M]) -> None:
    """Do what the command line asks and print the report as JSON: the `main` of each contestant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="tell what was read instead of how fast")
    arguments = parser.parse_args()
    text = arguments.file.read_bytes()
    if arguments.check:
        print(json.dumps(check(read, say, text)))
        return
    pin()
    timed(read, excerpt(text, WARM_UP))
    # One pass a process: who remembers what it has seen before must not see it twice.
    count, seconds = timed(read, text)
    print(json.dumps({"messages": count, "user_cpu_seconds": seconds, "peak_rss": memory("VmHWM")}))
