"""The merge law: base ← extends … ← agreement.

A line is replaced whole, also where a string meets a table. Shapes, codes, constants and computed places merge by key,
lists never. `{ off = true }` removes. What an agreement overrides needs its `why`, and must have an effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from edi_server.located import dotted
from edi_server.translation.profile import ProfileProblem, Source

Key = tuple[str, ...]

#: Sections that hold lines, and how many keys lead from the section to a line.
_DEPTH = {"document": 1, "codes": 2, "constants": 1, "computed": 1, "stamp": 1, "profile": 1}


class Item(msgspec.Struct, frozen=True):
    """One line of one layer, raw."""

    value: Any
    source: Source
    agreement: bool = False


class Layer(msgspec.Struct, frozen=True):
    """One file's (or agreement's) lines by key."""

    items: dict[Key, Item]
    extends: str | None = None


class Merged(msgspec.Struct, frozen=True):
    """All layers' lines, the later over the earlier."""

    items: dict[Key, Item]
    problems: list[ProfileProblem]


def flatten(table: Mapping[str, Any], *, file: str, lines: Mapping[Any, int], agreement: bool) -> Layer:
    """The lines of a table; `lines` says where each key (a tuple, or dotted) stands."""
    items = {key: Item(value, Source(file, _line_of(key, lines)), agreement) for key, value in _walk(table)}
    base = items.pop(("profile", "extends"), None)
    return Layer(items, base.value if base is not None and isinstance(base.value, str) else None)


def _walk(table: Mapping[str, Any]) -> Iterator[tuple[Key, Any]]:
    for section, value in table.items():
        if section == "shapes" and isinstance(value, dict):
            for name, shape in value.items():
                yield from _walk_shape(name, shape)
        elif isinstance(value, dict) and section in _DEPTH:
            yield from _descend((section,), value, _DEPTH[section])
        else:
            yield (section,), value


def _walk_shape(name: str, shape: Any) -> Iterator[tuple[Key, Any]]:
    if not isinstance(shape, dict) or shape.get("off") is True:
        yield ("shapes", name), shape
        return
    for key, value in shape.items():
        if key in ("constants", "computed") and isinstance(value, dict):
            yield from _descend(("shapes", name, key), value, 1)
        else:
            yield ("shapes", name, key), value


def _descend(key: Key, value: Any, depth: int) -> Iterator[tuple[Key, Any]]:
    if depth == 0 or not isinstance(value, dict) or value.get("off") is True:
        yield key, value
        return
    for name, inner in value.items():
        yield from _descend((*key, name), inner, depth - 1)


def _line_of(key: Key, lines: Mapping[Any, int]) -> int | None:
    for length in range(len(key), 0, -1):
        line = lines.get(key[:length]) or lines.get(dotted(key[:length]))
        if line is not None:
            return line
    return None


def merge(layers: list[Layer]) -> Merged:
    """The layers laid over each other, the first lowest."""
    merged = Merged({}, [])
    for layer in layers:
        for key, item in layer.items.items():
            _lay(merged, key, item)
    return merged


def _lay(merged: Merged, key: Key, item: Item) -> None:
    off = isinstance(item.value, dict) and item.value.get("off") is True
    below = [known for known in merged.items if known[: len(key)] == key]
    if item.agreement:
        _demand_why(merged, key, item)
    if off and not below:
        _problem(merged, key, item, "switches off what is not there: the override has no effect")
    elif item.agreement and not off and _same(merged.items.get(key), item):
        _problem(merged, key, item, "says what the profile says already: the override has no effect")
    if off:
        for known in below:
            del merged.items[known]
    else:
        merged.items[key] = item


def _demand_why(merged: Merged, key: Key, item: Item) -> None:
    why = item.value.get("why") if isinstance(item.value, dict) else None
    if key[0] == "shapes" and key[-1] == "is":
        return
    if not isinstance(why, str) or not why.strip():
        form = "{ at = …, why = … }" if key[0] in ("document", "shapes") else "{ is = …, why = … }"
        _problem(merged, key, item, f"an agreement says why it differs: write {form}")


def _same(below: Item | None, item: Item) -> bool:
    if below is None:
        return False
    return bool(_bare(below.value) == _bare(item.value))


def _bare(value: Any) -> Any:
    """The value without its reason; a table with nothing but `at` or `is` equals what that says."""
    if not isinstance(value, dict):
        return value
    rest = {key: inner for key, inner in value.items() if key != "why"}
    only = next(iter(rest)) if len(rest) == 1 else None
    return rest[only] if only in ("at", "is") else rest


def _problem(merged: Merged, key: Key, item: Item, sentence: str) -> None:
    merged.problems.append(
        ProfileProblem(file=item.source.file, line=item.source.line, key=dotted(key), sentence=sentence)
    )
