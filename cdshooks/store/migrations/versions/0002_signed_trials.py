"""Who has held a trial's coding against the text that the registry gives now."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ADDED = (
    ("signed_hash", sa.String(64)),
    ("signed_by", sa.String(500)),
    ("reviewed_by", sa.String(500)),
    ("signed_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    for name, kind in _ADDED:
        op.add_column("trial_records", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("trial_records") as table:
        for name, _ in _ADDED:
            table.drop_column(name)
