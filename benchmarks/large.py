"""Stream a large file to Orders, as the daemon does: what it takes above the idle process."""

from __future__ import annotations

import argparse
import gc
import json
from pathlib import Path

from measuring import WARM_UP, memory, pin, user_cpu
from messages import interchange
from ours import read, read_stream


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    pin()
    # Idle is the process with everything imported, guide and profile loaded and compiled, waiting for a file.
    orders = sum(1 for _ in read(interchange(WARM_UP, released=True)))
    gc.collect()
    idle, start, lines = memory("VmRSS"), user_cpu(), 0
    with arguments.file.open("rb") as file:
        for orders, order in enumerate(read_stream(file), 1):  # noqa: B007 — the last count is reported
            lines += len(order.lines)
    report = {
        "bytes": arguments.file.stat().st_size,
        "messages": orders,
        "lines": lines,
        "user_cpu_seconds": user_cpu() - start,
        "idle_rss": idle,
        "peak_rss": memory("VmHWM"),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
