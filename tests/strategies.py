"""Hypothesis strategies that several tests share."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from edi_server.guides import Guide
from edi_server.guides.model import Element, ElementUse, Position, SegmentDefinition

#: Text as it stands in normal form: the last four are stand-ins for separators that are data.
CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzäöüÅé0123456789 .,-()/=!"%&;<>\x01\x02\x03\x05'
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def valid_messages(guide: Guide) -> st.SearchStrategy[list[str]]:
    """Messages in normal form, UNH to UNT, in which the guide finds nothing wrong.

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
    elements = [_make_element(use, random, density) for use in definition.elements]
    if not any(elements):
        elements[0] = _make_element(definition.elements[0], random, 1.0)
    while not elements[-1]:
        elements.pop()
    return "+".join([definition.tag, *elements])


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
    while not parts[-1]:
        parts.pop()
    return ":".join(parts)


def make_value(element: Element, random: Random) -> str:
    """A value of the right characters and length, from the code list if there is one."""
    if element.codes:
        return random.choice(sorted(element.codes))
    length = random.randint(element.min_length, element.max_length)
    if element.kind == "n":
        return _make_number(length, random)
    characters = LETTERS if element.kind == "a" else CHARACTERS
    return "".join(random.choices(characters, k=length))


def _make_number(length: int, random: Random) -> str:
    digits = "".join(random.choices("0123456789", k=length))
    if length > 1 and random.random() < 0.4:
        mark = random.randrange(1, length)
        digits = digits[:mark] + random.choice(".,") + digits[mark:]
    return random.choice(("", "", "-")) + digits


def _number_nested(guide: Guide, body: list[tuple[int, str]], random: Random) -> list[tuple[int, str]]:
    """Give the repetitions of nested groups numbers of their own, and parents that stand before them."""
    for nesting in guide.nestings:
        given: list[str] = []
        for index, (position, segment) in enumerate(body):
            if position == nesting.trigger:
                own, parent = str(len(given) + 1), random.choice(["", *given])
                rest = segment.split("+")[3:]
                body[index] = position, "+".join(["CPS", own, parent, *rest]).rstrip("+")
                given.append(own)
    return body
