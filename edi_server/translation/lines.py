"""Raw lines of a profile read into records; what does not fit is a problem with its place, never an exception."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from edi_server.canonical import DOCUMENTS
from edi_server.located import dotted
from edi_server.translation.codecs import CODECS
from edi_server.translation.merge import Item, Key, Merged
from edi_server.translation.nearest import nearest_of
from edi_server.translation.paths import Path, PathError, parse_path
from edi_server.translation.profile import (
    ALL,
    Code,
    CodeTable,
    Entry,
    Line,
    Profile,
    ProfileProblem,
    Shape,
    Source,
    plain,
)
from edi_server.translation.static import check_static

_SECTIONS = ("profile", "keep", "checks", "document", "shapes", "codes", "constants", "computed", "stamp")
_ABOUT = ("document", "extends", "view")
_EVERY = ("when", "read", "write", "why")
_VALUE = ("at", "also", "as", "parts", "join", "width", "many", "codes", "open", "default", "optional", *_EVERY)
_KEYS = {
    "value": _VALUE,
    "within": ("within", "shape", *_EVERY),
    "each": ("each", "shape", "optional", *_EVERY),
    "constant": ("is", "read", "write", "why"),
    "computed": ("is", "read", "write", "why"),
}


def read_profile(name: str, merged: Merged, *, version: str) -> Profile:
    """The profile that merged raw lines describe."""
    reader = _Reader(merged)
    profile = reader.profile(name, version)
    return replace(profile, problems=(*reader.problems, *check_static(profile)))


class _Reader:
    def __init__(self, merged: Merged) -> None:
        self.items = merged.items
        self.problems: list[ProfileProblem] = list(merged.problems)

    def profile(self, name: str, version: str) -> Profile:
        for key, item in self.items.items():
            if key[0] not in _SECTIONS:
                self._unknown(key, item.source, key[0], _SECTIONS, "is not a part of a profile")
            elif key[0] == "profile" and (len(key) == 1 or key[1] not in _ABOUT):
                self._unknown(key, item.source, key[-1], _ABOUT, "is not known here")
            elif len(key) == 1 and key[0] in ("document", "shapes", "codes", "constants", "computed", "stamp"):
                self._problem(key, item.source, "must be a table")
            elif key[0] == "stamp":
                self._problem(key, item.source, "stamp marks attributes of XML elements; EDIFACT and X12 have none")
        return Profile(
            name=name,
            syntax=name.split("/", 1)[0],
            document=self._document(name),
            view=self._text(("profile", "view")),
            keep=self._scalar("keep", bool, default=False),
            checks=tuple(self._scalar("checks", list, default=[])),
            shapes=self._shapes(),
            codes=self._codes(),
            version=version,
        )

    # -- about the profile

    def _document(self, name: str) -> str:
        key = ("profile", "document")
        text, item = self._text(key), self.items.get(key)
        if text in DOCUMENTS:
            return text
        source = item.source if item else next(iter(self.items.values())).source if self.items else Source(name)
        if text is None:
            self._problem(key, source, f"is missing: name the document type, one of {', '.join(DOCUMENTS)}")
        else:
            self._unknown(key, source, text, DOCUMENTS, f"{text!r} is not a document type")
        return text or ""

    def _text(self, key: Key) -> str | None:
        item = self.items.get(key)
        value = _is(item.value) if item else None
        if item and not isinstance(value, str):
            self._problem(key, item.source, "must be text")
            return None
        return value

    def _scalar(self, name: str, kind: type, *, default: Any) -> Any:
        item = self.items.get((name,))
        if item is None:
            return default
        value = _is(item.value)
        if not isinstance(value, kind):
            self._problem((name,), item.source, f"must be {'true or false' if kind is bool else 'a list of names'}")
            return default
        return value

    # -- shapes

    def _shapes(self) -> dict[str, Shape]:
        names = ["document", *(key[1] for key in self.items if key[0] == "shapes" and len(key) > 2)]
        return {name: self._shape(name) for name in dict.fromkeys(names)}

    def _shape(self, name: str) -> Shape:
        prefix: Key = ("document",) if name == "document" else ("shapes", name)
        entries: list[Entry] = []
        is_: str | None = None
        first = Source("")
        for key, item in self.items.items():
            inside = _inside(name, prefix, key)
            if inside is None:
                continue
            first = first if first.file else item.source
            if inside == ("is",):
                is_ = self._text(key)
                first = item.source
            elif entry := self._entry(name, key, inside, item):
                entries.append(entry)
        if is_ is None and name != "document":
            self._problem(("shapes", name, "is"), first, 'is missing: name the record it makes, such as "Party"')
        return Shape(name=name, record=is_ or "", entries=tuple(entries), source=first)

    def _entry(self, owner: str, key: Key, inside: Key, item: Item) -> Entry | None:
        kind = {"constants": "constant", "computed": "computed"}.get(inside[0] if len(inside) > 1 else "", "")
        raw = item.value
        if not isinstance(raw, dict):
            raw = {"is" if kind else "at": raw}
        kind = kind or ("within" if "within" in raw else "each" if "each" in raw else "value")
        reading, writing = self._both(kind, key, inside[-1], raw, item.source)
        if reading is None and writing is None:
            return None
        why = raw.get("why")
        return Entry(
            owner=owner,
            key=inside[-1],
            reading=reading,
            writing=writing,
            source=item.source,
            why=why if isinstance(why, str) else None,
        )

    def _both(
        self, kind: str, key: Key, field: str, raw: dict[str, Any], source: Source
    ) -> tuple[Line | None, Line | None]:
        """The line in each direction."""
        common = {name: value for name, value in raw.items() if name not in ("read", "write", "why", "off")}
        for name in raw:
            if name not in (*_KEYS[kind], "off"):
                self._unknown(key, source, name, _KEYS[kind], f"{name!r} is not a key of such a line")
        lines: list[Line | None] = []
        for direction in ("read", "write"):
            own = raw.get(direction, True)
            if own is False:
                lines.append(None)
                continue
            if isinstance(own, dict):
                allowed = (*_KEYS[kind], *(("from",) if direction == "write" else ()))
                for name in own:
                    if name not in allowed:
                        self._unknown(key, source, name, allowed, f"{name!r} is not a key of {direction}")
            elif own is not True:
                self._problem(key, source, f"{direction} must be false or a table")
            lines.append(self._line(kind, key, field, common | (own if isinstance(own, dict) else {}), source))
        return lines[0], lines[1]

    def _line(self, kind: Any, key: Key, field: str, raw: dict[str, Any], source: Source) -> Line | None:
        if kind in ("constant", "computed"):
            return self._fixed(kind, key, field, raw, source)
        place = "at" if kind == "value" else kind
        at = self._paths(key, raw.get(place), source, place)
        parts = self._paths(key, raw.get("parts"), source, "parts")
        if not at and not parts:
            if place not in raw and "parts" not in raw:
                self._problem(key, source, f"has no {place}: say where in the message it stands")
            return None
        codec = raw.get("as", "text")
        if codec not in CODECS:
            self._unknown(key, source, str(codec), CODECS, f"as = {plain(codec)} is not a known codec")
            return None
        return Line(
            field=field,
            kind=kind,
            at=at,
            also=self._paths(key, raw.get("also"), source, "also"),
            parts=parts,
            shape=self._typed(key, raw, "shape", str, source),
            codec=codec,
            join=self._typed(key, raw, "join", str, source),
            width=self._typed(key, raw, "width", int, source),
            many=self._many(key, raw, source),
            codes=self._typed(key, raw, "codes", str, source),
            open=raw.get("open") is True,
            optional=raw.get("optional") is True,
            default=self._typed(key, raw, "default", str, source),
            when=self._when(key, raw, source),
            written_from=self._typed(key, raw, "from", str, source),
        )

    def _fixed(self, kind: Any, key: Key, field: str, raw: dict[str, Any], source: Source) -> Line | None:
        at = self._paths(key, field, source, "the path")
        value = raw.get("is")
        if not isinstance(value, str):
            self._problem(key, source, f"must be text: the {'value' if kind == 'constant' else 'formula'}")
            return None
        return Line(field=field, kind=kind, at=at, value=value) if at else None

    def _paths(self, key: Key, raw: Any, source: Source, name: str) -> tuple[Path, ...]:
        texts = raw if isinstance(raw, list) else [] if raw is None else [raw]
        paths = []
        for text in texts:
            if not isinstance(text, str):
                self._problem(key, source, f"{name} must be a path or a list of paths")
                continue
            try:
                paths.append(parse_path(text))
            except PathError as error:
                self._problem(key, source, f"{text!r} is not a path: {error}")
        return tuple(paths)

    def _typed(self, key: Key, raw: dict[str, Any], name: str, kind: type, source: Source) -> Any:
        value = raw.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            self._problem(key, source, f"{name} must be {'text' if kind is str else 'a whole number'}")
            return None
        if name == "width" and isinstance(value, int) and value < 1:
            self._problem(key, source, "width must be at least 1")
            return None
        return value

    def _many(self, key: Key, raw: dict[str, Any], source: Source) -> int:
        value = raw.get("many", 0)
        if value is True:
            return ALL
        if value is False or (isinstance(value, int) and value >= 0):
            return int(value)
        self._problem(key, source, "many must be true, or how many values go into one segment")
        return 0

    def _when(self, key: Key, raw: dict[str, Any], source: Source) -> tuple[tuple[str, str], ...]:
        value = raw.get("when", {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            self._problem(key, source, 'when must be a table of fields and texts, such as { kind = "standard" }')
            return ()
        return tuple(value.items())

    # -- codes

    def _codes(self) -> dict[str, CodeTable]:
        tables: dict[str, list[Code]] = {}
        for key, item in self.items.items():
            if key[0] == "codes" and len(key) == 3 and (code := self._code(key, item)):
                tables.setdefault(key[1], []).append(code)
            elif key[0] == "codes" and len(key) == 2:
                self._problem(key, item.source, "must be a table of codes")
        return {name: CodeTable(name=name, codes=tuple(codes)) for name, codes in tables.items()}

    def _code(self, key: Key, item: Item) -> Code | None:
        raw = item.value if isinstance(item.value, dict) else {"is": item.value}
        for name in raw:
            if name not in ("is", "read", "why"):
                self._unknown(key, item.source, name, ("is", "read", "why"), f"{name!r} is not a key of a code")
        if not isinstance(raw.get("is"), str):
            self._problem(key, item.source, 'must be text, or a table such as { is = "standard", read = true }')
            return None
        return Code(
            code=key[2],
            value=raw["is"],
            read_only=raw.get("read") is True,
            source=item.source,
            why=raw.get("why") if isinstance(raw.get("why"), str) else None,
        )

    # -- problems

    def _problem(self, key: Key, source: Source, sentence: str, nearest: str | None = None) -> None:
        self.problems.append(
            ProfileProblem(file=source.file, line=source.line, key=dotted(key), sentence=sentence, nearest=nearest)
        )

    def _unknown(self, key: Key, source: Source, word: str, valid: Iterable[str], sentence: str) -> None:
        near = nearest_of(word, valid)
        self._problem(key, source, sentence if near else f"{sentence}; valid: {', '.join(sorted(valid))}", near)


def _inside(name: str, prefix: Key, key: Key) -> Key | None:
    """The key within the shape, or None if it belongs elsewhere."""
    if key[: len(prefix)] == prefix and len(key) > len(prefix):
        return key[len(prefix) :]
    if name == "document" and key[0] in ("constants", "computed") and len(key) > 1:
        return key
    return None


def _is(value: Any) -> Any:
    """A scalar, or what a table with its reason says it is."""
    return value["is"] if isinstance(value, dict) and "is" in value else value
