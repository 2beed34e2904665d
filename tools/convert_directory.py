"""Write the guides' own tables from published copies of the UN/EDIFACT directories.

    python tools/convert_directory.py ../shared/reference/edifact edi_server/guides/data/edifact

Structure is taken from the CSV directories of Business::EDI (of D.10A, which it lacks, from the JSON of
vscode-edi-support), code values from the XML of php-edifact (of D.93A and S.93A, which it lacks, from that JSON). Where
these are wrong, the tables below say what is right; docs/guides.md says why, and tests/rooms/test_guides_sources.py
compares every table with the other sources, so that a difference nobody has decided on fails there.

The product never runs this and never reads those sources.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from reference_directories import (
    CSV,
    PHP,
    Directory,
    Row,
    Use,
    is_group,
    read_codes,
    read_json,
    read_message,
    read_tables,
)

MESSAGES = (
    *("APERAK", "DELFOR", "DELJIT", "DESADV", "HANMOV", "IFTMIN", "IFTSTA", "INVOIC", "INVRPT", "ORDCHG", "ORDERS"),
    *("ORDRSP", "PARTIN", "PRICAT", "QUOTES", "RECADV", "REMADV", "REQOTE", "SLSRPT"),
)
DIRECTORIES = ("D.93A", "S.93A", "D.96A", "D.97A", "D.99B", "D.01B", "D.04A", "D.10A")
#: Directories that the CSV lacks, and the nearest it has: it tells fixed lengths and repetitions of elements, which the
#: JSON does not.
NEAREST_CSV = {"D.10A": "d08a"}
#: Syntax version 2 is version 3 without CONTRL; version 1 has laxer message identifiers.
SERVICE = {"1": "10000", "3": "30000", "4": "40100"}
SERVICE_CODES = {"1": ("D01B", "3"), "3": ("D01B", "3"), "4": ("D04A", "4")}
SERVICE_SEGMENTS = ("UNB", "UNG", "UNH", "UNS", "UNT", "UNE", "UNZ")
#: A group whose repetitions form a tree by identifiers: tag of its trigger, own and parent identifier (EDSD, CPS note).
NESTED = {"CPS": ("7164", "7166")}
#: What the detail section of a message begins with, a segment or the trigger of a group, where these are not line items
#: or packages.
DETAIL = {
    "DELFOR": ("UNS", "GIS", "GEI"),
    "DELJIT": ("SEQ",),
    "PARTIN": ("UNS",),
    "PRICAT": ("PGI",),
    "REMADV": ("DOC",),
    "SLSRPT": ("LOC",),
    **dict.fromkeys(("APERAK", "CONTRL", "IFTMIN", "IFTSTA"), ()),
}
#: Where the base source is wrong, and what is right instead. Reasons: docs/guides.md.
CORRECTIONS = {
    ("4", "UNH"): [("0062", True, 1), ("S009", True, 1), ("0068", False, 1), ("S010", False, 1)]
    + [(composite, False, 1) for composite in ("S016", "S017", "S018")],
    ("D.93A", "PAT"): [("4279", True, 1), ("C110", False, 1), ("C112", False, 1)],
    ("S.93A", "PAT"): [("4279", True, 1), ("C110", False, 1), ("C112", False, 1)],
}
#: Dependency notes, which no source that is converted tells: ISO 9735-10 for syntax version 4, UNTDID for TDT.
#: Positions of elements, the first being 1.
CONDITIONS = {
    ("4", "UNG"): "D2(1,6,7)",
    ("4", "UCI"): "D5(6,5) D5(7,6,5) D5(8,6,5,9) D5(9,8,6,5)",
    ("4", "UCF"): "D5(6,5) D5(7,6,5) D5(8,6,5,9) D5(9,8,6,5)",
    ("4", "UCM"): "D1(1,7) D2(1,2) D2(7,8) D5(5,4) D5(6,5,4) D5(9,5,4,10) D5(10,9,5,4)",
    ("D.10A", "TDT"): "D5(4,3)",
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
    "1": {"0007": ["500", "501", "502", "Z01"]},
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


def read_directory(reference: Path, version: str) -> Directory:
    """A directory such as D.96A with the messages we ship."""
    name = version.replace(".", "")
    json = read_json(reference, name, MESSAGES)
    read = read_structure(reference, version, json)
    xml = reference / PHP / name / "codes.xml"
    read.codes = read_codes(xml) if xml.exists() else json.codes
    for element, right in CORRECTED_CODES.get(version, {}).items():
        codes = (right.get(code, code).split() for code in read.codes[element])
        read.codes[element] = list(dict.fromkeys(code for group in codes for code in group))
    return correct(read, version)


def read_structure(reference: Path, version: str, json: Directory) -> Directory:
    """Messages, segments, composites and elements: from the CSV, or from the JSON refined by the nearest CSV."""
    folder, name = reference / CSV / "untdid", version.replace(".", "").lower()
    if nearest := NEAREST_CSV.get(version):
        return refine(json, read_tables(folder, "ED", nearest))
    read = read_tables(folder, "ED", name)
    tables = {message: read_message(folder / f"EDMD.{name}.csv", message) for message in MESSAGES}
    read.messages = {message: rows for message, rows in tables.items() if rows}
    return read


def refine(json: Directory, csv: Directory) -> Directory:
    """What the JSON says, with fixed lengths and repetitions from an older directory where nothing changed."""
    for identifier, (form, name) in json.elements.items():
        older = csv.elements.get(identifier, ("", ""))[0]
        json.elements[identifier] = (older if older == form.replace("..", "") else form), name
    for tag, (name, uses) in json.segments.items():
        older_uses = csv.segments.get(tag, ("", []))[1]
        repeats = {index: use[2] for index, use in enumerate(older_uses) if uses[index : index + 1] == [(*use[:2], 1)]}
        json.segments[tag] = name, [(*use[:2], repeats.get(index, 1)) for index, use in enumerate(uses)]
    return json


def read_service(reference: Path, version: str) -> Directory:
    """ISO 9735 of one syntax version: service segments and CONTRL."""
    folder, suffix = reference / CSV / "iso9735", SERVICE[version]
    read = read_tables(folder, "SD", suffix)
    directory, of = SERVICE_CODES[version]
    lists = read_codes(reference / PHP / directory / f"service_codes_v{of}.xml")
    read.codes = {element: codes for element, codes in lists.items() if element not in UNLISTED}
    for element, codes in ADDED_SERVICE_CODES[version].items():
        read.codes[element] += codes
    if rows := read_message(folder / f"SDMD.{suffix}.csv", "CONTRL"):
        read.messages["CONTRL"] = rows
    return correct(read, version)


def correct(read: Directory, version: str) -> Directory:
    """The directory with what we know better."""
    for (where, tag), uses in CORRECTIONS.items():
        if where == version:
            read.segments[tag] = read.segments[tag][0], uses
    read.conditions = {tag: notes for (where, tag), notes in CONDITIONS.items() if where == version}
    return read


def used(directory: Directory, extra: tuple[str, ...]) -> Directory:
    """The part of a directory that its messages and the extra segments reach."""
    tags = {row[1] for rows in directory.messages.values() for row in rows} | set(extra)
    kept = Directory(messages=directory.messages, conditions=directory.conditions)
    if not extra:
        tags -= set(SERVICE_SEGMENTS)
    kept.segments = {tag: directory.segments[tag] for tag in sorted(tags & directory.segments.keys())}
    places = {use[0] for _, uses in kept.segments.values() for use in uses}
    kept.composites = {key: directory.composites[key] for key in sorted(places & directory.composites.keys())}
    parts = {use[0] for _, uses in kept.composites.values() for use in uses}
    kept.elements = {key: directory.elements[key] for key in sorted((places | parts) & directory.elements.keys())}
    kept.codes = {key: directory.codes[key] for key in kept.elements if directory.codes.get(key)}
    return kept


def sections(message: str, rows: list[Row]) -> dict[int, str]:
    """The rows that begin the detail and the summary section, if the message has sections.

    The detail section ends at UNS, or where the message has none, behind its last group.
    """
    first = DETAIL.get(message, ("LIN", "CPS"))
    top = [index for index, row in enumerate(rows) if row[0] == 0]
    tags = {index: rows[index + is_group(rows[index][1])][1] for index in top}
    begin = next((index for index in top if tags[index] in first), None)
    if begin is None:
        return {}
    marks = [index for index in top if index > begin and tags[index] == "UNS"]
    last = max(index for index in top if is_group(rows[index][1]))
    return {begin: "detail", (marks or [index for index in top if index > last])[0]: "summary"}


def write_use(use: Use) -> str:
    """`4183` conditional, `4183!` mandatory, `4183*5` up to five times."""
    identifier, mandatory, repeat = use
    return f"{identifier}{'!' if mandatory else ''}{f'*{repeat}' if repeat > 1 else ''}"


def write_uses(title: str, table: dict[str, tuple[str, list[Use]]], conditions: dict[str, str]) -> str:
    """The file of segments or of composites."""
    lines = [
        f"{key} {name} = {' '.join(map(write_use, uses))}{f' | {conditions[key]}' if key in conditions else ''}"
        for key, (name, uses) in table.items()
    ]
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
    begins = sections(message, rows)
    lines += ["header"] if begins else []
    for number, (level, tag, mandatory, repeat) in enumerate(rows):
        lines += [begins[number]] if number in begins else []
        trigger = rows[number + 1][1] if is_group(tag) else ""
        nest = f" nest {' in '.join(NESTED[trigger])}" if trigger in NESTED else ""
        lines.append(f"{'  ' * level}{tag} {'M' if mandatory else 'C'} {repeat}{nest}")
    return "\n".join([*lines, ""])


def write_directory(target: Path, version: str, directory: Directory) -> None:
    """All files of one directory version."""
    target.mkdir(parents=True, exist_ok=True)
    elements = [f"{key} {form} {name}" for key, (form, name) in directory.elements.items()]
    texts = {
        "segments": write_uses(f"Segments of {version}", directory.segments, directory.conditions),
        "composites": write_uses(f"Composites of {version}", directory.composites, directory.conditions),
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
