"""What generated readers call where a message is out of the ordinary, or where a call costs less than its inlining."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from edi_server.canonical import When
from edi_server.findings import Finding
from edi_server.guides.tree import MAX_DEPTH
from edi_server.syntax.normal import to_text
from edi_server.translation import faults
from edi_server.translation.codecs import Unreadable, read_decimal
from edi_server.translation.dates import read_when
from edi_server.translation.plan import Binding, Choice, Frame, Nested, Site

#: First segment, behind the last one, step (see `keeping`).
Chunk = tuple[int, int, str]
#: Behind the last segment of every message.
BEHIND = 1 << 30
#: Digits of the longest number in the directories, and its mark.
PLAIN = 20


class Numbers(dict[str, Decimal]):
    """Numbers by text: messages repeat their quantities and prices. Raises Unreadable for what is none.

    Longer ones are not remembered: amounts hardly ever come again, and a small table stays in the processor's cache.
    """

    MOST: ClassVar[int] = 5_000
    LONGEST: ClassVar[int] = 6

    def __missing__(self, text: str) -> Decimal:
        """Read a number that was not met before."""
        # What most numbers look like; a third of the time that the full pattern takes.
        plain = text.replace(".", "", 1).isdecimal() and text.isascii() and len(text) < PLAIN
        value = Decimal(text) if plain else read_decimal(text)
        if len(text) <= self.LONGEST:
            if len(self) >= self.MOST:
                self.clear()
            self[text] = value
        return value


NUMBERS = Numbers()

Spotted = tuple[Frame, Binding]


def number(text: str, findings: list[Finding], place: int, spotted: Spotted) -> Decimal | None:
    """A decimal that was not met before."""
    try:
        return NUMBERS[text]
    except Unreadable as why:
        frame, binding = spotted
        findings.append(faults.not_readable(frame, binding.site, binding.spots[0], place, text, str(why)))
        return None


def moment(text: str, code: str, findings: list[Finding], place: int, spotted: Spotted) -> When:
    """A date that was not met before, or was not understood."""
    value = read_when(text, code)
    if value.format is not None:
        frame, binding = spotted
        findings.append(faults.not_understood(frame, binding.site, binding.spots[0], place, text, code))
    return value


def uncoded(text: str, findings: list[Finding], place: int, spotted: Spotted) -> str | None:
    """A code that is not in the table."""
    frame, binding = spotted
    if binding.site.line.open:
        return text
    findings.append(faults.code_unlisted(frame, binding.site, binding.spots[0], place, text))
    return None


def convert(texts: tuple[str, ...], findings: list[Finding], place: int, spotted: Spotted) -> Any:
    """Texts through their codec or code table."""
    frame, binding = spotted
    site = binding.site
    if site.codes is not None:
        found = site.codes.reading.get(texts[0])
        return found if found is not None else uncoded(texts[0], findings, place, spotted)
    try:
        value = site.codec.read(*texts)
    except Unreadable as why:
        shown = " ".join(texts).strip()
        findings.append(faults.not_readable(frame, site, binding.spots[0], place, shown, str(why)))
        return None
    if isinstance(value, When) and value.format is not None:
        findings.append(faults.not_understood(frame, site, binding.spots[0], place, value.iso, value.format))
    return value


def differs(text: str, findings: list[Finding], place: int | None, spotted: Spotted) -> None:
    """A constant that is another one."""
    frame, binding = spotted
    findings.append(faults.constant_differs(frame, binding.site, binding.spots[0], place, text))


def again(findings: list[Finding], place: int, frame: Frame, site: Site) -> None:
    """A second record where there can be one."""
    findings.append(faults.more_than_one(frame, site, place))


def joined(content: str, components: tuple[int, ...], joint: str) -> str:
    """Components of a composite, joined."""
    return join(content.split(":"), components, joint)


def join(parts: list[str], components: tuple[int, ...], joint: str) -> str:
    """Components of a composite that was split already, joined."""
    pieces = [parts[component] if component < len(parts) else "" for component in components]
    while pieces and not pieces[-1]:
        pieces.pop()
    return joint.join(pieces)


def elsewhere(elements: list[str], choice: Choice, components: tuple[int, ...]) -> str:
    """The further text of a codec that stands in another element than its first."""
    for parts in flat(elements, choice.elements, alone=choice.alone):
        if all(test.holds(parts[test.component - 1]) for test in choice.tests):
            return parts[components[0]]
    return ""


def flat(elements: list[str], wanted: tuple[int, ...], *, alone: bool = False) -> Iterator[list[str]]:
    """The composites of some elements with their repetitions, as padded components of text; empty ones left out."""
    for element in wanted:
        if element < len(elements):
            for content in elements[element].split("*"):
                parts = [content] if alone else content.split(":")
                if any(parts):
                    yield [*map(to_text, parts), *_PADDING]


_PADDING = [""] * 30


def first_repetitions(elements: list[str]) -> list[str]:
    """Elements without their second and further repetitions."""
    return [element.split("*", 1)[0] for element in elements]


def give_back(chunks: list[Chunk], first: int, behind: int, prefix: str) -> None:
    """A slot is unread after all, with all that is in it."""
    if (first, behind, prefix) in chunks:
        return
    chunks[:] = [one for one in chunks if not (first <= one[0] and one[1] <= behind)]
    chunks.append((first, behind, prefix))


class Entry:
    """One repetition of a nested group, read but for the repetitions inside it."""

    __slots__ = ("behind", "depth", "first", "inside", "parts")

    def __init__(self, first: int, behind: int, parts: Any) -> None:
        self.first, self.behind, self.parts = first, behind, parts
        self.inside: list[Entry] = []
        self.depth = 0

    def all_inside(self) -> Iterator[Entry]:
        """The entry and all inside it, in the order of the message within each level."""
        yield self
        for one in self.inside:
            yield from one.all_inside()


Make = Callable[[Any, list[Any], list[Chunk]], Any]


def nest(
    entries: Sequence[Entry], segments: list[str], nested: Nested, make: Make, chunks: list[Chunk], prefix: str
) -> list[Any]:
    """The records of the outermost repetitions, each with those inside it, as `edi_server.guides.tree` nests them."""
    from edi_server.guides.tree import read_component

    assert nested.nesting is not None
    placed: dict[str, Entry] = {}
    top: list[Entry] = []
    for entry in entries:
        text = segments[entry.first]
        parent = placed.get(read_component(text, nested.nesting.parent))
        if parent is not None and parent.depth + 1 < MAX_DEPTH:
            parent.inside.append(entry)
            entry.depth = parent.depth + 1
        else:
            top.append(entry)
        own = read_component(text, nested.nesting.id)
        if own:
            placed.setdefault(own, entry)
    return _make_all(top, make, chunks, prefix)


def _make_all(entries: list[Entry], make: Make, chunks: list[Chunk], prefix: str) -> list[Any]:
    made = []
    for entry in entries:
        inner: list[Chunk] = []
        record = make(entry.parts, _make_all(entry.inside, make, inner, ""), inner)
        if record is not None:
            made.append(record)
        elif inner or entry.behind > entry.first + 1:
            chunks += [(one.first, one.behind, prefix) for one in entry.all_inside()]
    return made
