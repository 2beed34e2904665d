"""The tables. A column for each field of the record of the same name (a test holds them together)."""

from __future__ import annotations

from typing import Any, get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)

from edi_server.envelope.model import GroupHeader, InterchangeHeader
from edi_server.findings import Finding
from edi_server.store import states
from edi_server.store.columns import Instant, Key, Structured, Words, one_of, state

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", Words, primary_key=True)


def _words(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Words, nullable=nullable)


def _key(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Key, nullable=nullable)


def _of(name: str, target: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Words, ForeignKey(f"{target}.id"), nullable=nullable)


def _at(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)


def _findings() -> Column[Any]:
    return Column("findings", Structured(tuple[Finding, ...]), nullable=False)


transmissions = Table(
    "transmissions",
    METADATA,
    _id(),
    *one_of("direction", get_args(states.Direction)),
    _key("partner", nullable=True),
    _words("mailbox"),
    _words("transport"),
    _words("name"),
    Column("size", BigInteger, nullable=False),
    _key("content_hash"),
    _at("created_at"),
    *state("result", states.TRANSMISSION_RESULT),
    *state("delivery", states.TRANSMISSION_DELIVERY),
    Column("attempts", Integer, nullable=False),
    _of("parent_id", "transmissions", nullable=True),
    _findings(),
    Column("detail", Structured(dict[str, str]), nullable=False),
    _key("proof_hash", nullable=True),
    _at("proven_at", nullable=True),
    Index(None, "direction", "result"),
    Index(None, "delivery"),
    Index(None, "content_hash"),
    Index(None, "parent_id"),
)

interchanges = Table(
    "interchanges",
    METADATA,
    _id(),
    _of("transmission_id", "transmissions"),
    Column("number", Integer, nullable=False),
    *one_of("direction", get_args(states.Direction)),
    _words("syntax"),
    _words("sender_qualifier"),
    _key("sender_id"),
    _words("recipient_qualifier"),
    _key("recipient_id"),
    _key("control_reference"),
    Column("test", Boolean, nullable=False),
    _words("date"),
    _words("time"),
    Column("header", Structured(InterchangeHeader)),
    _key("partner", nullable=True),
    _words("agreement", nullable=True),
    _key("fingerprint", nullable=True),
    Column("start_offset", BigInteger, nullable=False),
    Column("end_offset", BigInteger),
    Column("messages", Integer),
    *state("result", states.INTERCHANGE_RESULT),
    *state("acknowledgment", states.INTERCHANGE_ACKNOWLEDGMENT),
    _at("due_at", nullable=True),
    _findings(),
    _at("created_at"),
    UniqueConstraint("transmission_id", "number"),
    Index(None, "control_reference", "sender_id", "recipient_id"),
    Index(None, "fingerprint"),
    Index(None, "acknowledgment", "due_at"),
)

messages = Table(
    "messages",
    METADATA,
    _id(),
    _of("interchange_id", "interchanges"),
    Column("number", Integer, nullable=False),
    _words("type"),
    _words("version"),
    _key("reference"),
    Column("start_offset", BigInteger, nullable=False),
    Column("end_offset", BigInteger, nullable=False),
    Column("segments", Integer, nullable=False),
    *state("result", states.MESSAGE_RESULT),
    *state("acknowledgment", states.MESSAGE_ACKNOWLEDGMENT),
    _findings(),
    _key("group_reference"),
    Column("group_header", Structured(GroupHeader)),
    UniqueConstraint("interchange_id", "number"),
    # By which a 997 names what we sent.
    Index(None, "group_reference"),
)

documents = Table(
    "documents",
    METADATA,
    _id(),
    *one_of("direction", get_args(states.Direction)),
    _of("transmission_id", "transmissions", nullable=True),
    _of("interchange_id", "interchanges", nullable=True),
    _of("message_id", "messages", nullable=True),
    _words("company", nullable=True),
    _key("partner", nullable=True),
    _words("agreement", nullable=True),
    _words("type"),
    _key("number", nullable=True),
    _key("business_key", nullable=True),
    _key("reference", nullable=True),
    Column("test", Boolean, nullable=False),
    Column("content", LargeBinary),
    _key("content_hash", nullable=True),
    _words("profile", nullable=True),
    _words("profile_version", nullable=True),
    *state("validation", states.DOCUMENT_VALIDATION),
    *state("delivery", states.DOCUMENT_DELIVERY),
    *state("acknowledgment", states.DOCUMENT_ACKNOWLEDGMENT),
    _findings(),
    Column("not_carried", Structured(Any)),
    _key("erp", nullable=True),
    Column("erp_record_id", BigInteger),
    _key("erp_record_name", nullable=True),
    _words("superseded_by", nullable=True),
    _at("created_at"),
    _at("changed_at"),
    Index(None, "transmission_id"),
    Index(None, "interchange_id"),
    Index(None, "message_id"),
    Index(None, "business_key"),
    Index(None, "number"),
    Index(None, "erp", "reference"),
    Index(None, "erp_record_name"),
    Index(None, "partner", "id"),
    Index(None, "validation", "id"),
    Index(None, "delivery", "id"),
)

# No foreign keys: the ledger outlives what it speaks of.
postings = Table(
    "postings",
    METADATA,
    Column("key", Key, primary_key=True),
    _key("document_id"),
    _key("content_hash"),
    *state("state", states.POSTING_STATE),
    _key("erp", nullable=True),
    Column("erp_record_id", BigInteger),
    _key("erp_record_name", nullable=True),
    _at("created_at"),
    _at("changed_at"),
    Index(None, "document_id"),
)

# No foreign keys: the timeline, cases and dead letters speak of rows of several tables.
events = Table(
    "events",
    METADATA,
    _id(),
    _at("at"),
    *one_of("subject_kind", get_args(states.SubjectKind)),
    _key("subject_id"),
    _words("what"),
    _words("result"),
    _words("detail"),
    _words("profile_version", nullable=True),
    _words("actor"),
    Index(None, "subject_id", "id"),
)

acknowledgments = Table(
    "acknowledgments",
    METADATA,
    _id(),
    *one_of("direction", get_args(states.AcknowledgmentDirection)),
    _words("kind"),
    _of("transmission_id", "transmissions", nullable=True),
    _of("interchange_id", "interchanges", nullable=True),
    _of("message_id", "messages", nullable=True),
    _of("about_interchange_id", "interchanges", nullable=True),
    _words("about_control_reference"),
    *one_of("outcome", get_args(states.Outcome)),
    _words("control_number", nullable=True),
    Column("detail", Structured(Any)),
    _at("created_at"),
    # What makes it the same acknowledgment when it is recorded twice.
    _key("once"),
    UniqueConstraint("once"),
    Index(None, "transmission_id"),
    Index(None, "interchange_id"),
    Index(None, "message_id"),
    Index(None, "about_interchange_id"),
)

cases = Table(
    "cases",
    METADATA,
    _id(),
    *one_of("subject_kind", get_args(states.SubjectKind)),
    _key("subject_id"),
    _key("reason"),
    _words("sentence"),
    _key("partner", nullable=True),
    *state("state", states.CASE_STATE),
    _words("assignee", nullable=True),
    _words("note"),
    _at("created_at"),
    _at("closed_at", nullable=True),
    UniqueConstraint("subject_id", "reason"),
    Index(None, "state", "id"),
)

dead_letters = Table(
    "dead_letters",
    METADATA,
    _id(),
    _key("workflow_id"),
    _words("workflow_kind"),
    Column("workflow_input", Structured(Any)),
    *one_of("subject_kind", get_args(states.SubjectKind), nullable=True),
    _key("subject_id", nullable=True),
    _words("error"),
    Column("permanent", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    *state("state", states.DEAD_LETTER_STATE),
    _at("parked_at"),
    _at("resumed_at", nullable=True),
    _at("resolved_at", nullable=True),
    UniqueConstraint("workflow_id"),
    Index(None, "state", "id"),
    Index(None, "subject_id"),
)

delivery_attempts = Table(
    "delivery_attempts",
    METADATA,
    _id(),
    _of("transmission_id", "transmissions"),
    _at("at"),
    *one_of("outcome", get_args(states.AttemptOutcome)),
    _words("detail"),
    Index(None, "transmission_id", "id"),
)

control_numbers = Table(
    "control_numbers",
    METADATA,
    Column("scope", Key, primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("rounds", Integer, nullable=False),
)

watermarks = Table(
    "watermarks",
    METADATA,
    Column("name", Key, primary_key=True),
    _at("reached"),
    _at("changed_at"),
)
