"""What a clinician's signature and the age of the knowledge change. Source: SAF-04, SAF-05, SAF-06; contracts, CDSHOOKS_EVALUATION."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from cdshooks.app import build_app
from cdshooks.cli.main import main
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.manifest import Freshness
from cdshooks.knowledge.sign import add_signature
from cdshooks.settings import Settings, SettingsError
from tests.option_cases import shipped

STORY = (
    Path(__file__).parents[2] / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
)
DAY = date(2026, 11, 24)
NOT_FOR_USE = "NOT FOR CLINICAL USE"


def signed(overlay: Path, *, on=DAY, until=date(2027, 5, 21)):
    manifest = load_knowledge(overlay).manifest
    add_signature(
        overlay,
        reviewer="Dr A. Example, medical oncology",
        signed=on,
        until=until,
        version=manifest.version,
        content_hash=manifest.content_hash,
    )
    return load_knowledge(overlay)


def service(knowledge, *, today=DAY, **more):
    return build_app(Settings(today=today, is_dev=True, is_evaluation=True, **more), knowledge).test_client()


def cards_of(client, story=STORY):
    answer = client.post("/cds-services/her2-later-line", data=story.read_bytes(), content_type="application/json")
    assert answer.status_code == 200
    return answer.get_json()["cards"]


def test_saf_06_signed_knowledge_speaks_without_the_warning(tmp_path):
    client = service(signed(tmp_path))
    cards = cards_of(client)
    assert cards
    assert NOT_FOR_USE not in json.dumps(cards)
    ready = client.get("/readyz").get_json()
    assert ready["knowledge_signed"] is True
    assert ready["knowledge_signed_by"] == "Dr A. Example, medical oncology"
    assert ready["knowledge_signed_until"] == "2027-05-21"


def test_saf_06_unsigned_knowledge_heads_every_card(loaded_knowledge):
    cards = cards_of(service(loaded_knowledge))
    assert all(it["summary"].startswith(NOT_FOR_USE) and NOT_FOR_USE in it["detail"] for it in cards)


@pytest.mark.parametrize("file", ["sources.yaml", "codes/drug_names.csv"])
def test_saf_04_one_changed_file_and_the_knowledge_is_unsigned_again(tmp_path, file):
    assert signed(tmp_path).manifest.signature(DAY) is not None
    (tmp_path / file).parent.mkdir(exist_ok=True)
    own = 'sources:\n- {id: OWN, cite: own guideline, kind: guideline, read: full, url: "https://example.org/guideline"}\n'
    (tmp_path / file).write_text(own if file.endswith(".yaml") else "name,agent\n", encoding="utf-8")
    assert load_knowledge(tmp_path).manifest.signature(DAY) is None


@pytest.mark.parametrize(
    ("on", "until", "is_signed"),
    [
        (DAY, DAY, True),
        (DAY + timedelta(days=1), DAY + timedelta(days=9), False),
        (DAY - timedelta(days=9), DAY - timedelta(days=1), False),
        (DAY - timedelta(days=9), DAY, True),
    ],
)
def test_saf_06_a_signature_counts_from_its_day_to_its_last(tmp_path, on, until, is_signed):
    assert (signed(tmp_path, on=on, until=until).manifest.signature(DAY) is not None) is is_signed


def test_saf_06_unsigned_knowledge_stops_the_start_unless_for_evaluation(tmp_path, loaded_knowledge):
    def faults(knowledge):
        with pytest.raises(SettingsError) as stopped:
            build_app(Settings(today=DAY, is_dev=False, is_evaluation=False), knowledge)
        return "\n".join(stopped.value.faults)

    assert "CDSHOOKS_EVALUATION" in faults(loaded_knowledge)
    assert "CDSHOOKS_EVALUATION" not in faults(signed(tmp_path))


def test_saf_06_a_signature_that_ran_out_stops_the_start(tmp_path):
    knowledge = signed(tmp_path, on=DAY - timedelta(days=9), until=DAY - timedelta(days=1))
    with pytest.raises(SettingsError, match="CDSHOOKS_EVALUATION"):
        build_app(Settings(today=DAY), knowledge)


MANIFEST = shipped().manifest


@pytest.mark.parametrize(
    ("day", "freshness"),
    [
        (MANIFEST.due - timedelta(days=1), Freshness.CURRENT),
        (MANIFEST.due, Freshness.DUE),
        (MANIFEST.expires - timedelta(days=1), Freshness.DUE),
        (MANIFEST.expires, Freshness.EXPIRED),
    ],
)
def test_saf_05_knowledge_falls_due_and_expires_on_its_day_and_says_so(loaded_knowledge, day, freshness):
    assert MANIFEST.freshness(day) is freshness
    client = service(loaded_knowledge, today=day)
    cards, ready = cards_of(client), client.get("/readyz")
    assert ready.get_json()["knowledge_state"] == freshness.value
    assert ready.status_code == (503 if freshness is Freshness.EXPIRED else 200)
    told = {Freshness.CURRENT: "", Freshness.DUE: "a review was due on", Freshness.EXPIRED: "expired on"}[freshness]
    assert all(told in card["detail"] for card in cards)
    if freshness is Freshness.CURRENT:
        assert not any("review was due" in it["detail"] or "expired" in it["detail"] for it in cards)


def test_saf_05_expired_knowledge_suggests_no_treatment_on_any_card(loaded_knowledge):
    for story in sorted(STORY.parents[1].glob("*/request.json")):
        service_id = {"order-select": "her2-later-line", "order-sign": "her2-later-line-sign"}.get(
            json.loads(story.read_text(encoding="utf-8"))["hook"], "her2-later-line-view"
        )
        client = service(loaded_knowledge, today=MANIFEST.expires)
        answer = client.post(f"/cds-services/{service_id}", data=story.read_bytes(), content_type="application/json")
        for card in answer.get_json()["cards"]:
            assert "suggestions" not in card
            assert "Options to consider" not in card["detail"]
            assert "judged to fit" not in card["detail"]
            assert "to consider" not in card["summary"]


def test_explain_tells_who_signed_and_how_old_the_knowledge_is(tmp_path):
    signed(tmp_path)
    environment = {"CDSHOOKS_KNOWLEDGE_OVERLAY": str(tmp_path)}
    words = ["explain", "--as-of", "2026-11-24", str(STORY)]
    text = CliRunner().invoke(main, words, env=environment).stdout
    assert "signed by Dr A. Example" in text
    assert NOT_FOR_USE not in text
    told = json.loads(CliRunner().invoke(main, [*words, "--format", "json"], env=environment).stdout)["knowledge"]
    assert told["signed"] == {"reviewer": "Dr A. Example, medical oncology", "on": "2026-11-24", "until": "2027-05-21"}
    assert told["freshness"] == "current"


def test_a_signature_is_a_value_not_a_global(tmp_path, loaded_knowledge):
    signed_knowledge = signed(tmp_path)
    assert NOT_FOR_USE not in json.dumps(cards_of(service(signed_knowledge)))
    assert NOT_FOR_USE in json.dumps(cards_of(service(loaded_knowledge)))
    assert msgspec.structs.replace(signed_knowledge.manifest, signatures=()).signature(DAY) is None
