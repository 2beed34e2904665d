"""What is wrong with the order of a message's segments, in words: from the steps of its best reading to findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edi_server.findings import Finding, Place
from edi_server.guides.model import Guide
from edi_server.guides.moves import Moves
from edi_server.guides.placement import Step
from edi_server.syntax.normal import to_text

#: Tags that a finding lists as expected.
MAX_EXPECTED = 12


def tag_of(segment: str) -> str:
    """The tag of a segment in normal form, without an explicit indication of nesting (`LIN:1:2`)."""
    return segment.split("+", 1)[0].split(":", 1)[0]


def describe(moves: Moves, segments: Sequence[str], steps: Sequence[Step]) -> Iterator[Finding]:
    """Findings about segments that are missing, too many or out of place.

    What is missing is reported at the last segment that has a place before the gap (ISO 9735 part 4, 0096).
    """
    last = 0
    for step in steps:
        for position in step.missing:
            yield _missing(moves.guide, position, last, segments)
        if step.too_often:
            yield _too_often(moves, step)
        if step.position:
            last = step.number
        elif step.number <= len(segments):
            yield _unplaced(moves, step, segments[step.number - 1])


def _missing(guide: Guide, position: int, last: int, segments: Sequence[str]) -> Finding:
    row = guide.position(position)
    group = guide.groups.get(position)
    what = f"segment group {group.name}, which begins with {row.tag}," if group else f"segment {row.tag}"
    where = f"after segment {last} ({tag_of(segments[last - 1])[:3]})" if last else "at the beginning"
    return Finding(
        code="guide.group-missing" if group else "guide.segment-missing",
        severity="error",
        sentence=f"Mandatory {what} is missing {where}.",
        place=Place(segment=last or 1, tag=row.tag, group=row.path),
        expected=row.tag,
    )


def _too_often(moves: Moves, step: Step) -> Finding:
    row, limit = moves.guide.position(step.position), moves.limit(step.position)
    group = moves.guide.groups.get(step.position)
    what = f"Segment group {group.name}, which begins with {row.tag}," if group else f"Segment {row.tag}"
    return Finding(
        code="guide.group-repeats" if group else "guide.segment-repeats",
        severity="error",
        sentence=f"{what} stands here {step.too_often} times; {limit} is the most allowed.",
        place=Place(segment=step.number, tag=row.tag, group=row.path),
        found=str(step.too_often),
        expected=f"at most {limit}",
    )


def _unplaced(moves: Moves, step: Step, segment: str) -> Finding:
    tag, guide = to_text(tag_of(segment))[:20], moves.guide
    known = tag in moves.tags
    sentence = (
        f"Segment {tag} must not stand here in {guide.message} {guide.version}."
        if known
        else f"Segment {tag or '(without a tag)'} does not exist in {guide.message} {guide.version}."
    )
    return Finding(
        code="guide.segment-misplaced" if known else "guide.segment-unknown",
        severity="error",
        sentence=sentence,
        place=Place(segment=step.number, tag=tag),
        found=to_text(segment)[:80],
        expected=", ".join(moves.expected(step.behind)[:MAX_EXPECTED]) or "nothing more",
    )
