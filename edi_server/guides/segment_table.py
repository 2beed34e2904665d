"""A segment table, read from our own text file into positions and groups.

    UNH M 1                            segment, mandatory or conditional, repetitions
    SG1 C 10                           a group of any name (SG1, LOOP-PO1) is a line with more indented ones behind it
      RFF M 1                          two blanks of indent for each group
    SG10 C 9999 nest 7164 in 7166      repetitions form a tree: own identifier, parent's identifier
    HL M >1 nest 628 in 734 level 735 child 736 levels S:- O:S,-
                                       and what kind of level it is, whether it has others in it, and which kind may
                                       stand in which ("-": in none)
    summary                            the section from here on: header, detail or summary, alone in a line

A table without lines for its sections is divided by its first and last group of line items or packages. X12 tables say
O for C; `>1`, without a limit, is what X12 calls it, and 9999999 here.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from edi_server.errors import ConfigurationError
from edi_server.guides.model import Group, Nesting, Position, SegmentDefinition

#: Groups that begin the detail section (the model of the supply-chain messages; CONTRL and APERAK have none).
_DETAIL = ("LIN", "CPS")
SECTIONS = ("header", "detail", "summary")
#: Repetitions of what may be repeated without a limit.
UNLIMITED = 9999999


class SegmentTable:
    """Positions, groups and nestings of one message, as `edi_server.guides.model.Guide` wants them."""

    def __init__(self, lines: Iterable[str], segments: dict[str, SegmentDefinition]) -> None:
        self.positions: list[Position] = []
        self.groups: dict[int, Group] = {}
        self.nestings: list[Nesting] = []
        self._segments = segments
        #: Triggers of the groups that the next line may stand in, outermost first.
        self._open: list[int] = []
        #: What is said of the group that the next segment triggers, if its repetitions form a tree.
        self._nest: list[str] = []
        self._section = ""
        rows = list(lines)
        for line, below in zip(rows, [*rows[1:], ""], strict=True):
            self._read(line, is_group=_indent(below) > _indent(line))
        self._close(0)
        if not self._section:
            self._divide()

    def _read(self, line: str, *, is_group: bool) -> None:
        self._close(_indent(line))
        if line.strip() in SECTIONS:
            self._section = line.strip()
            return
        name, presence, repeat, *nest = line.split()
        most = UNLIMITED if repeat == ">1" else int(repeat)
        if is_group:
            self._open_group(name, presence, most, nest)
        else:
            self._add(name, presence, most)

    def _open_group(self, name: str, presence: str, repeat: int, nest: list[str]) -> None:
        trigger = len(self.positions) + 1
        parent = self._open[-1] if self._open else 0
        self.groups[trigger] = Group(
            name=name, trigger=trigger, last=trigger, mandatory=presence == "M", repeat=repeat, parent=parent
        )
        self._open.append(trigger)
        self._nest = nest

    def _add(self, tag: str, presence: str, repeat: int) -> None:
        segment = self._segments.get(tag)
        if segment is None:
            raise ConfigurationError(f"A segment table names the segment {tag}, which the table of segments lacks.")
        if self._nest:
            self.nestings.append(_nesting(len(self.positions) + 1, segment, self._nest))
            self._nest = []
        self.positions.append(
            Position(
                index=len(self.positions) + 1,
                tag=tag,
                segment=segment,
                mandatory=presence == "M",
                repeat=repeat,
                group=self._open[-1] if self._open else 0,
                path="/".join(self.groups[trigger].name for trigger in self._open),
                section=self._section or "header",
            )
        )

    def _close(self, level: int) -> None:
        """Close the groups deeper than `level`."""
        for trigger in self._open[level:]:
            self.groups[trigger] = replace(self.groups[trigger], last=len(self.positions))
        del self._open[level:]

    def _divide(self) -> None:
        """Set the sections: detail from the first line item or packaging group, summary behind it or from UNS."""
        details = [group for group in self.groups.values() if not group.parent and self._tag(group.trigger) in _DETAIL]
        if not details:
            return
        first, last = details[0].trigger, details[-1].last
        for index, row in enumerate(self.positions):
            section = "header" if row.index < first else "detail" if row.index <= last else "summary"
            self.positions[index] = replace(row, section=section)

    def _tag(self, position: int) -> str:
        return self.positions[position - 1].tag


def _indent(line: str) -> int:
    """In how many groups a line stands."""
    return (len(line) - len(line.lstrip())) // 2


def _nesting(trigger: int, segment: SegmentDefinition, words: list[str]) -> Nesting:
    """What `nest 628 in 734 level 735 child 736 levels S:- O:S` says of a group."""
    end = words.index("levels") if "levels" in words else len(words)
    head, levels = words[:end], words[end + 1 :]
    places = {word: _place(segment, element) for word, element in zip(head[::2], head[1::2], strict=True)}
    return Nesting(
        trigger=trigger,
        id=places["nest"],
        parent=places["in"],
        level=places.get("level"),
        child=places.get("child"),
        levels=dict(map(_level, levels)),
    )


def _level(word: str) -> tuple[str, frozenset[str]]:
    kind, _, parents = word.partition(":")
    return kind, frozenset("" if parent == "-" else parent for parent in parents.split(","))


def _place(segment: SegmentDefinition, element: str) -> tuple[int, int]:
    """Element and component number of a data element in a segment, 1-based."""
    return next(
        (number, part)
        for number, use in enumerate(segment.elements, 1)
        for part, component in enumerate(use.components, 1)
        if component.element.id == element
    )
