"""What a clinician answered to earlier cards for the same patient. Source: ALT-03."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from cdshooks.store.tables import feedback, issued_cards


class PatientResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that counts for one card: of several the one with the latest time that the client gave."""

    topic: str
    fingerprint: str
    outcome: str
    outcome_at: datetime
    reason_code: str | None


_RESPONSES = (
    sa.select(
        feedback.c.card,
        issued_cards.c.topic,
        issued_cards.c.fingerprint,
        feedback.c.outcome,
        feedback.c.outcome_at,
        feedback.c.reason_code,
    )
    .join(issued_cards, issued_cards.c.card == feedback.c.card)
    .where(
        issued_cards.c.client == sa.bindparam("client"),
        issued_cards.c.patient_hash == sa.bindparam("patient_hash"),
        feedback.c.outcome_at >= sa.bindparam("since"),
    )
    .order_by(feedback.c.outcome_at, feedback.c.id)
)
"""Built once, for it stands in the path of every hook call."""


def responses_for_patient(
    connection: sa.Connection, *, client: str, patient_hash: str, since: datetime
) -> tuple[PatientResponse, ...]:
    """The answers given since then to cards for this patient, one a card."""
    asked = {"client": client, "patient_hash": patient_hash, "since": since}
    rows = connection.execute(_RESPONSES, asked).mappings()
    latest = {row["card"]: row for row in rows}
    return tuple(
        PatientResponse(**{it: row[it] for it in PatientResponse.__struct_fields__}) for row in latest.values()
    )
