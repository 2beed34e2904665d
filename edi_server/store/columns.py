"""Kinds of columns: instants in UTC, text that every database can hold, records as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import JSON, CheckConstraint, Column, DateTime, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from edi_server.store.states import Lifecycle

_KEPT = 120
#: Three of these fit an index of PostgreSQL, at four bytes a character.
KEY_LENGTH = _KEPT + len("…") + 64


def writable(text: str) -> str:
    """The text as every database can hold it.

    PostgreSQL stores neither NUL nor half a surrogate pair, and a partner may send both: NUL becomes its picture
    (U+2400), the other the replacement character.
    """
    if "\0" in text:
        text = text.replace("\0", "␀")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


def _writable_tree(value: Any) -> Any:
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, dict):
        return {writable(key) if isinstance(key, str) else key: _writable_tree(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_writable_tree(part) for part in value]
    return value


class Instant(TypeDecorator[datetime]):
    """An instant: goes in with any zone, comes out in UTC. A time without zone is refused (ValueError)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In: to UTC; SQLite has no zones, so it gets the bare time."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value.isoformat()} has no time zone; instants are stored in UTC"
            raise ValueError(message)
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 — signature of SQLAlchemy
        """Out: always aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from anywhere (see `writable`)."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 — signature of SQLAlchemy
        """In: what no database can hold is replaced."""
        return None if value is None else writable(value)


class Key(Words):
    """Text from anywhere that is looked up by an index.

    PostgreSQL indexes at most 2,704 bytes of a row, and a partner may send more: what is longer than `KEY_LENGTH` is
    kept as its beginning and the SHA-256 of the whole, so that equal stays equal and different stays different.
    """

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """In: long text is shortened, when stored and when asked for alike."""
        value = super().process_bind_param(value, dialect)
        if value is None or len(value) <= KEY_LENGTH:
            return value
        return f"{value[:_KEPT]}…{sha256(value.encode()).hexdigest()}"


class Structured(TypeDecorator[Any]):
    """A msgspec type as JSON (JSONB on PostgreSQL)."""

    impl = JSON
    cache_ok = True

    def __init__(self, type_: Any) -> None:
        super().__init__(none_as_null=True)
        self.type_ = type_

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSONB where there is such a thing."""
        json = JSONB(none_as_null=True) if dialect.name == "postgresql" else JSON(none_as_null=True)
        return dialect.type_descriptor(json)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 — signature of SQLAlchemy
        """In: to plain lists and dicts."""
        return None if value is None else _writable_tree(msgspec.to_builtins(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 — signature of SQLAlchemy
        """Out: the records again."""
        return None if value is None else msgspec.convert(value, self.type_)


def state(name: str, lifecycle: Lifecycle) -> tuple[Column[str], CheckConstraint]:
    """A column of states with the CHECK that keeps it to them; it may be empty only where it may start so."""
    listed = ", ".join(f"'{word}'" for word in lifecycle.states)
    return (
        Column(name, Words, nullable=None in lifecycle.first),
        CheckConstraint(f"{name} IN ({listed})", name=name),
    )


def one_of(name: str, words: tuple[str, ...], *, nullable: bool = False) -> tuple[Column[str], CheckConstraint]:
    """A column that holds one of these words and never changes."""
    listed = ", ".join(f"'{word}'" for word in words)
    return Column(name, Words, nullable=nullable), CheckConstraint(f"{name} IN ({listed})", name=name)
