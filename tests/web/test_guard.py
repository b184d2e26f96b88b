"""Canaries, kill switches and shadow mode: what is withheld is said, never an empty list of cards. Source: SAF-07, SAF-08, D1."""

from __future__ import annotations

import json
import re
import threading
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from cdshooks.app import build_app
from cdshooks.canaries import check_canaries
from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.canaries import load_canaries
from cdshooks.knowledge.load import without_regimens
from cdshooks.settings import Settings
from cdshooks.web import guard as guards
from cdshooks.web import watch as watching

FIXTURES = Path(__file__).parents[2] / "fhir_fixtures"
DAY = date(2026, 11, 24)
ILD = "tdxd-stopped-for-ild-grade-2"
STORY = "after-thp-tdxd-tucatinib-active-brain-metastases"


@pytest.fixture
def service(loaded_knowledge, tmp_path):
    def build(knowledge=loaded_knowledge, **more):
        settings = Settings(today=DAY, is_dev=True, is_evaluation=True, state_directory=tmp_path, **more)
        return build_app(settings, knowledge).test_client()

    return build


def call(client, story=STORY, service_id="her2-later-line"):
    body = (FIXTURES / story / "request.json").read_bytes()
    return client.post(f"/cds-services/{service_id}", data=body, content_type="application/json")


def topics(answer):
    return [it["source"]["topic"]["code"].removeprefix("her2-later-line-") for it in answer.get_json()["cards"]]


def switched(tmp_path, entry):
    path = tmp_path / "switches.yaml"
    path.write_text(f"switches:\n- {entry}\n", encoding="utf-8")
    return path


def test_saf_07_all_canaries_are_right_as_shipped(loaded_knowledge):
    assert len(loaded_knowledge.canaries) >= 20
    assert check_canaries(loaded_knowledge) == ()


def test_saf_07_each_canary_is_a_shipped_story(loaded_knowledge):
    stories = [json.loads(it.read_bytes()) for it in FIXTURES.glob("*/request.json")]
    assert [it.id for it in loaded_knowledge.canaries if json.loads(it.request) not in stories] == []


CHANGES = [
    ("active-brain-metastases", {"metastatic_lines": 4}, "3 metastatic lines were counted instead of 4"),
    ("two-lines", {"cards": ("options",)}, "the card 'options' is missing"),
    ("active-brain-metastases", {"cards": ()}, "there is a card"),
    ("two-lines", {"excluded": ("tucatinib_trastuzumab_capecitabine",)}, "is offered"),
    ("two-lines", {"offered": ("tdxd",)}, "is not offered"),
    ("two-lines", {"request": b"{"}, "could not be evaluated"),
]


@pytest.mark.parametrize(("id_", "changes", "fault"), CHANGES, ids=[fault for _, _, fault in CHANGES])
def test_saf_07_a_canary_that_comes_out_wrong_withholds_every_card(loaded_knowledge, service, id_, changes, fault):
    wrong = [msgspec.structs.replace(it, **changes) if it.id == id_ else it for it in loaded_knowledge.canaries]
    client = service(msgspec.structs.replace(loaded_knowledge, canaries=tuple(wrong)))
    ready, answer = client.get("/readyz"), call(client)
    assert ready.status_code == 503
    assert any(fault in it for it in ready.get_json()["problems"])
    assert answer.status_code == 503
    assert answer.get_json()["resourceType"] == "OperationOutcome"
    assert client.get("/healthz").status_code == 200


def test_saf_07_a_lost_code_table_or_criterion_is_found(loaded_knowledge):
    codes = msgspec.structs.replace(loaded_knowledge.drugs, by_name={}, by_code={}, by_any_code={})
    assert check_canaries(msgspec.structs.replace(loaded_knowledge, drugs=codes))


def test_saf_07_rounds_are_run_by_a_thread_of_their_own_and_never_by_a_call(loaded_knowledge, monkeypatch):
    slept, again = [], threading.Event()

    def sleep(seconds):
        slept.append(seconds)
        if seconds == watching.EVERY_SECONDS:
            again.wait(5)
            again.clear()

    ran_by = []
    monkeypatch.setattr(watching.time, "sleep", sleep)
    monkeypatch.setattr(watching, "canary_faults", lambda it, _: ran_by.append(threading.current_thread().name) or ())
    watch = watching.CanaryWatch(loaded_knowledge)
    first = len(ran_by)
    assert first == len(loaded_knowledge.canaries)
    for _ in range(20):
        assert watch.problems() == ()
    assert len(ran_by) == first
    monkeypatch.setattr(
        watching, "canary_faults", lambda it, _: ran_by.append(threading.current_thread().name) or ("canary a: wrong",)
    )
    again.set()
    while "canary a: wrong" not in watch.problems():
        pass
    assert set(ran_by[first:]) == {"canaries"}
    assert watching.EVERY_SECONDS == 300
    assert slept[0] == watching.EVERY_SECONDS


def test_saf_07_a_forked_worker_begins_at_once(loaded_knowledge, monkeypatch):
    began = []
    watch = watching.CanaryWatch(loaded_knowledge)
    monkeypatch.setattr(watching.os, "getpid", lambda: -7)
    monkeypatch.setattr(watching, "_rounds", lambda _, wait: began.append(wait))
    watch.problems()
    watch.problems()
    assert began == [0.0]


def test_saf_07_a_worker_that_takes_the_place_of_another_answers_at_once_and_is_late_by_its_own_clock(
    loaded_knowledge, monkeypatch
):
    now = [1000.0]
    watch = watching.CanaryWatch(loaded_knowledge, lambda: now[0])
    now[0] += 86_400
    monkeypatch.setattr(watching.os, "getpid", lambda: -7)
    monkeypatch.setattr(watching, "_rounds", lambda *_: None)
    assert watch.problems() == ()
    now[0] += 901
    assert watch.problems() == ("The canaries have not been run for a quarter of an hour.",)


def test_saf_07_rounds_that_have_stopped_are_a_fault(loaded_knowledge):
    now = [1000.0]
    watch = watching.CanaryWatch(loaded_knowledge, lambda: now[0])
    assert watch.problems() == ()
    now[0] += 901
    assert watch.problems() == ("The canaries have not been run for a quarter of an hour.",)


def test_saf_07_failures_are_counted(loaded_knowledge, service):
    wrong = [msgspec.structs.replace(it, metastatic_lines=7) for it in loaded_knowledge.canaries[:2]]

    def counted(client):
        return float(
            re.search(r"^cds_canary_failures_total (\S+)$", client.get("/metrics").text, re.MULTILINE).group(1)
        )

    before = counted(service())
    assert counted(service(msgspec.structs.replace(loaded_knowledge, canaries=tuple(wrong)))) == before + 2


def test_saf_08_metrics_tell_what_is_switched_off(service, tmp_path):
    client = service(
        switches=switched(tmp_path, '{id: a, regimen: tdm1, reason: "label under review"}'), is_shadow=True
    )
    told = client.get("/metrics").text
    assert 'cds_switched_off{kind="regimen",name="tdm1"} 1.0' in told
    assert "cds_shadow 1.0" in told
    off = service(switches=switched(tmp_path, '{id: a, service: all, reason: "stop"}'))
    call(off)
    assert 'cds_withheld_total{reason="switched_off"}' in off.get("/metrics").text


def test_saf_07_an_overlay_adds_its_own_canary_and_a_missing_file_is_named(tmp_path):
    (tmp_path / "canaries").mkdir()
    (tmp_path / "canaries" / "own.json").write_bytes((FIXTURES / STORY / "request.json").read_bytes())
    entry = '{id: own, proves: "our local codes are read", request: canaries/own.json, hook: order-select, '
    entry += 'as_of: "2026-11-24", jurisdiction: US, metastatic_lines: 3, excluded: [], cards: [options]}'
    (tmp_path / "canaries.yaml").write_text(f"canaries:\n- {entry}\n", encoding="utf-8")
    assert "own" in {it.id for it in load_canaries(tmp_path)}
    (tmp_path / "canaries" / "own.json").unlink()
    with pytest.raises(KnowledgeError, match=r"there is no file canaries/own\.json"):
        load_canaries(tmp_path)


@pytest.mark.parametrize("name", ["her2-later-line", "all"])
def test_saf_08_a_service_that_is_off_answers_503_with_its_reason(service, tmp_path, name):
    client = service(switches=switched(tmp_path, f'{{id: a, service: {name}, reason: "incident 12"}}'))
    answer = call(client)
    assert answer.status_code == 503
    assert "incident 12" in answer.get_json()["issue"][0]["diagnostics"]
    assert client.get("/readyz").get_json()["switched_off"] == [f"service {name} is switched off: incident 12"]
    other = call(client, "patient-view-after-three-lines", "her2-later-line-view")
    assert other.status_code == (503 if name == "all" else 200)


def test_saf_08_a_topic_that_is_off_is_replaced_by_a_card_that_says_so(service, tmp_path):
    client = service(switches=switched(tmp_path, '{id: a, topic: options, reason: "under review"}'))
    answer = call(client)
    assert "options" not in topics(answer)
    assert topics(answer)[-1] == "withheld"
    notice = answer.get_json()["cards"][-1]
    assert notice["summary"].startswith("NOT FOR CLINICAL USE: Switched off by this hospital")
    assert "under review" in notice["detail"]
    assert topics(call(client, "two-lines-only-and-a-fitting-third")) == []


def test_saf_08_a_regimen_that_is_off_is_never_offered_and_an_order_of_it_is_still_checked(service, tmp_path):
    client = service(switches=switched(tmp_path, '{id: a, regimen: tdm1, reason: "label under review"}'))
    cards = call(client).get_json()["cards"]
    labels = [it["label"] for card in cards for it in card.get("suggestions", [])]
    assert not any("emtansine" in it for it in labels)
    assert "Switched off by this hospital" in cards[0]["detail"]
    again = call(client, "tdm1-ordered-again-after-progression-on-it")
    assert "review" in topics(again)


def test_saf_08_a_switch_works_without_a_restart_and_is_taken_back_alike(service, tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(guards.time, "monotonic", lambda: now[0])
    path = tmp_path / "switches.yaml"
    client = service(switches=path)
    assert call(client).status_code == 200
    switched(tmp_path, '{id: a, service: all, reason: "stop"}')
    now[0] += 1
    assert call(client).status_code == 503
    path.unlink()
    now[0] += 1
    assert call(client).status_code == 200


FAULTS = [
    ('{id: a, regimen: tdm2, reason: "no such"}', "there is no regimen 'tdm2' to switch off"),
    ('{id: a, topic: optoins, reason: "slip of the pen"}', "'optoins' is none of"),
    ("{id: a, topic: options}", "'reason' is missing"),
]


@pytest.mark.parametrize(("entry", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_saf_08_a_faulty_file_of_switches_withholds_everything(service, tmp_path, entry, fault):
    client = service(switches=switched(tmp_path, entry))
    assert any(fault in it for it in client.get("/readyz").get_json()["problems"])
    assert call(client).status_code == 503


def test_saf_08_switches_do_not_touch_the_signed_content(loaded_knowledge):
    off = without_regimens(loaded_knowledge, {"tdm1": "x"})
    assert off.manifest == loaded_knowledge.manifest
    assert loaded_knowledge.regimens["tdm1"].switched_off is None


def test_saf_08_shadow_mode_evaluates_and_shows_no_card_and_says_so(service, caplog):
    client = service(is_shadow=True)
    with caplog.at_level("INFO"):
        answer = call(client)
    assert answer.get_json() == {"cards": []}
    assert answer.headers["CDSHooks-Mode"].startswith("shadow")
    assert "shadowed" in caplog.text
    assert client.get("/readyz").get_json()["shadow"] is True


def test_saf_08_outside_shadow_mode_no_answer_claims_it(service):
    assert "CDSHooks-Mode" not in call(service()).headers


@pytest.mark.parametrize(("days", "is_ready"), [(-2, False), (-1, True), (0, True)])
def test_saf_05_a_clock_that_stands_before_the_review_is_not_trusted(loaded_knowledge, days, is_ready):
    day = loaded_knowledge.manifest.reviewed + timedelta(days=days)
    guard = guards.Guard(loaded_knowledge, Settings(), lambda: day)
    assert (guard.problems() == ()) is is_ready
