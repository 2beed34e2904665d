"""The first tables."""
# ruff: noqa: E501 — written by Alembic from the tables

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The first tables."""
    op.create_table(
        "cases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("partner", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'assigned', 'waiting for partner', 'fixed', 'rejected', 'closed')",
            name=op.f("ck_cases_state"),
        ),
        sa.CheckConstraint(
            "subject_kind IN ('transmission', 'interchange', 'message', 'document')", name=op.f("ck_cases_subject_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("subject_id", "reason", name=op.f("uq_cases_subject_id_reason")),
    )
    op.create_index(op.f("ix_cases_state_id"), "cases", ["state", "id"], unique=False)
    op.create_table(
        "control_numbers",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_control_numbers")),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("workflow_kind", sa.String(), nullable=False),
        sa.Column("workflow_input", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("subject_kind", sa.String(), nullable=True),
        sa.Column("subject_id", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("permanent", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('parked', 'resumed', 'resolved')", name=op.f("ck_dead_letters_state")),
        sa.CheckConstraint(
            "subject_kind IN ('transmission', 'interchange', 'message', 'document')",
            name=op.f("ck_dead_letters_subject_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
        sa.UniqueConstraint("workflow_id", name=op.f("uq_dead_letters_workflow_id")),
    )
    op.create_index(op.f("ix_dead_letters_state_id"), "dead_letters", ["state", "id"], unique=False)
    op.create_index(op.f("ix_dead_letters_subject_id"), "dead_letters", ["subject_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("profile_version", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.CheckConstraint(
            "subject_kind IN ('transmission', 'interchange', 'message', 'document')",
            name=op.f("ck_events_subject_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_subject_id_id"), "events", ["subject_id", "id"], unique=False)
    op.create_table(
        "postings",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("erp", sa.String(), nullable=True),
        sa.Column("erp_record_id", sa.BigInteger(), nullable=True),
        sa.Column("erp_record_name", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('claimed', 'posted', 'released')", name=op.f("ck_postings_state")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_postings")),
    )
    op.create_index(op.f("ix_postings_document_id"), "postings", ["document_id"], unique=False)
    op.create_table(
        "transmissions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("partner", sa.String(), nullable=True),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("transport", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("delivery", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("findings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint(
            "delivery IN ('pending', 'staged', 'sent', 'failed')", name=op.f("ck_transmissions_delivery")
        ),
        sa.CheckConstraint("direction IN ('inbound', 'outbound')", name=op.f("ck_transmissions_direction")),
        sa.CheckConstraint(
            "result IN ('taken', 'duplicate', 'unknown sender', 'unreadable', 'test lane')",
            name=op.f("ck_transmissions_result"),
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["transmissions.id"], name=op.f("fk_transmissions_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transmissions")),
    )
    op.create_index(op.f("ix_transmissions_content_hash"), "transmissions", ["content_hash"], unique=False)
    op.create_index(op.f("ix_transmissions_delivery"), "transmissions", ["delivery"], unique=False)
    op.create_index(op.f("ix_transmissions_direction_result"), "transmissions", ["direction", "result"], unique=False)
    op.create_index(op.f("ix_transmissions_parent_id"), "transmissions", ["parent_id"], unique=False)
    op.create_table(
        "watermarks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("reached", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_watermarks")),
    )
    op.create_table(
        "delivery_attempts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("transmission_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.CheckConstraint("outcome IN ('sent', 'failed')", name=op.f("ck_delivery_attempts_outcome")),
        sa.ForeignKeyConstraint(
            ["transmission_id"], ["transmissions.id"], name=op.f("fk_delivery_attempts_transmission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempts")),
    )
    op.create_index(
        op.f("ix_delivery_attempts_transmission_id_id"), "delivery_attempts", ["transmission_id", "id"], unique=False
    )
    op.create_table(
        "interchanges",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("transmission_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("syntax", sa.String(), nullable=False),
        sa.Column("sender_qualifier", sa.String(), nullable=False),
        sa.Column("sender_id", sa.String(), nullable=False),
        sa.Column("recipient_qualifier", sa.String(), nullable=False),
        sa.Column("recipient_id", sa.String(), nullable=False),
        sa.Column("control_reference", sa.String(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("date", sa.String(), nullable=False),
        sa.Column("time", sa.String(), nullable=False),
        sa.Column("header", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("partner", sa.String(), nullable=True),
        sa.Column("agreement", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("start_offset", sa.BigInteger(), nullable=False),
        sa.Column("end_offset", sa.BigInteger(), nullable=True),
        sa.Column("messages", sa.Integer(), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("acknowledgment", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("findings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "acknowledgment IN ('none', 'waiting', 'accepted', 'accepted with errors', 'partially accepted', 'rejected', 'overdue')",
            name=op.f("ck_interchanges_acknowledgment"),
        ),
        sa.CheckConstraint("direction IN ('inbound', 'outbound')", name=op.f("ck_interchanges_direction")),
        sa.CheckConstraint(
            "result IN ('accepted', 'accepted with errors', 'partially accepted', 'rejected', 'duplicate', 'unknown sender', 'mismatching sender', 'no agreement', 'unreadable', 'test lane')",
            name=op.f("ck_interchanges_result"),
        ),
        sa.ForeignKeyConstraint(
            ["transmission_id"], ["transmissions.id"], name=op.f("fk_interchanges_transmission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interchanges")),
        sa.UniqueConstraint("transmission_id", "number", name=op.f("uq_interchanges_transmission_id_number")),
    )
    op.create_index(
        op.f("ix_interchanges_acknowledgment_due_at"), "interchanges", ["acknowledgment", "due_at"], unique=False
    )
    op.create_index(
        op.f("ix_interchanges_control_reference_sender_id_recipient_id"),
        "interchanges",
        ["control_reference", "sender_id", "recipient_id"],
        unique=False,
    )
    op.create_index(op.f("ix_interchanges_fingerprint"), "interchanges", ["fingerprint"], unique=False)
    op.create_table(
        "messages",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("interchange_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("start_offset", sa.BigInteger(), nullable=False),
        sa.Column("end_offset", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("acknowledgment", sa.String(), nullable=False),
        sa.Column("findings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint(
            "acknowledgment IN ('none', 'waiting', 'accepted', 'accepted with errors', 'partially accepted', 'rejected', 'overdue')",
            name=op.f("ck_messages_acknowledgment"),
        ),
        sa.CheckConstraint(
            "result IN ('accepted', 'accepted with errors', 'rejected', 'no agreement')",
            name=op.f("ck_messages_result"),
        ),
        sa.ForeignKeyConstraint(["interchange_id"], ["interchanges.id"], name=op.f("fk_messages_interchange_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("interchange_id", "number", name=op.f("uq_messages_interchange_id_number")),
    )
    op.create_table(
        "acknowledgments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("transmission_id", sa.String(), nullable=True),
        sa.Column("interchange_id", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("about_interchange_id", sa.String(), nullable=True),
        sa.Column("about_control_reference", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("control_number", sa.String(), nullable=True),
        sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("once", sa.String(), nullable=False),
        sa.CheckConstraint("direction IN ('sent', 'received')", name=op.f("ck_acknowledgments_direction")),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'accepted with errors', 'partially accepted', 'rejected')",
            name=op.f("ck_acknowledgments_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["about_interchange_id"], ["interchanges.id"], name=op.f("fk_acknowledgments_about_interchange_id")
        ),
        sa.ForeignKeyConstraint(
            ["interchange_id"], ["interchanges.id"], name=op.f("fk_acknowledgments_interchange_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_acknowledgments_message_id")),
        sa.ForeignKeyConstraint(
            ["transmission_id"], ["transmissions.id"], name=op.f("fk_acknowledgments_transmission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgments")),
        sa.UniqueConstraint("once", name=op.f("uq_acknowledgments_once")),
    )
    op.create_index(
        op.f("ix_acknowledgments_about_interchange_id"), "acknowledgments", ["about_interchange_id"], unique=False
    )
    op.create_index(op.f("ix_acknowledgments_interchange_id"), "acknowledgments", ["interchange_id"], unique=False)
    op.create_index(op.f("ix_acknowledgments_message_id"), "acknowledgments", ["message_id"], unique=False)
    op.create_index(op.f("ix_acknowledgments_transmission_id"), "acknowledgments", ["transmission_id"], unique=False)
    op.create_table(
        "documents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("transmission_id", sa.String(), nullable=True),
        sa.Column("interchange_id", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("company", sa.String(), nullable=True),
        sa.Column("partner", sa.String(), nullable=True),
        sa.Column("agreement", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("business_key", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=True),
        sa.Column("profile", sa.String(), nullable=True),
        sa.Column("profile_version", sa.String(), nullable=True),
        sa.Column("validation", sa.String(), nullable=False),
        sa.Column("delivery", sa.String(), nullable=False),
        sa.Column("acknowledgment", sa.String(), nullable=False),
        sa.Column("findings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("not_carried", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("erp", sa.String(), nullable=True),
        sa.Column("erp_record_id", sa.BigInteger(), nullable=True),
        sa.Column("erp_record_name", sa.String(), nullable=True),
        sa.Column("superseded_by", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "acknowledgment IN ('none', 'waiting', 'accepted', 'accepted with errors', 'partially accepted', 'rejected', 'overdue')",
            name=op.f("ck_documents_acknowledgment"),
        ),
        sa.CheckConstraint(
            "delivery IN ('pending', 'sent', 'delivered', 'failed')", name=op.f("ck_documents_delivery")
        ),
        sa.CheckConstraint("direction IN ('inbound', 'outbound')", name=op.f("ck_documents_direction")),
        sa.CheckConstraint("validation IN ('processing', 'valid', 'invalid')", name=op.f("ck_documents_validation")),
        sa.ForeignKeyConstraint(["interchange_id"], ["interchanges.id"], name=op.f("fk_documents_interchange_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_documents_message_id")),
        sa.ForeignKeyConstraint(["transmission_id"], ["transmissions.id"], name=op.f("fk_documents_transmission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_business_key"), "documents", ["business_key"], unique=False)
    op.create_index(op.f("ix_documents_delivery_id"), "documents", ["delivery", "id"], unique=False)
    op.create_index(op.f("ix_documents_erp_record_name"), "documents", ["erp_record_name"], unique=False)
    op.create_index(op.f("ix_documents_erp_reference"), "documents", ["erp", "reference"], unique=False)
    op.create_index(op.f("ix_documents_interchange_id"), "documents", ["interchange_id"], unique=False)
    op.create_index(op.f("ix_documents_message_id"), "documents", ["message_id"], unique=False)
    op.create_index(op.f("ix_documents_number"), "documents", ["number"], unique=False)
    op.create_index(op.f("ix_documents_partner_id"), "documents", ["partner", "id"], unique=False)
    op.create_index(op.f("ix_documents_transmission_id"), "documents", ["transmission_id"], unique=False)
    op.create_index(op.f("ix_documents_validation_id"), "documents", ["validation", "id"], unique=False)
