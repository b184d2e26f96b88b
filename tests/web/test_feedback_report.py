"""What the report says of cards shown and answered, and what is forgotten when."""

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from cdshooks.cli.main import main
from cdshooks.hooks.feedback import CardFeedback, OverrideReason
from cdshooks.store.audit_events import add_audit_event
from cdshooks.store.engine import open_engine
from cdshooks.store.feedback import keep_feedback
from cdshooks.store.issued_cards import IssuedCard, IssuedSuggestion, remember_cards
from cdshooks.store.store import Store

NOW = datetime.now(UTC)


@pytest.fixture
def store(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.setenv("CDSHOOKS_DATABASE_URL", url)
    return Store(open_engine(url))


@pytest.fixture
def fill(store):
    def show(count, *, accepted=0, overridden=0, topic="topic-a", days_ago=1, reason="patient-refuses", client="dev"):
        shown_at = NOW - timedelta(days=days_ago)
        names = [f"{client}-{topic}-{days_ago}-{it}" for it in range(count)]
        cards = [
            IssuedCard(
                card=it, client=client, service="s", topic=topic, fingerprint="f", patient_hash="p", knowledge_version="2026.11.0",
                knowledge_hash="h", issued_at=shown_at, suggestions=(IssuedSuggestion(suggestion=f"s-{it}", option="option-x"),),
            )
            for it in names
        ]  # fmt: skip
        answers = [
            CardFeedback(path="", card=it, outcome="accepted", outcome_at=shown_at, accepted_suggestions=(f"s-{it}",))
            for it in names[:accepted]
        ] + [
            CardFeedback(
                path="", card=it, outcome="overridden", outcome_at=shown_at, override_reason=OverrideReason(code=reason)
            )
            for it in names[accepted : accepted + overridden]
        ]
        with store.writing() as connection:
            remember_cards(connection, cards)
            keep_feedback(
                connection,
                answers,
                client=client,
                service="s",
                received_at=shown_at,
                comment_key=b"",
                keeps_comments=False,
            )

    return show


def run(*words):
    return CliRunner().invoke(main, ["feedback", *words], catch_exceptions=False)


def counts(by, *words):
    return {it["name"]: it for it in json.loads(run("report", "--format", "json", *words).stdout)[by]}


def test_fbk_06_shown_accepted_overridden_and_unanswered_add_up(fill):
    fill(10, accepted=3, overridden=5)
    fill(4, topic="topic-b", accepted=4)
    topics = counts("topic")
    told = topics["topic-a"]
    assert (told["shown"], told["accepted"], told["overridden"], told["unanswered"]) == (10, 3, 5, 2)
    assert told["acceptance_percent"] == 30.0
    assert topics["topic-b"]["acceptance_percent"] == 100.0
    assert counts("option")["option-x"]["accepted"] == 7
    assert counts("reason")["patient-refuses"]["overridden"] == 5
    assert counts("knowledge")["2026.11.0"]["shown"] == 14


def test_fbk_06_of_several_answers_to_one_card_the_latest_counts(fill, store):
    fill(1, accepted=1)
    later = CardFeedback(path="", card="dev-topic-a-1-0", outcome="overridden", outcome_at=NOW)
    with store.writing() as connection:
        keep_feedback(
            connection, [later], client="dev", service="s", received_at=NOW, comment_key=b"", keeps_comments=False
        )
    assert (counts("topic")["topic-a"]["accepted"], counts("topic")["topic-a"]["overridden"]) == (0, 1)


@pytest.mark.parametrize(
    ("shown", "accepted", "flagged"), [(50, 4, True), (50, 5, False), (49, 0, False), (60, 6, False), (61, 6, True)]
)
def test_alt_05_acceptance_below_a_tenth_of_fifty_or_more_is_flagged(fill, shown, accepted, flagged):
    fill(shown, accepted=accepted)
    assert counts("topic")["topic-a"]["needs_review"] is flagged
    assert ("REVIEW" in run("report").stdout) is flagged


def test_fbk_06_weeks_are_told_apart_and_since_leaves_out_older_cards(fill):
    fill(2, days_ago=1)
    fill(3, days_ago=30)
    assert sorted(it["shown"] for it in counts("week").values()) == [2, 3]
    since = (NOW - timedelta(days=7)).date().isoformat()
    assert counts("topic", "--since", since)["topic-a"]["shown"] == 2


def test_fbk_06_the_same_numbers_stand_in_csv_and_no_reason_is_a_formula(fill):
    fill(4, accepted=1, overridden=2, reason="=1+1")
    rows = {(it["by"], it["name"]): it for it in csv.DictReader(run("report", "--format", "csv").stdout.splitlines())}
    assert rows["topic", "topic-a"]["acceptance_percent"] == "25.0"
    assert rows["reason", "'=1+1"]["overridden"] == "2"


def test_the_text_has_a_bar_for_each_row_and_says_when_there_is_nothing(fill, store):
    assert "No card has been shown" in run("report").stdout
    fill(4, accepted=2)
    line = next(it for it in run("report").stdout.splitlines() if it.startswith("topic-a"))
    assert line.count("█") == line.count("·") == 12
    assert "50 %" in line


def test_log_04_purge_forgets_what_is_older_than_its_days_and_nothing_else(fill, store, monkeypatch):
    monkeypatch.setenv("CDSHOOKS_RETENTION_DAYS", "30")
    monkeypatch.setenv("CDSHOOKS_AUDIT_RETENTION_DAYS", "60")
    fill(2, days_ago=29, accepted=2)
    fill(3, days_ago=31, accepted=3)
    with store.writing() as connection:
        for days in (59, 61):
            add_audit_event(connection, kind="hook", resource=b"{}", recorded_at=NOW - timedelta(days=days))
    assert "would delete" in run("purge", "--dry-run").stdout
    assert counts("topic")["topic-a"]["shown"] == 5
    assert run("purge").stdout == "deleted 3 cards with their answers, 1 audit events, 0 token ids\n"
    assert (counts("topic")["topic-a"]["shown"], counts("topic")["topic-a"]["accepted"]) == (2, 2)


def test_log_04_one_client_can_be_forgotten_altogether(fill):
    fill(2, client="leaves", accepted=1)
    fill(3, client="stays")
    assert run("purge", "--client", "leaves").stdout.startswith("deleted 2 cards")
    assert counts("topic")["topic-a"]["shown"] == 3


def test_obs_01_an_event_that_fits_no_model_is_printed_and_told(store):
    with store.writing() as connection:
        add_audit_event(connection, kind="hook", resource=b'{"resourceType":"AuditEvent"}', recorded_at=NOW)
    exported = CliRunner().invoke(main, ["audit", "export"])
    assert exported.exit_code == 1
    assert exported.stdout == '{"resourceType":"AuditEvent"}\n'
    assert "1 events do not fit" in exported.stderr


def test_a_store_that_cannot_be_reached_is_told_in_plain_words(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CDSHOOKS_DATABASE_URL", f"sqlite:///{tmp_path}/file/store.db")
    told = run("report")
    assert told.exit_code == 1
    assert "CDSHOOKS_DATABASE_URL" in told.stderr
