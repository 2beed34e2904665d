"""All segments of a message at once: one regular expression over its whole text, which stops where there is a doubt.

A call for each segment costs as much as looking at it, so the rules of a guide's segments are joined to one expression,
and the segments to one text. Making the expression takes as long as a thousand messages, so the first ones are looked
at segment by segment: many a guide is met once and never again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from edi_server.guides.model import SegmentDefinition
from edi_server.guides.segment_rule import ALLOWS_NOTHING, Rule, body, segment_rule
from edi_server.guides.value_form import choice

#: Messages that are looked at segment by segment.
FIRST_MESSAGES = 3
#: What ends a segment in the text: no normal form contains it.
END = "'"


class MessageRule:
    """Says which segments of messages are not plainly right."""

    def __init__(self, definitions: dict[str, SegmentDefinition]) -> None:
        """`definitions` are the segments of the guide by tag."""
        self._definitions = definitions
        self._rules: dict[str, Rule] = {}
        self._match: Callable[..., re.Match[str] | None] | None = None
        self._met = 0

    def doubtful(self, segments: Sequence[str], text: str) -> list[int]:
        """Indices of the segments that may be wrong; `text` is the segments joined by `END`."""
        text += END
        match = self._match or self._prepare()
        # Where END is in a segment after all, the text falls into other segments.
        if match is None or text.count(END) != len(segments):
            return self._doubt(segments, range(len(segments)))
        stop = _end(match(text))
        return [] if stop == len(text) else self._doubt(segments, list(_stops(match, segments, text, stop)))

    def allows(self, segment: str) -> bool:
        """True if nothing is wrong with a segment alone; false may be a doubt."""
        tag = segment[:3]
        return (self._rules.get(tag) or self._learn(tag))(segment) is not None

    def _prepare(self) -> Callable[..., re.Match[str] | None] | None:
        """The expression, once there have been enough messages."""
        self._met += 1
        if self._met <= FIRST_MESSAGES:
            return None
        bodies = {tag: body(definition) for tag, definition in self._definitions.items()}
        self._match = re.compile(f"(?>{choice(bodies)}{END})*+").match
        return self._match

    def _doubt(self, segments: Sequence[str], indices: Iterable[int]) -> list[int]:
        return [index for index in indices if not self.allows(segments[index])]

    def _learn(self, tag: str) -> Rule:
        """The rule for segments that begin with three characters, the last of which may be a separator (X12 has N1)."""
        definition = self._definitions.get(tag.rstrip("+"))
        if definition is None:
            return ALLOWS_NOTHING
        rule = self._rules[tag] = segment_rule(definition)
        return rule


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _stops(match: Callable[..., re.Match[str] | None], segments: Sequence[str], text: str, stop: int) -> Iterable[int]:
    """Indices of the segments at which the expression stops, the first of them at offset `stop` of the text."""
    index = text.count(END, 0, stop)
    while stop < len(text):
        yield index
        behind = stop + len(segments[index]) + 1
        stop = max(_end(match(text, behind)), behind)
        index += 1 + text.count(END, behind, stop)
