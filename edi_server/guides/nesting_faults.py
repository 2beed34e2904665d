"""What is wrong with identifiers that make a tree of a group's repetitions (CPS 7164 and 7166; HL: `x12_hierarchy`).

None of this is an error of ISO 9735, and the message can still be read, so every finding is a warning: `build` hangs
what it cannot place where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from edi_server.findings import Finding, Place
from edi_server.guides.model import Guide, Nesting, Tree
from edi_server.guides.tree import MAX_DEPTH, read_component
from edi_server.guides.x12_hierarchy import check_hierarchy, is_right
from edi_server.syntax.normal import to_text


def check_nesting(tree: Tree) -> Iterator[Finding]:
    """Findings about the nested groups of a message."""
    for nesting in tree.guide.nestings:
        indices = _indices(tree.positions, nesting.trigger)
        if nesting.level and is_right(nesting, [tree.segments[index] for index in indices]):
            continue
        check = check_hierarchy if nesting.level else _check
        numbers = tree.numbers or range(1, len(tree.segments) + 1)
        yield from check(tree.guide, nesting, [(numbers[index], tree.segments[index]) for index in indices])


def _indices(positions: list[int], position: int) -> list[int]:
    """Where a position stands among those of a message; most do not, so that they are passed over in C."""
    found, index = [], -1
    for _ in range(positions.count(position)):
        index = positions.index(position, index + 1)
        found.append(index)
    return found


def _check(guide: Guide, nesting: Nesting, occurrences: list[tuple[int, str]]) -> Iterator[Finding]:
    depths: dict[str, int] = {}
    for number, text in occurrences:
        own, parent = read_component(text, nesting.id), read_component(text, nesting.parent)
        depth = depths.get(parent, 0) + 1
        fault = _find_fault(own, parent, depths, depth)
        if fault:
            yield _finding(guide, nesting, number, fault)
        if own:
            depths.setdefault(own, 0 if fault and own == parent else depth if parent in depths else 1)


def _find_fault(own: str, parent: str, depths: dict[str, int], depth: int) -> tuple[str, str, str] | None:
    """Code, sentence and the text that is wrong."""
    if own and own == parent:
        return "nesting-own-parent", f"Package level {to_text(own)} names itself as the level that it is in", parent
    if own in depths:
        return "nesting-repeated", f"Package level {to_text(own)} was given before", own
    if parent and parent not in depths:
        return "nesting-parent-unknown", f"The level {to_text(parent)} that this one is in was not given before", parent
    if depth > MAX_DEPTH:
        return "nesting-too-deep", f"Packages are nested more than {MAX_DEPTH} levels deep", parent
    return None


def _finding(guide: Guide, nesting: Nesting, number: int, fault: tuple[str, str, str]) -> Finding:
    code, sentence, found = fault
    row = guide.position(nesting.trigger)
    element, component = nesting.id if code == "nesting-repeated" else nesting.parent
    return Finding(
        code=f"guide.{code}",
        severity="warning",
        sentence=f"{sentence}.",
        place=Place(segment=number, tag=row.tag, group=row.path, element=element, component=component),
        found=to_text(found)[:80],
    )
