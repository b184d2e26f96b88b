"""Whatever a FHIR server does, the call ends in time and the failure is told; nothing that is missing passes for nothing there.

Each fault befalls one type; the rest of the patient is fetched as it should be. Source: OUT-03 to OUT-10, REL-02, REL-03, PID-01.
"""

import time
import urllib.request
from urllib.parse import unquote

import pytest

from cdshooks.hooks.services import PREFETCH
from tests.fetching.conftest import DELAYING, SHORT_DEADLINE_MS, TOKEN
from tests.fetching.misbehaving import (
    FAULTS_OF_OWNERS,
    FAULTS_THAT_LEAVE_A_PART,
    FAULTS_THAT_LEAVE_NOTHING,
    FAULTS_THAT_MEND,
)

ENDS_WITHIN_SECONDS = SHORT_DEADLINE_MS / 1000 + 5
"""Room for a slow machine; every fault that delays would take ten seconds or more."""
BROKEN = [*FAULTS_THAT_LEAVE_NOTHING, *FAULTS_THAT_LEAVE_A_PART, "no-owner"]


def test_without_prefetch_all_is_fetched_and_the_cards_are_the_same(client, ask, story, misbehaving):
    sent = client.post("/cds-services/her2-later-line", json=story).get_json()["cards"]
    fetched = ask(misbehaving.base("none", "None")).get_json()["cards"]
    assert sent
    assert [(it["summary"], it["detail"]) for it in fetched] == [(it["summary"], it["detail"]) for it in sent]


@pytest.mark.parametrize("fault", BROKEN)
def test_out_07_a_required_query_that_fails_is_412_and_in_time(ask, misbehaving, fault):
    began = time.monotonic()
    answer = ask(misbehaving.base(fault, "Condition"))
    assert fault not in DELAYING or time.monotonic() - began < ENDS_WITHIN_SECONDS
    assert answer.status_code == 412, answer.get_data(as_text=True)
    issue = answer.get_json()["issue"][0]
    assert issue["expression"] == ["$.prefetch.conditions"]
    assert ("FHIR server" in issue["diagnostics"]) != (fault == "no-owner")
    assert "script" not in issue["diagnostics"]


@pytest.mark.parametrize("fault", BROKEN)
def test_out_07_a_query_for_treatment_that_fails_leaves_no_count_of_lines(ask, misbehaving, fault):
    began = time.monotonic()
    answer = ask(misbehaving.base(fault, "MedicationRequest"))
    assert fault not in DELAYING or time.monotonic() - began < ENDS_WITHIN_SECONDS
    (card,) = answer.get_json()["cards"]
    assert "incomplete" in card["summary"]
    assert "medicationRequests" in card["detail"]
    assert "suggestions" not in card


@pytest.mark.parametrize("fault", [it for it in BROKEN if it != "no-owner"])
def test_rel_03_an_optional_query_that_fails_is_named_on_each_card(ask, misbehaving, fault):
    cards = ask(misbehaving.base(fault, "Procedure")).get_json()["cards"]
    assert cards
    assert all("**Not seen:** procedures." in it["detail"] for it in cards)


@pytest.mark.parametrize("fault", FAULTS_THAT_MEND)
@pytest.mark.parametrize("kind", ["Condition", "MedicationRequest"])
def test_out_10_what_passes_is_tried_once_more(ask, misbehaving, fault, kind):
    assert ask(misbehaving.base(fault, kind)).get_json()["cards"][0]["suggestions"]


OTHERS = [
    (fault, kind)
    for fault in FAULTS_OF_OWNERS
    for kind in ("Patient", "Condition", "MedicationRequest", "Procedure")
    if (fault, kind) != ("mixed-patients", "Patient")  # a read has one patient
]


@pytest.mark.parametrize(("fault", "kind"), OTHERS)
def test_pid_01_another_patients_resource_is_never_used(ask, misbehaving, fault, kind):
    answer = ask(misbehaving.base(fault, kind))
    assert answer.status_code == 400
    assert answer.get_json()["issue"][0]["expression"] == ["$.fhirServer"]
    assert "MARKER" not in answer.get_data(as_text=True)


def test_out_03_nobody_is_sent_elsewhere_and_no_token_goes_there(ask, misbehaving):
    before = len(misbehaving.seen())
    for fault in ("redirect-elsewhere", "redirect-here", "next-elsewhere", "next-above"):
        ask(misbehaving.base(fault, "Condition"))
    seen = misbehaving.seen()[before:]
    assert [it for it in seen if it["path"].startswith("/elsewhere")] == []
    redirected = [it for it in seen if it["path"].startswith("/redirect-here~Condition/fhir/Condition")]
    assert len(redirected) == 1
    assert all(it["authorization"] for it in seen)


def test_obs_03_the_trace_goes_on_to_the_fhir_server(client, story, misbehaving):
    del story["prefetch"]["procedures"]
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    story["fhirServer"] = misbehaving.base("none", "Trace")
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    assert client.post("/cds-services/her2-later-line", json=story, headers=headers).status_code == 200
    (asked,) = (it for it in misbehaving.seen() if it["path"].startswith("/none~Trace"))
    assert asked["traceparent"].split("-")[1] == trace
    assert not asked["authorization"]


@pytest.mark.parametrize("key", [*PREFETCH])
def test_p_13_just_what_was_not_sent_is_fetched_as_its_template_says(client, story, misbehaving, key):
    """Prefetch that is present is not prefetch that is complete."""
    story["fhirServer"] = misbehaving.base("none", f"Only-{key}")
    story["prefetch"] = {name: story["prefetch"].get(name) for name in PREFETCH if name != key}
    assert client.post("/cds-services/her2-later-line", json=story).status_code == 200
    here = f"/none~Only-{key}/fhir/"
    asked = {it["path"].removeprefix(here) for it in misbehaving.seen() if it["path"].startswith(here)}
    template = PREFETCH[key].replace("{{context.patientId}}", story["context"]["patientId"])
    (first,) = {unquote(it).partition("&_count")[0] for it in asked}
    assert first == template


def test_out_09_only_what_is_published_is_asked_for(ask, misbehaving):
    ask(misbehaving.base("none", "Published"))
    kinds = {it["path"].removeprefix("/none~Published/fhir/") for it in misbehaving.seen() if "Published" in it["path"]}
    assert {it.partition("?")[0].partition("/")[0] for it in kinds} == {
        "Patient", "Condition", "Observation", "MedicationRequest", "MedicationAdministration", "MedicationStatement",
        "Procedure", "DiagnosticReport", "AllergyIntolerance", "AdverseEvent",
    }  # fmt: skip
    assert not any("$" in it or "*" in it or "_revinclude" in it for it in kinds)


@pytest.mark.parametrize("key", ["conditions", "procedures"])
def test_p_8_null_says_that_there_is_nothing_and_an_outcome_that_it_would_fail_again(client, story, misbehaving, key):
    for value in (None, {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}):
        story["prefetch"][key] = value
        story["fhirServer"] = misbehaving.base("none", "Untouched")
        client.post("/cds-services/her2-later-line", json=story)
    assert not any("/none~Untouched" in it["path"] for it in misbehaving.seen())


def test_rel_02_nothing_is_asked_after_the_answer(ask, misbehaving):
    ask(misbehaving.base("slow", "Condition"))
    ended = time.time()
    time.sleep(0.5)
    assert [it for it in misbehaving.seen() if "/slow~Condition" in it["path"] and it["at"] > ended] == []


def test_out_10_a_server_that_fails_is_left_alone_for_a_moment_and_the_metric_tells(client, ask, misbehaving):
    base = misbehaving.base("status-500", "Condition").replace("~Condition", "~*")
    ask(base)
    before = len(misbehaving.seen())
    answer = ask(base)
    assert answer.status_code == 412
    assert "not asked for a moment" in answer.get_json()["issue"][0]["diagnostics"]
    assert len(misbehaving.seen()) == before
    assert f'fhir_circuit_state{{base="{base}"}} 1.0' in client.get("/metrics").get_data(as_text=True)


def test_out_08_neither_token_nor_patient_is_written_anywhere(client, ask, misbehaving, story, capfd, caplog, state):
    """The libraries' own log is read too, down to what only a debugger would switch on."""
    patient = story["context"]["patientId"]
    with caplog.at_level("DEBUG"):
        for fault in ("none", "status-401", "not-json", "reset", "redirect-elsewhere", "other-patient", "no-owner"):
            answer = ask(misbehaving.base(fault, "Condition"))
            assert TOKEN not in answer.get_data(as_text=True)
    metrics = client.get("/metrics").get_data(as_text=True)
    assert 'fhir_client_request_duration_seconds_count{query="conditions",status="401"}' in metrics
    told = capfd.readouterr()
    written = told.out + told.err + caplog.text + metrics
    assert "fhir-lacking" in written
    assert [it for it in (TOKEN, patient, "MARKER", "trastuzumab") if it in written] == []
    assert not any(TOKEN.encode() in it.read_bytes() for it in state.rglob("*") if it.is_file())


def test_out_04_the_environment_says_nothing_of_where_and_with_what_to_ask(ask, misbehaving, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password stolen\n")
    with monkeypatch.context() as environment:
        environment.setenv("NETRC", str(netrc))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            environment.setenv(name, "http://127.0.0.1:9")
        with pytest.raises(OSError, match="refused"):  # what a client that heeds the environment comes to
            urllib.request.build_opener().open(misbehaving.origin, timeout=5)
        answer = ask(misbehaving.base("none", "Environment"))
    assert answer.get_json()["cards"][0]["suggestions"]
    assert all(it["bearer"] == f"Bearer {TOKEN}"[:14] for it in misbehaving.seen() if "/none~Environment" in it["path"])
