"""The first tables: cards issued, feedback, token ids seen, audit events, trial records."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_recorded_at", "audit_events", ["recorded_at"])
    op.create_table(
        "heartbeats",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_heartbeats"),
    )
    op.create_table(
        "issued_cards",
        sa.Column("card", sa.String(64), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("service", sa.String(100), nullable=False),
        sa.Column("topic", sa.String(100), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("patient_hash", sa.String(64), nullable=False),
        sa.Column("knowledge_version", sa.String(50), nullable=False),
        sa.Column("knowledge_hash", sa.String(100), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("card", name="pk_issued_cards"),
    )
    op.create_index("ix_issued_cards_client_patient_hash", "issued_cards", ["client", "patient_hash"])
    op.create_index("ix_issued_cards_issued_at", "issued_cards", ["issued_at"])
    op.create_table(
        "seen_tokens",
        sa.Column("issuer", sa.String(500), nullable=False),
        sa.Column("jti", sa.String(256), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "jti", name="pk_seen_tokens"),
    )
    op.create_index("ix_seen_tokens_expires_at", "seen_tokens", ["expires_at"])
    op.create_table(
        "trial_records",
        sa.Column("nct_id", sa.String(11), nullable=False),
        sa.Column("status", sa.String(50), nullable=False),
        sa.Column("status_date", sa.String(10), nullable=True),
        sa.Column("last_update", sa.String(10), nullable=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("eligibility_hash", sa.String(64), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("source", sa.String(500), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_suspended", sa.Boolean(), nullable=False),
        sa.Column("suspended_because", sa.String(500), nullable=True),
        sa.PrimaryKeyConstraint("nct_id", name="pk_trial_records"),
    )
    op.create_table(
        "feedback",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("card", sa.String(64), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_code", sa.String(200), nullable=True),
        sa.Column("reason_system", sa.String(500), nullable=True),
        sa.Column("user_comment", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("comment_hash", sa.String(64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["card"], ["issued_cards.card"], name="fk_feedback_card", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.UniqueConstraint(
            "card",
            "client",
            "outcome",
            "outcome_at",
            "content_hash",
            name="uq_feedback_card_client_outcome_outcome_at_content_hash",
        ),
    )
    op.create_index("ix_feedback_received_at", "feedback", ["received_at"])
    op.create_table(
        "issued_suggestions",
        sa.Column("suggestion", sa.String(64), nullable=False),
        sa.Column("card", sa.String(64), nullable=False),
        sa.Column("option", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["card"], ["issued_cards.card"], name="fk_issued_suggestions_card", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("suggestion", name="pk_issued_suggestions"),
    )
    op.create_index("ix_issued_suggestions_card", "issued_suggestions", ["card"])
    op.create_table(
        "accepted_suggestions",
        sa.Column("feedback", _ROW_ID, nullable=False),
        sa.Column("suggestion", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["feedback"], ["feedback.id"], name="fk_accepted_suggestions_feedback", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("feedback", "suggestion", name="pk_accepted_suggestions"),
    )


def downgrade() -> None:
    op.drop_table("accepted_suggestions")
    op.drop_table("issued_suggestions")
    op.drop_table("feedback")
    op.drop_table("trial_records")
    op.drop_table("seen_tokens")
    op.drop_table("issued_cards")
    op.drop_table("heartbeats")
    op.drop_table("audit_events")
