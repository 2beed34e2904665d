"""TOML files whose every key knows its line, and typed records made of them with all problems named at once.

`tomllib` drops positions, and msgspec stops at the first problem and does not say which key of a table of tables it
was in; a person who edits a partner file wants the whole list, each with file, line, key path and the nearest key.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from edi_server.errors import ConfigurationError

#: Keys from the top of a file to a value; numbers count in arrays, the first being 0.
KeyPath = tuple[str | int, ...]
Table = dict[str, Any]
R = TypeVar("R", bound=msgspec.Struct)

#: How much a word must have in common with a wrong one to be what was meant.
_LEAST = 0.6
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # strings first, so that no other rule looks inside them
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{},=.\n]"
    r"""|[^\s\[\]{},=."'#]+""",
    re.DOTALL,
)


class Raw(str):
    """Text from the environment, whose type is decided by the key it is for."""

    __slots__ = ()


def read_toml(path: Path) -> tuple[Table, dict[KeyPath, int]]:
    """The tables of a file and the line of each key, the first line being 1.

    Raises ConfigurationError if the file cannot be read or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text), lines_of(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid TOML: {error}") from error


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line of each key of a text that is known to be valid TOML."""
    return _Scan(text).lines


class _Scan:
    """One walk over the tokens of a TOML text."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._tokens: list[tuple[str, int]] = []
        self._at = 0
        #: Index of the last element of each array of tables.
        self._last: dict[KeyPath, int] = {}
        line, end = 1, 0
        for match in _TOKEN.finditer(text):
            line += text.count("\n", end, match.start())
            end = match.start()
            if not match[0].startswith("#"):
                self._tokens.append((match[0], line))
        self._statements()

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else "\n"

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _line(self) -> int:
        return self._tokens[self._at][1]

    def _statements(self) -> None:
        table: KeyPath = ()
        while self._at < len(self._tokens):
            if self._peek() == "\n":
                self._at += 1
            elif self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        line, depth = self._line(), 0
        while self._peek() == "[":
            self._at, depth = self._at + 1, depth + 1
        path = self._resolve(self._keys("]"))
        self._at += depth - 1
        if depth == 2:
            self.lines.setdefault(path, line)
            self._last[path] = self._last.get(path, -1) + 1
            path = (*path, self._last[path])
        self.lines.setdefault(path, line)
        return path

    def _resolve(self, keys: list[str]) -> KeyPath:
        """A header's keys with the indices of the arrays of tables that they lead through."""
        path: KeyPath = ()
        for key in keys[:-1]:
            path = (*path, key)
            path = (*path, self._last[path]) if path in self._last else path
        return (*path, keys[-1])

    def _keys(self, end: str) -> list[str]:
        keys: list[str] = []
        while (word := self._take()) != end:
            if word != ".":
                keys.append(tomllib.loads(f"k={word}")["k"] if word[0] in "\"'" else word)
        return keys

    def _pair(self, table: KeyPath) -> None:
        line, path = self._line(), table
        for key in self._keys("="):
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._peek() == "{":
            self._many("}", lambda _: self._pair(path))
        elif self._peek() == "[":
            self._many("]", lambda index: self._element((*path, index)))
        else:
            while self._peek() not in "\n,]}":
                self._at += 1

    def _element(self, path: KeyPath) -> None:
        self.lines[path] = self._line()
        self._value(path)

    def _many(self, end: str, one: Callable[[int], None]) -> None:
        self._at += 1
        index = 0
        while self._peek() != end:
            if self._peek() in ",\n":
                self._at += 1
            else:
                one(index)
                index += 1
        self._at += 1


def dotted(path: Iterable[str | int]) -> str:
    """A key path as people write it, such as `agreements.orders-in.versions[0]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            plain = re.fullmatch(r"[A-Za-z0-9_-]+", key)
            text += ("." if text else "") + (key if plain else f'"{key}"')
    return text


def nearest(key: str, valid: Iterable[str]) -> str:
    """A half sentence that names the valid key next to a wrong one, or all of them if none is near."""
    choices = sorted(valid)
    best = max(choices, key=lambda one: (_alike(key, one), _same_start(key, one)), default="")
    return f"did you mean '{best}'?" if _alike(key, best) >= _LEAST else f"valid here: {', '.join(choices)}"


def _same_start(key: str, other: str) -> int:
    """How many letters two words begin with alike."""
    return next((n for n, (one, two) in enumerate(zip(key, other, strict=False)) if one != two), len(key))


def _alike(key: str, other: str) -> float:
    """How much two words have in common, from 0 to 1; a key in capitals may be meant as one in small letters."""
    return max(difflib.SequenceMatcher(None, word, other).ratio() for word in (key, key.lower()))


class Typing:
    """Makes typed records of tables and collects what is wrong with them, each problem with its place."""

    def __init__(self, origin: Callable[[KeyPath], str], from_text: dict[type, Callable[[str], Any]]) -> None:
        """`origin` says where a key stands; `from_text` reads records written as text, or raises ValueError."""
        self.problems: list[str] = []
        self._origin = origin
        self._from_text = from_text

    def problem(self, path: KeyPath, sentence: str) -> None:
        """Note one problem with the value at that key path."""
        self.problems.append(f"{self._origin(path)}: {dotted(path)}: {sentence}")

    def raise_if_any(self) -> None:
        """Raise ConfigurationError with every problem, one a line."""
        if self.problems:
            raise ConfigurationError("\n".join(self.problems))

    def record(self, cls: type[R], table: Any, path: KeyPath) -> R | None:
        """The record of class `cls` that the table describes, or None with problems noted."""
        if not isinstance(table, dict):
            wanted = "text" if cls in self._from_text else "a table"
            self.problem(path, f"must be {wanted}, not {_kind(table)}")
            return None
        fields = {field.encode_name: field for field in msgspec.structs.fields(cls)}
        before, values = len(self.problems), {}
        for key, value in table.items():
            if key in fields:
                values[fields[key].name] = self.value(fields[key].type, value, (*path, key))
            else:
                self.problem((*path, key), f"unknown key; {nearest(key, fields)}")
        for key, field in fields.items():
            if field.required and key not in table:
                self.problem((*path, key), "is missing")
        return cls(**values) if len(self.problems) == before else None

    def value(self, kind: Any, value: Any, path: KeyPath) -> Any:
        """The value as the type `kind`; records, and tables and arrays of records, are walked with their paths."""
        plain = _without_none(kind)
        if isinstance(value, Raw) and value[:1] in ("[", "{") and kind is not str:
            value = _toml_value(value)
        if isinstance(value, str) and plain in self._from_text:
            return self._read_text(plain, str(value), path)
        kind = plain if isinstance(value, dict | list) or _is_record(plain) else kind
        arguments = typing.get_args(kind)
        if _is_record(kind):
            return self.record(kind, value, path)
        if typing.get_origin(kind) is dict and _has_paths(arguments[1]) and isinstance(value, dict):
            return {key: self.value(arguments[1], table, (*path, key)) for key, table in value.items()}
        if typing.get_origin(kind) is tuple and _is_record(arguments[0]) and isinstance(value, list):
            return tuple(self.value(arguments[0], table, (*path, index)) for index, table in enumerate(value))
        return self._leaf(kind, value, path)

    def _read_text(self, cls: type, text: str, path: KeyPath) -> Any:
        try:
            return self._from_text[cls](text)
        except ValueError as error:
            self.problem(path, str(error))
            return None

    def _leaf(self, kind: Any, value: Any, path: KeyPath) -> Any:
        try:
            return _from_text(kind, value) if isinstance(value, Raw) else msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self.problem(path, _sentence(str(error), kind))
            return None


def _from_text(kind: Any, text: Raw) -> Any:
    """A value from the environment: as plain text where that fits, else read as a TOML value."""
    try:
        return msgspec.convert(str(text), kind, strict=False)
    except msgspec.ValidationError:
        return msgspec.convert(_toml_value(text), kind)


def _toml_value(text: Raw) -> Any:
    """What the text means as a value of TOML, or the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _without_none(kind: Any) -> Any:
    """`X` of `X | None`, where X is the only record or container in it."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        rest = [one for one in typing.get_args(kind) if one is not types.NoneType]
        return rest[0] if len(rest) == 1 else kind
    return kind


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _has_paths(kind: Any) -> bool:
    """True if a problem with one value of a table is told with that value's own key."""
    return _is_record(kind) or typing.get_origin(kind) in (Literal, types.UnionType, typing.Union)


def _kind(value: Any) -> str:
    names = {str: "text", Raw: "text", bool: "true or false", int: "a number", float: "a number", list: "an array"}
    return names.get(type(value), type(value).__name__)


def _choices(kind: Any) -> Iterator[Any]:
    """The values of a Literal, or of a union of them."""
    for one in typing.get_args(kind):
        yield from _choices(one) if typing.get_origin(one) is Literal else (one,)


def _sentence(message: str, kind: Any) -> str:
    """A message of msgspec in the words of our users, with the choices where there are few."""
    choices = list(_choices(_without_none(kind))) if "enum value" in message else ()
    text = message.partition(" - at ")[0].replace("`", "")
    return f"{text}; one of {', '.join(map(str, choices))}" if choices else text[:1].lower() + text[1:]
