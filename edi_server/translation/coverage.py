"""What of a message reached the document: each filled component is read, kept, or not carried."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from edi_server.findings import Place
from edi_server.guides.model import Guide, Tree
from edi_server.syntax.normal import to_text
from edi_server.translation.interpreter import Mark, read_tree
from edi_server.translation.plan import FRAME, Plan, tag_of
from edi_server.translation.x12_runs import real_place


class NotCarried(msgspec.Struct, frozen=True, kw_only=True):
    """A filled component of a message that no line reads and that is not kept."""

    place: Place
    #: Data element at that place, such as "1131"; "" where the segment has no such place.
    element: str
    text: str


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a message reached the document, in filled components (UNH, UNS and UNT left out)."""

    filled: int
    read: int
    #: In segments that were kept whole.
    kept: int
    not_carried: tuple[NotCarried, ...]

    @property
    def unread(self) -> int:
        """Number of filled components that were lost."""
        return len(self.not_carried)


def cover(plan: Plan, tree: Tree) -> Coverage:
    """The coverage of a message by a plan made for reading."""
    done = read_tree(plan, tree)
    filled = read = kept = 0
    lost = []
    for number, position, segment in tree.walk():
        if tag_of(segment) in FRAME:
            continue
        for mark, text in components(number, segment):
            filled += 1
            if number in done.kept:
                kept += 1
            elif mark in done.read:
                read += 1
            else:
                lost.append(not_carried(tree, position, mark, text))
    return Coverage(filled=filled, read=read, kept=kept, not_carried=tuple(lost))


def components(number: int, segment: str) -> Iterator[tuple[Mark, str]]:
    """Every filled component of a segment, and where it stands."""
    for element, content in enumerate(segment.split("+")):
        for repetition, composite in enumerate(content.split("*") if element else ()):
            for component, text in enumerate(composite.split(":"), 1):
                if text:
                    yield (number, element, repetition, component), text


def not_carried(tree: Tree, position: int, mark: Mark, text: str) -> NotCarried:
    """A component that was left out."""
    number, element, repetition, component = mark
    row = tree.guide.position(position)
    use = row.segment.elements[element - 1] if element <= len(row.segment.elements) else None
    part = use.components[component - 1] if use and component <= len(use.components) else None
    return NotCarried(
        place=Place(
            segment=number,
            tag=row.tag,
            group=row.path or None,
            element=element,
            component=component if use and use.composite else None,
            repetition=repetition + 1 if repetition else None,
        ),
        element=part.element.id if part else "",
        text=to_text(text)[:80],
    )


def real_coverage(guide: Guide, coverage: Coverage) -> Coverage:
    """Coverage that names elements as they stand in the message, not as a profile sees them."""
    lost = tuple(replace(one, place=real_place(guide, one.place)) for one in coverage.not_carried)
    return replace(coverage, not_carried=lost) if lost else coverage
