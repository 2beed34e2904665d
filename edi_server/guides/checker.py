"""Checking a message against its guide: its tree, and everything that is wrong with it.

A message without fault costs about a quarter of a microsecond per segment; the first thing that is not plainly right
sends that part, and no more, to the explanation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Literal

import msgspec
from msgspec.structs import replace

from edi_server.findings import Finding, Place, has_errors
from edi_server.guides.message_rule import MessageRule
from edi_server.guides.model import Guide, Tree
from edi_server.guides.moves import Moves
from edi_server.guides.nesting_faults import check_nesting
from edi_server.guides.other_version import soften
from edi_server.guides.placement import Automaton, explain
from edi_server.guides.segment_faults import CodeSeverity, SegmentFaults
from edi_server.guides.structure_faults import describe, tag_of
from edi_server.guides.tree import read_component
from edi_server.guides.x12_characters import check_characters

#: Findings that are given for one message; nobody reads more, and a CONTRL takes no more (UCS 999).
MAX_FINDINGS = 999
#: UNH S009 0057, association assigned code.
_ASSOCIATION = (2, 5)
#: The tag of a segment, or what would have to be one; `tag_of` is exact, and slower.
_head = itemgetter(slice(3))

Codes = Literal["auto", "error", "warning", "off"]
#: How much of the guide a message is held to: all of it; only which segments there are, in which order and how often;
#: nothing, the guide serving to make a tree of the message as far as it goes.
Depth = Literal["full", "structure", "envelope"]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A message placed in its guide, and what is wrong with it, in the order of its segments."""

    tree: Tree
    findings: list[Finding]


def check(
    guide: Guide,
    segments: list[str],
    *,
    released: bool,
    codes: Codes = "auto",
    offsets: Sequence[int] | None = None,
    depth: Depth = "full",
    nearest: bool = False,
) -> Checked:
    """Place a message (UNH to UNT, ST to SE, in normal form) in its guide and find everything that is wrong with it.

    `released`: some segment contains stand-ins (`MessageRead.released`). `codes`: how bad a code is that is not in the
    directory's list; "auto" is an error, but a warning where UNH names an association (0057, such as EAN008), because
    its lists extend those of the directory, and where the guide is only the nearest. `offsets`: `MessageRead.offsets`,
    to give findings their place in bytes. `depth`: how much is checked, as agreed with the partner. `nearest`: the
    guide is of another version than the message (`nearest_guide` gave a doubt), so that what versions differ in most,
    codes and sizes, is a warning only.

    Never raises for anything that a message may contain. The tree holds all segments that have a place.
    """
    if nearest and codes == "auto":
        codes = "warning"
    return _checker(guide).check(
        segments, released=released, codes=codes, offsets=offsets, depth=depth, nearest=nearest
    )


def _checker(guide: Guide) -> Checker:
    """The checker of a guide, kept with it."""
    known = vars(guide)
    checker = known.get("checker")
    if not isinstance(checker, Checker):
        checker = known["checker"] = Checker(guide)
    return checker


class Checker:
    """What checking a guide has learnt: its automaton and the rule of its segments."""

    def __init__(self, guide: Guide) -> None:
        self._guide = guide
        self._moves = Moves(guide)
        self._automaton = Automaton(self._moves)
        self._definitions = {row.tag: row.segment for row in guide.positions}
        self._rule = MessageRule(self._definitions)
        self._is_x12 = guide.syntax == "x12"

    def check(
        self,
        segments: list[str],
        *,
        released: bool,
        codes: Codes,
        offsets: Sequence[int] | None = None,
        depth: Depth = "full",
        nearest: bool = False,
    ) -> Checked:
        """See `check` of this module."""
        positions = self._automaton.place(list(map(_head, segments)))
        if depth != "full":
            tree, findings = self._place(segments, positions, released=released)
            findings = _cut(findings) if depth == "structure" else []
        else:
            text = "'".join(segments)
            doubtful = self._rule.doubtful(segments, text)
            severity = _judge(codes, segments, is_x12=self._is_x12) if doubtful else "off"
            tree, findings = self._explain(
                segments, positions, doubtful, released=released, codes=severity, nearest=nearest
            )
            if tree.segments is segments:
                # It is known already, and whoever reads the tree wants it, too.
                vars(tree)["text"] = text
        if findings and offsets is not None:
            findings = with_offsets(findings, offsets)
        return Checked(tree=tree, findings=findings)

    def _explain(
        self,
        segments: list[str],
        positions: list[int] | None,
        doubtful: Sequence[int],
        *,
        released: bool,
        codes: CodeSeverity,
        nearest: bool,
    ) -> tuple[Tree, list[Finding]]:
        """The tree as far as it goes, and all findings; `doubtful` are the indices of segments that may be wrong."""
        # What begins like a segment of the guide but goes on (LINX) is none of it.
        if any(tag_of(segments[index]) != segments[index][:3].rstrip("+") for index in doubtful):
            positions = None
        tree, findings = self._place(segments, positions, released=released)
        if doubtful:
            faults = self._examine(segments, tree, doubtful, codes)
            findings += soften(faults) if nearest else faults
        if self._is_x12:
            findings += check_characters(tree)
        if self._guide.nestings:
            findings += check_nesting(tree)
        return tree, _cut(sorted(findings, key=lambda finding: finding.place.segment or 0)) if findings else findings

    def _place(self, segments: list[str], positions: list[int] | None, *, released: bool) -> tuple[Tree, list[Finding]]:
        """The tree of the segments that have a place, and what is wrong with their order."""
        findings: list[Finding] = []
        placed: list[int] | None = None
        if positions is None:
            steps = explain(self._moves, [tag_of(segment) for segment in segments])
            findings = list(describe(self._moves, segments, steps))
            positions = [step.position for step in steps[: len(segments)]]
            placed = [index for index, position in enumerate(positions) if position]
        if placed is None or len(placed) == len(segments):
            return Tree(guide=self._guide, segments=segments, positions=positions, released=released), findings
        tree = Tree(
            guide=self._guide,
            segments=[segments[index] for index in placed],
            positions=[positions[index] for index in placed],
            numbers=[index + 1 for index in placed],
            released=released,
        )
        return tree, findings

    def _examine(
        self, segments: list[str], tree: Tree, doubtful: Sequence[int], codes: CodeSeverity
    ) -> Iterator[Finding]:
        """What is wrong inside the doubtful segments."""
        positions = {number: position for number, position, _ in tree.walk()}
        for index in doubtful:
            segment = segments[index]
            definition = self._definitions.get(tag_of(segment))
            if definition:
                position = positions.get(index + 1)
                group = self._guide.position(position).path if position else None
                place = Place(segment=index + 1, tag=definition.tag, group=group)
                faults = SegmentFaults(definition, place, codes=codes, directory=self._guide.version)
                # Many senders fill every segment up with separators; that is seen without taking it apart.
                is_only_long = segment[-1] == "+" and self._rule.allows(segment.rstrip("+"))
                yield from faults.examine_end(segment) if is_only_long else faults.examine(segment)


def with_offsets(findings: Sequence[Finding], offsets: Sequence[int]) -> list[Finding]:
    """The findings with the byte offset of their segment (`MessageRead.offsets`) where they have no finer one."""
    return [_with_offset(finding, offsets) for finding in findings]


def _with_offset(finding: Finding, offsets: Sequence[int]) -> Finding:
    number = finding.place.segment
    if finding.place.offset is not None or number is None or not 1 <= number <= len(offsets):
        return finding
    return replace(finding, place=replace(finding.place, offset=offsets[number - 1]))


def _judge(codes: Codes, segments: list[str], *, is_x12: bool) -> CodeSeverity:
    """How bad a code is that is not listed; what X12 calls an industry's version (VICS) uses fewer codes, not more."""
    if codes != "auto":
        return codes
    if is_x12:
        return "error"
    return "warning" if segments and read_component(segments[0], _ASSOCIATION) else "error"


def _cut(findings: list[Finding]) -> list[Finding]:
    """The findings, or as many as anybody reads, with the number of the others."""
    if len(findings) <= MAX_FINDINGS:
        return findings
    others = findings[MAX_FINDINGS:]
    more = Finding(
        code="guide.more-findings",
        severity="error" if has_errors(others) else "warning",
        sentence=f"There are {len(others)} more findings in this message, which are not listed.",
        place=Place(segment=others[0].place.segment),
    )
    return [*findings[:MAX_FINDINGS], more]
