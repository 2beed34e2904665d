"""Hypothesis strategies that several tests share."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from hypothesis import strategies as st

from edi_server.guides import Guide
from edi_server.guides.conditions import demands
from edi_server.guides.model import Element, ElementUse, Nesting, Position, SegmentDefinition

#: Text as it stands in normal form: the last four are stand-ins for separators that are data.
CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzäöüÀé0123456789 .,-()/=!"%&;<>\x01\x02\x03\x05'
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODES = LETTERS + "0123456789"
#: Decimal marks of numbers by kind; N0 to N9 of X12 have none.
_MARKS = {"n": ".,", "R": "."}


def valid_messages(guide: Guide) -> st.SearchStrategy[list[str]]:
    """Messages in normal form, UNH to UNT or ST to SE, in which the guide finds nothing wrong.

    `density` is how likely conditional parts are; smaller messages come first when an example is made simpler.
    """
    return st.builds(
        lambda seed, density: make_message(guide, Random(seed), density),
        st.integers(0, 2**32),
        st.sampled_from([0.0, 0.02, 0.05, 0.1, 0.2]),
    )


def make_message(guide: Guide, random: Random, density: float) -> list[str]:
    """One valid message."""
    return [segment for _, segment in make_placed_message(guide, random, density)]


def make_placed_message(guide: Guide, random: Random, density: float) -> list[tuple[int, str]]:
    """One valid message as (position, segment)."""
    body = [(row.index, make_segment(row.segment, random, density)) for row in _choose(guide, 0, random, density, 0)]
    body = _number_nested(guide, body, random)
    if guide.message == "TA1":
        return body
    if guide.syntax == "x12":
        return [(1, f"ST+{guide.message}+0001"), *body[1:-1], (len(guide.positions), f"SE+{len(body)}+0001")]
    header = f"UNH+{random.randrange(10**6)}+{guide.message}:{guide.version.replace('.', ':')}:UN"
    return [(1, header), *body[1:-1], (len(guide.positions), f"UNT+{len(body)}+1")]


def _choose(guide: Guide, group: int, random: Random, density: float, depth: int) -> list[Position]:
    """Rows of the segments of one repetition of a group, its trigger apart."""
    rows: list[Position] = []
    for index in guide.children[group]:
        row, inner = guide.position(index), guide.groups.get(index)
        mandatory, limit = (inner.mandatory, inner.repeat) if inner else (row.mandatory, row.repeat)
        for _ in range(_how_often(mandatory=mandatory, limit=limit, random=random, density=density / (depth + 1))):
            rows.append(row)
            if inner:
                rows += _choose(guide, index, random, density, depth + 1)
    return rows


def _how_often(*, mandatory: bool, limit: int, random: Random, density: float) -> int:
    if not mandatory and random.random() >= density * 3:
        return 0
    return min(limit, random.choice((1, 1, 1, 2, 3))) if random.random() < 0.98 else min(limit, 12)


def make_segment(definition: SegmentDefinition, random: Random, density: float) -> str:
    """A segment in which nothing is wrong."""
    elements: list[str] = []
    while not any(elements):
        elements = [_make_element(use, random, density) for use in definition.elements]
        if not any(elements):
            elements[0] = _make_element(definition.elements[0], random, 1.0)
        _satisfy(definition, elements, [use.mandatory for use in definition.elements], random, _make_any)
    while not elements[-1]:
        elements.pop()
    return "+".join([definition.tag, *elements])


def _satisfy(whole, parts: list[str], mandatory: list[bool], random: Random, make) -> None:
    """Add to the parts of a segment or composite, or take away, what its conditions want."""
    for _ in range(1000):
        there = [place for place, part in enumerate(parts, 1) if part]
        wanted = [demand for condition in whole.conditions for demand in demands(condition, there)]
        if not wanted:
            return
        demand = random.choice(wanted)
        place = demand.part if demand.missing else random.choice([part for part in demand.parts if part in there])
        if demand.missing and random.random() < 0.2:
            place = random.choice(demand.parts)
        if not parts[place - 1]:
            parts[place - 1] = make(whole, place - 1, random)
        elif not mandatory[place - 1]:
            parts[place - 1] = ""
    raise AssertionError(f"the conditions of {whole} cannot be met")


def _make_any(definition: SegmentDefinition, index: int, random: Random) -> str:
    return _make_element(definition.elements[index], random, 1.0)


def _make_component(use: ElementUse, index: int, random: Random) -> str:
    return make_value(use.components[index].element, random)


def _make_element(use: ElementUse, random: Random, density: float) -> str:
    if not use.mandatory and random.random() > density * 4:
        return ""
    parts = [
        make_value(part.element, random) if part.mandatory or random.random() < max(density, 0.1) * 3 else ""
        for part in use.components
    ]
    if not any(parts):
        chosen = random.randrange(len(parts))
        parts[chosen] = make_value(use.components[chosen].element, random)
    _satisfy(use, parts, [part.mandatory for part in use.components], random, _make_component)
    while not parts[-1]:
        parts.pop()
    return ":".join(parts)


def make_value(element: Element, random: Random) -> str:
    """A value of the right characters and length, from the code list if there is one."""
    if element.codes:
        return random.choice(sorted(element.codes))
    if element.kind == "DT":
        return _make_date(element.max_length, random)
    if element.kind == "TM":
        return _make_time(element.max_length, random)
    length = random.randint(element.min_length, min(element.max_length, element.min_length + 60))
    marks = _MARKS.get(element.kind, "" if element.kind[1:].isdecimal() else None)
    if marks is not None:
        return _make_number(length, marks, random)
    characters = {"a": LETTERS, "ID": CODES}.get(element.kind, CHARACTERS)
    return "".join(random.choices(characters, k=length))


def _make_number(length: int, marks: str, random: Random) -> str:
    digits = "".join(random.choices("0123456789", k=length))
    if length > 1 and marks and random.random() < 0.4:
        mark = random.randrange(1, length)
        digits = digits[:mark] + random.choice(marks) + digits[mark:]
    return random.choice(("", "", "-")) + digits


def _make_date(length: int, random: Random) -> str:
    """Any day from 1901 to 2099."""
    day = date(1901, 1, 1) + timedelta(days=random.randrange(198 * 365))
    return day.strftime("%Y%m%d")[8 - length :]


def _make_time(longest: int, random: Random) -> str:
    """A time of the day, with or without seconds and their decimals."""
    length = random.choice([length for length in (4, 6, 7, 8) if length <= longest])
    return f"{random.randrange(24):02}{random.randrange(60):02}{random.randrange(60):02}{random.randrange(100):02}"[
        :length
    ]


def _number_nested(guide: Guide, body: list[tuple[int, str]], random: Random) -> list[tuple[int, str]]:
    """Give the repetitions of nested groups numbers of their own, and parents that stand before them."""
    for nesting in guide.nestings:
        given: dict[str, str] = {"": ""}
        for index, (position, segment) in enumerate(body):
            if position == nesting.trigger:
                own, parent = str(len(given)), random.choice(list(given))
                tag, kind = segment.split("+")[0], _choose_kind(nesting, given[parent], random)
                rest = [kind] if nesting.level else segment.split("+")[3:]
                body[index] = position, "+".join([tag, own, parent, *rest]).rstrip("+")
                given[own] = kind
    return body


def _choose_kind(nesting: Nesting, parent: str, random: Random) -> str:
    """A kind of level that may stand in one of another kind."""
    return random.choice([kind for kind, parents in nesting.levels.items() if parent in parents] or [""])
