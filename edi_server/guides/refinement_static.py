"""What is wrong with a refinement as a guide sees it: what the standard forbids, and what nobody can have meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edi_server.guides.model import Element, Guide, Position
from edi_server.guides.refinement_lines import FORMAT
from edi_server.guides.refinement_model import Narrowing, Problem, Refinement
from edi_server.guides.refinement_paths import Condition, Path
from edi_server.guides.refinement_places import NoPlace, Target, resolve
from edi_server.located import nearest


def static_problems(guide: Guide, refinement: Refinement) -> Iterator[Problem]:
    """Problems of lines that have a place; `edi_server.guides.refinement_plan` says which have none."""
    taken: dict[tuple[object, ...], Narrowing] = {}
    for line in refinement.narrowings:
        try:
            targets = resolve(guide, line.path)
        except NoPlace:
            continue
        for target in targets:
            place = (target.stops, target.spots)
            twin = taken.setdefault(place, line)
            if twin is not line:
                yield line.origin.problem(f"means the same place as {twin.path}: one line for each")
                break
        yield from _line_problems(guide, line, targets[0])
        yield from _path_problems(guide, refinement, line, targets[0])


def _line_problems(guide: Guide, line: Narrowing, target: Target) -> Iterator[Problem]:
    row = guide.position(target.row)
    if line.path.leaf is None:
        yield from _of_element_only(line)
        yield from _segment_problems(guide, line, row)
        return
    if line.repeat is not None:
        yield line.origin.problem("counts segments, not data elements", under="repeat")
    spot = target.spots[0]
    mandatory = spot.mandatory or (not spot.in_composite and row.segment.elements[spot.element - 1].mandatory)
    if mandatory and line.presence in ("unused", "optional") and not line.widens:
        yield line.origin.problem(f"the standard demands {spot.definition.id} here", under="presence")
    yield from _length_problems(line, spot.definition)
    yield from _code_problems(guide, line, spot.definition)


def _of_element_only(line: Narrowing) -> Iterator[Problem]:
    said = {
        "codes": line.codes is not None,
        "extra_codes": bool(line.extra_codes),
        "min_length": line.min_length is not None,
        "max_length": line.max_length is not None,
        "format": bool(line.formats),
    }
    for key, is_said in said.items():
        if is_said:
            yield line.origin.problem(f"is for data elements: write {line.path}.2005 or the like", under=key)


def _segment_problems(guide: Guide, line: Narrowing, row: Position) -> Iterator[Problem]:
    group = guide.groups.get(row.index)
    mandatory = group.mandatory if group else row.mandatory
    repeat = group.repeat if group else row.repeat
    if mandatory and line.presence in ("unused", "optional") and not line.path.conditional and not line.widens:
        yield line.origin.problem(f"the standard demands {row.tag} here", under="presence")
    if line.repeat is not None and line.repeat > repeat and not line.widens:
        sentence = f"the standard allows {repeat}, not {line.repeat}; say widens = true if that was agreed"
        yield line.origin.problem(sentence, under="repeat")
    if line.presence == "unused" and line.repeat is not None:
        yield line.origin.problem("says nothing about what is not used", under="repeat")


def _length_problems(line: Narrowing, element: Element) -> Iterator[Problem]:
    if line.max_length is not None and line.max_length > element.max_length and not line.widens:
        sentence = f"the standard allows {element.max_length} characters; say widens = true if more was agreed"
        yield line.origin.problem(sentence, under="max_length")
    if line.min_length is not None and line.min_length < element.min_length and not line.widens:
        yield line.origin.problem(f"the standard demands {element.min_length} characters", under="min_length")
    least = line.min_length if line.min_length is not None else element.min_length
    most = line.max_length if line.max_length is not None else element.max_length
    if least > most:
        yield line.origin.problem(f"no value has at least {least} and at most {most} characters", under="min_length")
    for text in line.formats:
        match = FORMAT.fullmatch(text)
        if match and not match[2] and int(match[3]) > most:
            yield line.origin.problem(f"{text} is longer than the {most} characters allowed", under="format")


def _code_problems(guide: Guide, line: Narrowing, element: Element) -> Iterator[Problem]:
    listed = element.codes
    for code in sorted(line.codes or ()):
        if listed is not None and code not in listed | line.extra_codes:
            close = _close(code, listed)
            sentence = f"'{code}' is not in list {element.id} of {guide.version}{close}; agreed codes are extra_codes"
            yield line.origin.problem(sentence, under="codes")
    for code in sorted(line.extra_codes):
        if listed is None:
            yield line.origin.problem(f"{element.id} has no code list to extend", under="extra_codes")
            return
        if code in listed:
            yield line.origin.problem(f"'{code}' is in list {element.id} already", under="extra_codes")
        if not element.min_length <= len(code) <= element.max_length:
            sentence = f"'{code}' is not {element.min_length} to {element.max_length} characters long"
            yield line.origin.problem(sentence, under="extra_codes")
    if line.extra_codes and line.path.conditional:
        yield line.origin.problem("cannot depend on a condition", under="extra_codes")


def _path_problems(guide: Guide, refinement: Refinement, line: Narrowing, target: Target) -> Iterator[Problem]:
    """Qualifiers that no list has: most likely mistyped."""
    for stop, path_step in zip(reversed(target.stops), reversed(line.path.steps), strict=False):
        row = guide.position(stop.row)
        for condition in path_step.conditions:
            yield from _condition_problems(guide, refinement, line, row, condition)


def _condition_problems(
    guide: Guide, refinement: Refinement, line: Narrowing, row: Position, condition: Condition
) -> Iterator[Problem]:
    uses = (part.element for use in row.segment.elements for part in use.components)
    element = next((one for one in uses if one.id == condition.element), None)
    if element is None or element.codes is None:
        return
    extra = _extra_codes(guide, refinement, row.tag, element.id)
    for value in condition.values:
        if value not in element.codes | extra:
            close = _close(value, element.codes | extra)
            yield line.origin.problem(f"'{value}' is not in list {element.id} of {guide.version}{close}")


def _extra_codes(guide: Guide, refinement: Refinement, tag: str, element: str) -> frozenset[str]:
    """Codes that the refinement adds to an element of a segment."""
    found: set[str] = set()
    for line in refinement.narrowings:
        if line.extra_codes and _is_about(guide, line.path, tag, element):
            found |= line.extra_codes
    return frozenset(found)


def _is_about(guide: Guide, path: Path, tag: str, element: str) -> bool:
    try:
        target = resolve(guide, path)[0]
    except NoPlace:
        return False
    return guide.position(target.row).tag == tag and any(spot.definition.id == element for spot in target.spots)


def _close(code: str, listed: Iterable[str]) -> str:
    """Half a sentence with the code that was probably meant, or nothing: lists are long."""
    alike = [one for one in listed if len(one) == len(code)]
    said = nearest(code, alike or listed)
    return f"; {said}" if said.startswith("did you") else ""
