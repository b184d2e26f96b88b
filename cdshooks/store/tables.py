"""The tables of the store. No column holds a name, a date of birth, an identifier or a result of a patient, except sealed.

Source: LOG-04.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcTime(sa.TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so it is put back on reading."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a moment without a zone: it would be another moment on another machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - the signature of SQLAlchemy
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _row_id() -> sa.Column[Any]:
    """A growing number; SQLite counts only in its own INTEGER."""
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)


issued_cards = sa.Table(
    "issued_cards",
    metadata,
    sa.Column("card", sa.String(64), primary_key=True),
    sa.Column("client", sa.String(200), nullable=False),
    sa.Column("service", sa.String(100), nullable=False),
    sa.Column("topic", sa.String(100), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("patient_hash", sa.String(64), nullable=False),
    sa.Column("knowledge_version", sa.String(50), nullable=False),
    sa.Column("knowledge_hash", sa.String(100), nullable=False),
    sa.Column("issued_at", UtcTime, nullable=False, index=True),
    sa.Index(None, "client", "patient_hash"),
)

issued_suggestions = sa.Table(
    "issued_suggestions",
    metadata,
    sa.Column("suggestion", sa.String(64), primary_key=True),
    sa.Column(
        "card", sa.String(64), sa.ForeignKey("issued_cards.card", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("option", sa.String(200), nullable=False),
)

feedback = sa.Table(
    "feedback",
    metadata,
    _row_id(),
    sa.Column("card", sa.String(64), sa.ForeignKey("issued_cards.card", ondelete="CASCADE"), nullable=False),
    sa.Column("client", sa.String(200), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("outcome_at", UtcTime, nullable=False),
    sa.Column("reason_code", sa.String(200)),
    sa.Column("reason_system", sa.String(500)),
    sa.Column("user_comment", sa.Text),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("comment_hash", sa.String(64), nullable=False),
    sa.Column("received_at", UtcTime, nullable=False, index=True),
    # The same answer may arrive several times and is one row; another answer to the same card is another row.
    sa.UniqueConstraint("card", "client", "outcome", "outcome_at", "content_hash"),
)

accepted_suggestions = sa.Table(
    "accepted_suggestions",
    metadata,
    sa.Column(
        "feedback",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        sa.ForeignKey("feedback.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("suggestion", sa.String(64), primary_key=True),
)

seen_tokens = sa.Table(
    "seen_tokens",
    metadata,
    sa.Column("issuer", sa.String(500), primary_key=True),
    sa.Column("jti", sa.String(256), primary_key=True),
    sa.Column("expires_at", UtcTime, nullable=False, index=True),
)

audit_events = sa.Table(
    "audit_events",
    metadata,
    _row_id(),
    sa.Column("recorded_at", UtcTime, nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
)

trial_records = sa.Table(
    "trial_records",
    metadata,
    sa.Column("nct_id", sa.String(11), primary_key=True),
    sa.Column("status", sa.String(50), nullable=False),
    # Dates of the registry stay as precise as the registry wrote them: 2026-11 or 2026-11-03.
    sa.Column("status_date", sa.String(10)),
    sa.Column("last_update", sa.String(10)),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("eligibility_hash", sa.String(64), nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("source", sa.String(500), nullable=False),
    sa.Column("imported_at", UtcTime, nullable=False),
    sa.Column("is_suspended", sa.Boolean, nullable=False),
    sa.Column("suspended_because", sa.String(500)),
    # The eligibility text that a coder and a reviewer have looked at last, whatever the coding says of itself.
    sa.Column("signed_hash", sa.String(64)),
    sa.Column("signed_by", sa.String(500)),
    sa.Column("reviewed_by", sa.String(500)),
    sa.Column("signed_at", UtcTime),
)

# Sealed: neither the store nor the service can read a box without the reference, which only a link or a cookie holds.
sealed_rows = sa.Table(
    "sealed_rows",
    metadata,
    sa.Column("row", sa.String(64), primary_key=True),
    sa.Column("box", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False, index=True),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("beat_at", UtcTime, nullable=False),
)
