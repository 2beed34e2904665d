"""Unread segments, kept with the record that they stand in, and given their place again when it is written.

A kept text is a segment in normal form, or a whole group, its segments divided by `'` (free in normal form). Where it
stood below a segment that was read into the same record, it begins with that segment's step: `@PRI[5125=AAA] APR+WS`.
"""

from __future__ import annotations

from collections.abc import Iterable

from edi_server.guides.model import Guide


def keep(segments: list[str], chunks: list[tuple[int, int, str]]) -> tuple[str, ...]:
    """The kept texts of chunks (first segment, behind the last one, step) in the order of the message."""
    if len(chunks) > 1:
        chunks.sort()
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


def unfold(kept: Iterable[str], step: str = "") -> list[str]:
    """The texts kept directly at a step of a record ("" for the record itself), the step removed."""
    if not step:
        return [text for text in kept if not text.startswith("@")]
    mark = f"@{step} "
    return [text.removeprefix(mark) for text in kept if text.startswith(mark)]


def place_kept(guide: Guide, anchor: int, text: str, reached: int = 0) -> tuple[int, list[str]] | None:
    """The position among the children of a group, and the segments, of a kept text; None if it has none.

    Of several positions with its tag (ALC stands before and behind the lines) it is the first not before `reached`,
    where the kept text before it went. Within a group, segments are placed as in a message: as deep as possible, then
    further out.
    """
    segments = text.split("'")
    same = [index for index in guide.children.get(anchor, ()) if _tag(guide, index) == segments[0][:3]]
    here = next((index for index in same if index >= reached), same[0] if same else None)
    if here is None or guide.position(here).tag in ("UNH", "UNS", "UNT"):
        return None
    if len(segments) > 1 and not _fits(guide, here, segments[1:]):
        return None
    return here, segments


def _tag(guide: Guide, index: int) -> str:
    return guide.position(index).tag


def _fits(guide: Guide, trigger: int, segments: list[str]) -> bool:
    """True if the segments have places inside one repetition of the group."""
    open_groups = [(trigger, trigger)]
    for text in segments:
        while open_groups:
            group, reached = open_groups[-1]
            index = next(
                (one for one in guide.children.get(group, ()) if one >= reached and _tag(guide, one) == text[:3]), None
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
