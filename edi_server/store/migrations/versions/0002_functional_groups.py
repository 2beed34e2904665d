"""Functional groups: a 997 names a group, and a message by its number in it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Messages know the group that they are in."""
    op.add_column("messages", sa.Column("group_reference", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "messages", sa.Column("group_header", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
    )
    op.create_index(op.f("ix_messages_group_reference"), "messages", ["group_reference"], unique=False)


def downgrade() -> None:
    """Forget the groups."""
    op.drop_index(op.f("ix_messages_group_reference"), table_name="messages")
    op.drop_column("messages", "group_header")
    op.drop_column("messages", "group_reference")
