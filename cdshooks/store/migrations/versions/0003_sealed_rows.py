"""What a card's link opens and what a session holds, sealed: unreadable without what only the browser holds."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "sealed_rows",
        sa.Column("row", sa.String(64), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_sealed_rows"),
    )
    op.create_index("ix_sealed_rows_expires_at", "sealed_rows", ["expires_at"])


def downgrade() -> None:
    op.drop_table("sealed_rows")
