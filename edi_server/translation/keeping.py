"""Unread segments, kept with the record that they stand in, and given their place again when it is written.

A kept text is a segment in normal form, or a whole group, its segments divided by `'` (free in normal form). Where it
stood below a segment that was read into the same record, it begins with that segment's step: `@PRI[5125=AAA] APR+WS`.
Where its tag stands both before and behind the lines and this one stood behind them, it begins with `@summary `.
"""

from __future__ import annotations

from collections.abc import Iterable

from edi_server.guides.model import Guide
from edi_server.translation.plan import FRAME, tag_of
from edi_server.translation.x12_runs import Folded, fold

#: Begins kept texts of the summary section whose tags stand before the lines, too.
SUMMARY = "@summary "


def keep(segments: list[str], chunks: list[tuple[int, int, str]]) -> tuple[str, ...]:
    """The kept texts of chunks (first segment, behind the last one, step) in the order of the message."""
    if len(chunks) > 1:
        chunks.sort()
    if isinstance(segments, Folded):
        segments = segments.original
    return tuple([prefix + "'".join(segments[first:behind]) for first, behind, prefix in chunks])


def skip(
    positions: list[int],
    index: int,
    span: tuple[int, int],
    last: tuple[int, ...],
    into: list[tuple[int, int, str]],
    prefix: str,
) -> int:
    """Pass unread segments with positions within `span`, one chunk for each segment or group; the next index."""
    low, high = span
    position = positions[index]
    while low <= position <= high:
        end = last[position]
        behind = index + 1
        inner = positions[behind]
        while position < inner <= end:
            behind += 1
            inner = positions[behind]
        into.append((index, behind, prefix))
        index, position = behind, inner
    return index


def last_positions(guide: Guide) -> tuple[int, ...]:
    """By position: the last one of the group that it triggers, or itself."""
    return (0, *(guide.groups[row.index].last if row.index in guide.groups else row.index for row in guide.positions))


def unfold(kept: Iterable[str], step: str) -> list[str]:
    """The texts kept below a step, the step removed."""
    mark = f"@{step} "
    return [text.removeprefix(mark) for text in kept if text.startswith(mark)]


def is_below(text: str) -> bool:
    """True if a text was kept below a segment that was read."""
    return text.startswith("@") and not text.startswith(SUMMARY)


def summary_of(guide: Guide) -> frozenset[int]:
    """Positions behind the lines whose tags stand before them, too (ALC in ORDERS)."""
    rows = [guide.position(index) for index in guide.children[0]]
    before = {row.tag for row in rows if row.section != "summary"}
    return frozenset(row.index for row in rows if row.section == "summary" and row.tag in before)


def place_kept(guide: Guide, anchor: int, text: str) -> tuple[int, list[str]] | None:
    """The position among the children of a group, and the segments, of a kept text; None if it has none.

    Within a group, segments are placed as in a message: as deep as possible, then further out.
    """
    segments = text.removeprefix(SUMMARY).split("'")
    same = [index for index in guide.children.get(anchor, ()) if _tag(guide, index) == tag_of(segments[0])]
    if text.startswith(SUMMARY):
        same = [index for index in same if guide.position(index).section == "summary"]
    here = same[0] if same else None
    if here is None or guide.position(here).tag in FRAME:
        return None
    if len(segments) > 1 and not _fits(guide, here, segments[1:]):
        return None
    return here, [fold(guide, segment) for segment in segments]


def _tag(guide: Guide, index: int) -> str:
    return guide.position(index).tag


def _fits(guide: Guide, trigger: int, segments: list[str]) -> bool:
    """True if the segments have places inside one repetition of the group."""
    open_groups = [(trigger, trigger)]
    for text in segments:
        while open_groups:
            group, reached = open_groups[-1]
            index = next(
                (one for one in guide.children.get(group, ()) if one >= reached and _tag(guide, one) == tag_of(text)),
                None,
            )
            if index is not None:
                open_groups[-1] = (group, index)
                if index in guide.groups:
                    open_groups.append((index, index))
                break
            open_groups.pop()
        else:
            return False
    return True
