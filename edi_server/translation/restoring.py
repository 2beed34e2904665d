"""Released characters given back to a document that was read without looking at them.

One stand-in in a message is enough to make it a released one, and most messages have one somewhere. Reading every
element carefully for its sake costs four times as much as reading quickly and mending the few texts it is in.
"""

from __future__ import annotations

import re
from decimal import Decimal
from operator import is_
from typing import Any

from msgspec.structs import astuple, replace

from edi_server.canonical import Record, When
from edi_server.syntax.normal import STAND_INS
from edi_server.translation.profile import Entry, Profile

_SPECIAL = re.compile(f"[{re.escape(''.join(STAND_INS))}]")
#: Classes of values without texts that could hold stand-ins, and texts themselves.
_SIMPLE = frozenset((str, Decimal, int, bool, When))
_CONDITION = re.compile(r"\[([^\[\]]*)\]")


def compares_plainly(profile: Profile) -> bool:
    """True if nothing that the profile compares with texts of a message contains a character that may be released."""
    if any(_SPECIAL.search(code.code) for table in profile.codes.values() for code in table.codes):
        return False
    return not any(_is_special(entry) for shape in profile.shapes.values() for entry in shape.entries)


def _is_special(entry: Entry) -> bool:
    line = entry.reading
    if line is None:
        return False
    paths = (*line.at, *line.also, *line.parts)
    compared = [condition for path in paths for condition in _CONDITION.findall(path.text)]
    compared += [value for _, value in line.when]
    if line.kind == "constant":
        compared.append(line.value)
    return any(_SPECIAL.search(text) for text in compared)


def restore(record: Record, but: tuple[str, ...] = ()) -> Record:
    """The record with every stand-in turned into what it stands for; kept segments and fields `but` stay."""
    mended: dict[str, Any] = {}
    # Stand-ins are control characters, so most texts need no closer look.
    for name, value in zip(record.__struct_fields__, astuple(record), strict=True):
        if value.__class__ is str:
            if not value.isprintable():
                mended[name] = _restore_text(value)
        elif value and value.__class__ not in _SIMPLE and name not in but and name != "kept":
            inner = _restore_all(value) if value.__class__ is tuple else restore(value)
            if inner is not value:
                mended[name] = inner
    return replace(record, **mended) if mended else record


def _restore_all(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(items[0], str):
        return items if all(map(str.isprintable, items)) else tuple(map(_restore_text, items))
    mended = tuple([restore(item) if isinstance(item, Record) else item for item in items])
    return items if all(map(is_, mended, items)) else mended


def _restore_text(text: str) -> str:
    """Faster than `to_text` for texts with few stand-ins."""
    for character, stand_in in STAND_INS.items():
        if stand_in in text:
            text = text.replace(stand_in, character)
    return text
