"""Readers of published copies of the UN/EDIFACT directories, for `tools/convert_directory.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

Use = tuple[str, bool, int]
Row = tuple[int, str, bool, int]

CSV = "business-edi_perl/lib/Business/EDI/data/edifact"
JSON = "hellooops_MIT/packages/edi-parser/src/schemas/edifact"
PHP = "php-edifact-mapping_LGPL3/src/Mapping"


@dataclass
class Directory:
    """One directory version as plain facts."""

    segments: dict[str, tuple[str, list[Use]]] = field(default_factory=dict)
    composites: dict[str, tuple[str, list[Use]]] = field(default_factory=dict)
    elements: dict[str, tuple[str, str]] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    #: Level, tag or group name, mandatory, repetitions.
    messages: dict[str, list[Row]] = field(default_factory=dict)
    #: Between the parts of a segment or a composite.
    conditions: dict[str, str] = field(default_factory=dict)


def sentence_case(name: str) -> str:
    """`GOODS IDENTITY NUMBER` as `Goods identity number`; names that are not all capitals stay."""
    tidy = " ".join(name.split())
    return tidy.capitalize() if tidy.isupper() else tidy


# the CSV tables of Business::EDI


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
        read.elements[identifier] = form.strip(), sentence_case(name)
    return read


def read_message(path: Path, message: str) -> list[Row]:
    """The segment table of a message, groups unfolded at the place where they stand; empty if there is none."""
    groups: dict[str, list[tuple[str, bool, int]]] = {}
    for key, _, *cells in read_csv(path):
        if key.partition(":")[0] == message:
            triples = zip(cells[0::3], cells[1::3], cells[2::3], strict=False)
            groups[key.rpartition(":")[2]] = [(tag, presence == "M", int(repeat)) for tag, presence, repeat in triples]
    return unfold(groups, "", 0) if groups else []


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


# the JSON of vscode-edi-support


def read_json(reference: Path, name: str, messages: tuple[str, ...]) -> Directory:
    """A directory, such as D10A; formats are those of the longest value, and repetitions of elements are not told."""
    folder = reference / JSON / name
    content = json.loads((folder / f"{name}.json").read_text("utf-8"))
    types = json.loads((folder / f"{name}_versions.json").read_text("utf-8"))["DocumentTypes"]
    read = Directory()
    for tag, segment in content["Segments"].items():
        elements = segment["Elements"]
        read.segments[tag] = sentence_case(segment.get("Desc", tag)), [_json_use(element) for element in elements]
        for element in elements:
            _keep_json_element(read, element, content["Qualifiers"])
    for message in messages:
        if found := types.get(f"{name}_{message}"):
            read.messages[message] = _json_rows(found["TransactionSet"])
    return read


def _json_use(element: dict[str, Any]) -> Use:
    return element["Id"], element.get("Required", False), 1


def _keep_json_element(read: Directory, element: dict[str, Any], lists: dict[str, dict[str, str]]) -> None:
    parts = element.get("Components")
    if parts is not None:
        read.composites[element["Id"]] = sentence_case(element["Desc"]), [_json_use(part) for part in parts]
    for part in parts or [element]:
        if "DataType" in part:
            read.elements[part["Id"]] = f"{part['DataType'].lower()}..{part['MaxLength']}", sentence_case(part["Desc"])
            read.codes[part["Id"]] = list(lists.get(part.get("QualifierRef"), ()))


def _json_rows(items: list[dict[str, Any]]) -> list[Row]:
    """Rows of a message; the groups, which have no names there, are numbered in the order in which they stand."""
    numbers = iter(range(1, 1000))
    return list(_number_rows(items, 0, numbers))


def _number_rows(items: list[dict[str, Any]], level: int, numbers: Iterator[int]) -> Iterator[Row]:
    for item in items:
        mandatory, most = item.get("Min", 1) > 0, item.get("Max", 1)
        if loop := item.get("Loop"):
            yield level, f"SG{next(numbers)}", mandatory, most
            yield from _number_rows(loop, level + 1, numbers)
        else:
            yield level, item.get("Id") or item["ID"], mandatory, most


# the XML of php-edifact


def read_codes(path: Path) -> dict[str, list[str]]:
    """Code values by element."""
    return {
        str(element.get("id")): [str(code.get("id")) for code in element.iter("code")]
        for element in ET.parse(path).iter("data_element")
    }
