"""A closer look at our own: the memory that a large file takes, and where the time of a message goes."""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import pstats
from collections import Counter
from io import BytesIO, StringIO
from pathlib import Path
from time import process_time
from typing import Any

from measuring import memory, pin, user_cpu
from ours_validation import nodes, open_messages, place, read_stream, translate, why_no_document
from passes import parts


def stream(kind: str, outcome: str, file: Path) -> dict[str, Any]:
    """Stream a large file. Idle is the process with all imported, guide and profile compiled, waiting for a file."""
    gc.collect()
    idle, start, count = memory("VmRSS"), user_cpu(), 0
    with file.open("rb") as source:
        for count, _ in enumerate(read_stream(kind, source, outcome), 1):  # noqa: B007 — the last count is reported
            pass
    return {
        "bytes": file.stat().st_size,
        "messages": count,
        "user_cpu_seconds": user_cpu() - start,
        "idle_rss": idle,
        "peak_rss": memory("VmHWM"),
    }


def by_room(kind: str, outcome: str, text: bytes) -> dict[str, float]:
    """µs of CPU a message in each room, the clock read between them, in one pass."""
    spent: Counter[str] = Counter()
    count, start = 0, process_time()
    for count, (syntax, message) in enumerate(open_messages(BytesIO(text)), 1):  # noqa: B007 — the divisor
        opened = process_time()
        tree = place(syntax, message)
        placed = process_time()
        spent += Counter(envelope=opened - start, guides=placed - opened)
        if outcome == "document":
            translate(kind, tree)
            spent["translation"] += process_time() - placed
        elif outcome == "nodes":
            nodes(kind, tree)
            spent["nodes"] += process_time() - placed
        start = process_time()
    return {room: seconds / count * 1e6 for room, seconds in spent.items()}


def by_function(kind: str, outcome: str, text: bytes, rows: int) -> str:
    """The functions with the most time of their own. The profiler makes calls look dearer than they are."""
    profiler = cProfile.Profile()
    profiler.runcall(lambda: sum(1 for _ in read_stream(kind, BytesIO(text), outcome)))
    report = StringIO()
    pstats.Stats(profiler, stream=report).strip_dirs().sort_stats("tottime").print_stats(rows)
    return report.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("file", type=Path)
    parser.add_argument("--warm-up", type=Path, required=True)
    parser.add_argument("--outcome", default="tree")
    parser.add_argument("--functions", type=int, default=0, help="so many functions, most time first")
    parser.add_argument("--stream", action="store_true", help="read the file block by block, and report memory")
    arguments = parser.parse_args()
    kind, outcome = arguments.kind, arguments.outcome
    pin()
    if outcome == "document" and (why := why_no_document(kind)):
        raise SystemExit(why)
    for text in parts(arguments.warm_up):
        sum(1 for _ in read_stream(kind, BytesIO(text), outcome))
    if arguments.stream:
        print(json.dumps(stream(kind, outcome, arguments.file)))
        return
    text = arguments.file.read_bytes()
    if arguments.functions:
        print(by_function(kind, outcome, text, arguments.functions))
        return
    print(json.dumps(by_room(kind, outcome, text)))


if __name__ == "__main__":
    main()
