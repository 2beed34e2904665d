"""Proofs of delivery, what transports know of a transmission, and events and cases about partners."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_OLD = ("transmission", "interchange", "message", "document")
_NEW = (*_OLD, "partner")
_DELIVERY = ("pending", "staged", "sent", "failed")
_DELIVERED = ("pending", "staged", "sent", "delivered", "failed")


def upgrade() -> None:
    """Columns for proofs and details; "delivered"; "partner"."""
    op.add_column("transmissions", sa.Column("detail", _JSON, nullable=False, server_default="{}"))
    op.add_column("transmissions", sa.Column("proof_hash", sa.String(), nullable=True))
    op.add_column("transmissions", sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True))
    _recheck("transmissions", "delivery", _DELIVERED)
    for table in ("events", "cases", "dead_letters"):
        _recheck(table, "subject_kind", _NEW)


def downgrade() -> None:
    """As before; what needs the new words must be gone."""
    _recheck("transmissions", "delivery", _DELIVERY)
    for table in ("events", "cases", "dead_letters"):
        _recheck(table, "subject_kind", _OLD)
    for column in ("detail", "proof_hash", "proven_at"):
        op.drop_column("transmissions", column)


def _recheck(table: str, column: str, words: tuple[str, ...]) -> None:
    """Hold a column to other words than before."""
    name = op.f(f"ck_{table}_{column}")
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(name, type_="check")
        batch.create_check_constraint(name, sa.text(f"{column} IN ({', '.join(map(repr, words))})"))
