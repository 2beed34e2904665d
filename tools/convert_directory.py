"""Write the guides' own tables from published copies of the UN/EDIFACT directories.

    python tools/convert_directory.py ../shared/reference/edifact edi_server/guides/data/edifact

Facts are taken from one source (the CSV directories that edi4r and Business::EDI carry; code values from the XML that
php-edifact carries) and compared with the others (the JSON of vscode-edi-support, the XML of php-edifact). Every
difference is printed; which source is right, and why, is written down in docs/guides.md and repeated by
tests/rooms/test_guides_sources.py, so that a difference nobody has decided on fails there.

The product never runs this and never reads those sources.
"""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

MESSAGES = ("APERAK", "DESADV", "INVOIC", "ORDCHG", "ORDERS", "ORDRSP", "RECADV")
DIRECTORIES = ("D.96A", "D.01B")
SERVICE = {"3": "30000", "4": "40100"}
SERVICE_SEGMENTS = ("UNB", "UNG", "UNH", "UNS", "UNT", "UNE", "UNZ")
#: A group whose repetitions form a tree by identifiers: tag of its trigger, own and parent identifier (EDSD, CPS note).
NESTED = {"CPS": ("7164", "7166")}
#: Where the base source is wrong, and what is right instead. Reasons: docs/guides.md.
CORRECTIONS = {
    ("4", "UNH"): [("0062", True, 1), ("S009", True, 1), ("0068", False, 1), ("S010", False, 1)]
    + [(composite, False, 1) for composite in ("S016", "S017", "S018")],
}
#: php-edifact takes the first letter of these codes of D.96A for a change mark; the JSON, D.93A, D.01B and the UN's own
#: text of D.96B have it.
CORRECTED_CODES = {
    "D.96A": {
        "1153": {"A": "XA", "C": "XC", "P": "XP"},
        "3035": {"X": "XX"},
        "3153": {"F": "XF"},
        "3155": {"F": "XF"},
        "6313": {"H": "XH", "Q": "XQ", "Z": "XZ"},
        "7161": {"AA": "AA XAA"},
    }
}
#: Values that StAEDI has and php-edifact's copies, older, do not: the service code lists are issued on their own.
#: List 0085 lost and won codes from version to version; partners use them across versions, and their CONTRL must be
#: readable, so both have all of them.
ADDED_SERVICE_CODES = {
    "3": {"0007": ["500", "501", "502", "Z01"], "0085": ["44", "45", "46", "47", "48"]},
    "4": {
        "0001": ["UNOL", "UNOW"],
        "0007": ["500", "501", "502"],
        "0085": ["19", "27", "31", "34", "38", "41", "42", "43", "44"],
    },
}
#: The service code lists hold the message, version and release codes of their own time, so that they would refuse
#: every later directory; the guide that was found for the message has already said what these may be.
UNLISTED = frozenset({"0052", "0054", "0065", "0113"})

Use = tuple[str, bool, int]
Row = tuple[int, str, bool, int]


@dataclass
class Directory:
    """One directory version as plain facts."""

    segments: dict[str, tuple[str, list[Use]]] = field(default_factory=dict)
    composites: dict[str, tuple[str, list[Use]]] = field(default_factory=dict)
    elements: dict[str, tuple[str, str]] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    #: Level, tag or group name, mandatory, repetitions.
    messages: dict[str, list[Row]] = field(default_factory=dict)


def sentence_case(name: str) -> str:
    """`GOODS IDENTITY NUMBER` as `Goods identity number`; names that are not all capitals stay."""
    tidy = " ".join(name.split())
    return tidy.capitalize() if tidy.isupper() else tidy


def read_csv(path: Path) -> list[list[str]]:
    """Rows of a CSV directory; text is Latin-1 there."""
    lines = path.read_text(encoding="latin-1").splitlines()
    return [line.split(";") for line in lines if line.strip()]


def read_uses(cells: list[str]) -> list[Use]:
    """Uses of elements in EDSD rows: position, identifier, presence, repetitions."""
    quads = zip(cells[0::4], cells[1::4], cells[2::4], cells[3::4], strict=False)
    return [(identifier, presence == "M", int(repeat)) for _, identifier, presence, repeat in quads]


def read_components(cells: list[str]) -> list[Use]:
    """Uses of components in EDCD rows: position, identifier, presence, format."""
    quads = zip(cells[0::4], cells[1::4], cells[2::4], cells[3::4], strict=False)
    return [(identifier, presence == "M", 1) for _, identifier, presence, _ in quads]


def read_tables(folder: Path, prefix: str, suffix: str) -> Directory:
    """Segments, composites and elements of one directory version."""
    read = Directory()
    for tag, name, *cells in read_csv(folder / f"{prefix}SD.{suffix}.csv"):
        read.segments[tag] = sentence_case(name), read_uses(cells)
    for identifier, name, *cells in read_csv(folder / f"{prefix}CD.{suffix}.csv"):
        read.composites[identifier] = sentence_case(name), read_components(cells)
    for identifier, form, _, name, *_ in read_csv(folder / f"{prefix}ED.{suffix}.csv"):
        read.elements[identifier] = form, sentence_case(name)
    return read


def read_message(path: Path, message: str) -> list[Row]:
    """The segment table of a message, groups unfolded at the place where they stand."""
    groups: dict[str, list[tuple[str, bool, int]]] = {}
    for key, _, *cells in read_csv(path):
        if key.partition(":")[0] == message:
            triples = zip(cells[0::3], cells[1::3], cells[2::3], strict=False)
            groups[key.rpartition(":")[2]] = [(tag, presence == "M", int(repeat)) for tag, presence, repeat in triples]
    return unfold(groups, "", 0)


def is_group(tag: str) -> bool:
    """True for SG1, SG2 …; false for the segment SGP."""
    return tag.startswith("SG") and tag[2:].isdecimal()


def unfold(groups: dict[str, list[tuple[str, bool, int]]], name: str, level: int) -> list[Row]:
    """Rows of one group and of the groups in it."""
    rows: list[Row] = []
    for tag, mandatory, repeat in groups[name]:
        rows.append((level, tag, mandatory, repeat))
        if is_group(tag):
            rows += unfold(groups, tag, level + 1)
    return rows


def read_codes(path: Path) -> dict[str, list[str]]:
    """Code values by element."""
    return {
        str(element.get("id")): [str(code.get("id")) for code in element.iter("code")]
        for element in ET.parse(path).iter("data_element")
    }


def read_directory(reference: Path, version: str) -> Directory:
    """A directory such as D.96A with the messages we ship."""
    untdid = reference / "edi4r_ruby/data/edifact/untdid"
    suffix = version.replace(".", "").lower()
    read = read_tables(untdid, "ED", suffix)
    mapping = reference / "php-edifact-mapping_LGPL3/src/Mapping" / version.replace(".", "")
    read.codes = read_codes(mapping / "codes.xml")
    for element, right in CORRECTED_CODES.get(version, {}).items():
        codes = (right.get(code, code).split() for code in read.codes[element])
        read.codes[element] = list(dict.fromkeys(code for group in codes for code in group))
    for message in MESSAGES:
        read.messages[message] = read_message(untdid / f"EDMD.{suffix}.csv", message)
    return read


def read_service(reference: Path, version: str) -> Directory:
    """ISO 9735 of one syntax version: service segments and CONTRL."""
    iso = reference / "edi4r_ruby/data/edifact/iso9735"
    read = read_tables(iso, "SD", SERVICE[version])
    mapping = reference / "php-edifact-mapping_LGPL3/src/Mapping" / {"3": "D01B", "4": "D04A"}[version]
    lists = read_codes(mapping / f"service_codes_v{version}.xml")
    read.codes = {element: codes for element, codes in lists.items() if element not in UNLISTED}
    for element, codes in ADDED_SERVICE_CODES[version].items():
        read.codes[element] += codes
    read.messages["CONTRL"] = read_message(iso / f"SDMD.{SERVICE[version]}.csv", "CONTRL")
    for (where, tag), uses in CORRECTIONS.items():
        if where == version:
            read.segments[tag] = read.segments[tag][0], uses
    return read


def used(directory: Directory, extra: tuple[str, ...]) -> Directory:
    """The part of a directory that its messages and the extra segments reach."""
    tags = {row[1] for rows in directory.messages.values() for row in rows} | set(extra)
    kept = Directory(messages=directory.messages)
    kept.segments = {tag: directory.segments[tag] for tag in sorted(tags & directory.segments.keys())}
    places = {use[0] for _, uses in kept.segments.values() for use in uses}
    kept.composites = {key: directory.composites[key] for key in sorted(places & directory.composites.keys())}
    parts = {use[0] for _, uses in kept.composites.values() for use in uses}
    kept.elements = {key: directory.elements[key] for key in sorted((places | parts) & directory.elements.keys())}
    kept.codes = {key: directory.codes[key] for key in kept.elements if directory.codes.get(key)}
    return kept


def write_use(use: Use) -> str:
    """`4183` conditional, `4183!` mandatory, `4183*5` up to five times."""
    identifier, mandatory, repeat = use
    return f"{identifier}{'!' if mandatory else ''}{f'*{repeat}' if repeat > 1 else ''}"


def write_uses(title: str, table: dict[str, tuple[str, list[Use]]]) -> str:
    """The file of segments or of composites."""
    lines = [f"{key} {name} = {' '.join(map(write_use, uses))}" for key, (name, uses) in table.items()]
    return "\n".join([f"# {title}: identifier, name = parts in order; ! mandatory, *n up to n times.", *lines, ""])


def write_codes(version: str, codes: dict[str, list[str]]) -> str:
    """The file of code lists."""
    lines = [f"# Code values of {version} by data element. A line that begins with a blank continues the one above."]
    for element, values in codes.items():
        lines += textwrap.wrap(f"{element} {' '.join(values)}", 120, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join([*lines, ""])


def write_message(version: str, message: str, rows: list[Row]) -> str:
    """The segment table of one message."""
    lines = [f"# {message} {version}: indented by group; tag or group, mandatory or conditional, repetitions."]
    for number, (level, tag, mandatory, repeat) in enumerate(rows):
        trigger = rows[number + 1][1] if is_group(tag) else ""
        nest = f" nest {' in '.join(NESTED[trigger])}" if trigger in NESTED else ""
        lines.append(f"{'  ' * level}{tag} {'M' if mandatory else 'C'} {repeat}{nest}")
    return "\n".join([*lines, ""])


def write_directory(target: Path, version: str, directory: Directory) -> None:
    """All files of one directory version."""
    target.mkdir(parents=True, exist_ok=True)
    elements = [f"{key} {form} {name}" for key, (form, name) in directory.elements.items()]
    texts = {
        "segments": write_uses(f"Segments of {version}", directory.segments),
        "composites": write_uses(f"Composites of {version}", directory.composites),
        "elements": "\n".join([f"# Data elements of {version}: identifier, format, name.", *elements, ""]),
        "codes": write_codes(version, directory.codes),
        **{message: write_message(version, message, rows) for message, rows in directory.messages.items()},
    }
    for name, text in texts.items():
        (target / f"{name}.txt").write_text(text, encoding="utf-8")


def convert(reference: Path, target: Path) -> None:
    """Write every table."""
    for version in DIRECTORIES:
        write_directory(target / version, version, used(read_directory(reference, version), ()))
    for version in SERVICE:
        directory = used(read_service(reference, version), SERVICE_SEGMENTS)
        write_directory(target / f"service-{version}", f"ISO 9735 version {version}", directory)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
