"""Where our time goes: by room, and on request by function."""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
from collections import Counter
from io import BytesIO, StringIO
from pathlib import Path
from time import process_time

from measuring import WARM_UP, excerpt, pin, timed
from ours import open_messages, place, read, translate


def by_room(text: bytes) -> dict[str, float]:
    """µs of CPU a message in each room, the clock read between them, in one pass."""
    spent: Counter[str] = Counter()
    count = 0
    start = process_time()
    for count, message in enumerate(open_messages(BytesIO(text)), 1):  # noqa: B007 — the last count is the divisor
        opened = process_time()
        tree = place(message)
        placed = process_time()
        translate(tree)
        done = process_time()
        spent += Counter(envelope=opened - start, guides=placed - opened, translation=done - placed)
        start = process_time()
    return {room: seconds / count * 1e6 for room, seconds in spent.items()}


def by_function(text: bytes, rows: int) -> str:
    """The functions with the most time of their own. The profiler makes calls look dearer than they are."""
    profiler = cProfile.Profile()
    profiler.runcall(lambda: sum(1 for _ in read(text)))
    report = StringIO()
    pstats.Stats(profiler, stream=report).strip_dirs().sort_stats("tottime").print_stats(rows)
    return report.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--functions", type=int, default=0)
    arguments = parser.parse_args()
    pin()
    text = arguments.file.read_bytes()
    timed(read, excerpt(text, WARM_UP))
    report = {"stages": by_room(text)}
    if arguments.functions:
        report["functions"] = by_function(text, arguments.functions)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
