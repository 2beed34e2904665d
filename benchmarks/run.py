"""`make bench`: bytes to validated canonical Orders, against peers in the same run; and a large file in little memory.

Exit code 1 if a peer is less than ten times slower than we are, or the large file takes more memory than promised.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from statistics import median
from typing import Any

import messages
from contestants import HERE, OURS, RIVALS, ask, check, install_peers, run

OUT = HERE / "out"
KINDS = ("plain", "released")
#: The promises: times faster than each peer, and bytes above the idle process for a large file.
TIMES = 10
ABOVE_IDLE = 150_000_000


def inputs(count: int) -> dict[str, Path]:
    """The two interchanges that everybody reads."""
    files = {kind: OUT / f"{kind}-{count}.edi" for kind in KINDS}
    for kind, file in files.items():
        file.write_bytes(messages.interchange(count, released=kind == "released"))
    return files


def compare_contents(files: dict[str, Path], count: int) -> None:
    """Stop unless every contestant reads all messages, all lines, and the same content."""
    for kind, file in files.items():
        answers = {contestant.name: check(contestant, file) for contestant in (OURS, *RIVALS)}
        wanted = {"messages": count, "lines": count * messages.LINES, "content": answers[OURS.name]["content"]}
        for name, answer in answers.items():
            if {key: answer[key] for key in wanted} != wanted:
                sys.exit(f"{name} reads something else in {file.name}: {answer}\nedi-server: {answers[OURS.name]}")
        print(f"{kind}: all contestants read the same {count} orders of {messages.LINES} lines.", flush=True)


def compete(files: dict[str, Path], rounds: int) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Reports by kind of input and contestant; the contestants take turns, so that a busy machine hits them alike."""
    reports = {kind: {contestant.name: [] for contestant in (OURS, *RIVALS)} for kind in files}
    for number in range(1, rounds + 1):
        for kind, file in files.items():
            for contestant in (OURS, *RIVALS):
                reports[kind][contestant.name] += run(contestant, file)
            seconds = (f"{name} {r[-1]['user_cpu_seconds']:.3f} s" for name, r in reports[kind].items())
            print(f"round {number} {kind}: {', '.join(seconds)}", flush=True)
    return reports


def summarize(reports: list[dict[str, Any]], size: int) -> dict[str, float]:
    """The median of all passes of all rounds."""
    seconds = median(report["user_cpu_seconds"] for report in reports)
    count = reports[0]["messages"]
    return {
        "microseconds": seconds / count * 1e6,
        "megabytes": size / seconds / 1e6,
        "messages": count / seconds,
        "peak_rss": max(report["peak_rss"] for report in reports),
    }


def table(kind: str, size: int, reports: dict[str, list[dict[str, Any]]]) -> tuple[list[str], dict[str, float]]:
    """Lines to print, and how many times faster than each peer we are."""
    rows = {name: summarize(turns, size) for name, turns in reports.items()}
    ours = rows[OURS.name]["microseconds"]
    ratios = {name: row["microseconds"] / ours for name, row in rows.items() if name != OURS.name}
    lines = ["", f"{kind}: {size / 1e6:.2f} MB", ""]
    lines += ["| | µs/message | MB/s | messages/s | peak RSS, MB | we are faster by |", "|---|--:|--:|--:|--:|--:|"]
    lines += [
        f"| {name} | {row['microseconds']:.0f} | {row['megabytes']:.2f} | {row['messages']:.0f}"
        f" | {row['peak_rss'] / 1e6:.0f} | {f'{ratios[name]:.1f}x' if name in ratios else ''} |"
        for name, row in rows.items()
    ]
    return lines, ratios


def breakdown(kind: str, stages: dict[str, float]) -> list[str]:
    """Where our time goes, in µs a message."""
    parts = ", ".join(f"{name} {value:.0f}" for name, value in stages.items())
    return ["", f"{kind}, µs/message by room: {parts}; all {sum(stages.values()):.0f}"]


def large_file(size: int) -> Path:
    """The large file, made anew only if the generator or the size changed."""
    file = OUT / f"large-{size}-edition{messages.EDITION}.edi"
    if not file.exists():
        for old in OUT.glob("large-*"):
            old.unlink()
        print(f"Writing {file.name} …", flush=True)
        messages.write(file, size, released=True)
    return file


def remember(size: int) -> tuple[str, dict[str, Any]]:
    """Stream the large file; gives a sentence to print and the report."""
    report = ask(OURS.python, "large", str(large_file(size)))
    report["above_idle"] = report["peak_rss"] - report["idle_rss"]
    million = {key: report[key] / 1e6 for key in ("bytes", "idle_rss", "peak_rss", "above_idle")}
    sentence = (
        f"{million['bytes']:.0f} MB, one interchange of {report['messages']} messages: "
        f"{report['user_cpu_seconds']:.1f} s user CPU, {million['bytes'] / report['user_cpu_seconds']:.1f} MB/s; "
        f"idle {million['idle_rss']:.0f} MB, peak {million['peak_rss']:.0f} MB, "
        f"{million['above_idle']:.0f} MB above idle (promised: under {ABOVE_IDLE / 1e6:.0f})."
    )
    return sentence, report


def machine() -> str:
    """Where this ran, for the record."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}, {platform.system()}, Python {platform.python_version()}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contestant (default 3)")
    parser.add_argument("--messages", type=int, default=1000, help="messages in the interchange (default 1000)")
    parser.add_argument("--size", type=messages.bytes_of, default=messages.bytes_of("200MB"), help="of the large file")
    parser.add_argument("--no-large", action="store_true", help="leave the large file out")
    parser.add_argument(
        "--profile", action="store_true", help="no competition: where our time goes, function by function"
    )
    return parser.parse_args()


def profile(files: dict[str, Path]) -> None:
    """Print our breakdown by room and by function for each input."""
    for kind, file in files.items():
        report = ask(OURS.python, "stages", str(file), "--functions", "30")
        print("\n".join(breakdown(kind, report["stages"])), report["functions"], sep="\n", flush=True)


def main() -> int:
    asked = arguments()
    OUT.mkdir(exist_ok=True)
    files = inputs(asked.messages)
    if asked.profile:
        profile(files)
        return 0
    install_peers()
    compare_contents(files, asked.messages)
    reports = compete(files, asked.rounds)
    lines, short = [machine()], []
    for kind, file in files.items():
        rows, ratios = table(kind, file.stat().st_size, reports[kind])
        lines += [*rows, *breakdown(kind, ask(OURS.python, "stages", str(file))["stages"])]
        short += [f"{kind}: {name} only {ratio:.1f}x" for name, ratio in ratios.items() if ratio < TIMES]
    results: dict[str, Any] = {"machine": lines[0], "reports": reports}
    if not asked.no_large:
        sentence, report = remember(asked.size)
        lines += ["", sentence]
        results["large"] = report
        if report["above_idle"] >= ABOVE_IDLE:
            short.append("the large file takes too much memory")
    lines += ["", f"Not kept: {'; '.join(short)}." if short else f"Kept: at least {TIMES}x each."]
    (OUT / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    (OUT / "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
