"""Each query of ours to a FHIR server leaves an AuditEvent, whatever came of it and of the call. Source: OBS-01."""

import json

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from cdshooks.ehr.source import Query
from cdshooks.fetching.asked import AskedQueries
from cdshooks.hooks.services import PREFETCH
from cdshooks.store.audit_events import read_audit_events
from cdshooks.store.engine import open_engine
from cdshooks.store.store import Store
from tests.fetching.conftest import TOKEN


@pytest.fixture
def left(state):
    """What a call has added to the audit events, and its own event last."""
    store = Store(open_engine(f"sqlite:///{state}/store.db"))

    def events():
        return [json.loads(it) for it in read_audit_events(store)]

    before = len(events())
    yield lambda: events()[before:]
    store.engine.dispose()


def named(event, system):
    found = [it["what"]["identifier"] for it in event["entity"]]
    return next((it["value"] for it in found if it.get("system") == system), None)


def told(event):
    """Type asked for, requests, and what came of it."""
    thing = next(it for it in event["entity"] if it["what"]["identifier"].get("system", "").endswith("resource-types"))
    key, requests = thing["name"].split(", requests: ")
    return key, thing["what"]["identifier"]["value"], int(requests), event["outcomeDesc"]


def test_obs_01_each_query_is_an_event_that_leads_to_the_call_and_names_the_server(ask, misbehaving, left, story):
    base = misbehaving.base("none", "Audited")
    assert ask(base).status_code == 200
    *queries, call = left()
    assert sorted(told(it)[0] for it in queries) == sorted(PREFETCH)
    assert {told(it)[2:] for it in queries} == {(1, "HTTP 200")}
    for event in queries:
        AuditEvent.model_validate(event)
        assert base in {it["who"].get("identifier", {}).get("value") for it in event["agent"]}
        assert sum(it["requestor"] for it in event["agent"]) == 1
        for same in (None, "urn:cdshooks:patient-hash", "urn:cdshooks:service"):  # None: the request's id has no system
            assert named(event, same) == named(call, same)
            assert named(event, same) is not None
    assert story["context"]["patientId"] not in json.dumps(queries)
    assert TOKEN not in json.dumps(queries)


@pytest.mark.parametrize(
    ("fault", "requests", "outcome", "of_the_call"),
    [
        ("status-403", 1, "HTTP 403", "HTTP 412"),
        ("status-500", 1, "HTTP 500", "HTTP 412"),
        ("flaps", 2, "HTTP 200", "HTTP 200"),
        ("never", 1, "HTTP 504", "HTTP 412"),
        ("not-json", 1, "HTTP 200", "HTTP 412"),  # it was answered, and looked at
        ("other-patient", 1, "HTTP 200", "HTTP 400"),
    ],
)
def test_obs_01_what_came_of_a_query_is_told_although_the_call_fails(
    ask, misbehaving, left, fault, requests, outcome, of_the_call
):
    ask(misbehaving.base(fault, "Condition.audited"))
    *queries, call = left()
    assert [told(it)[1:] for it in queries if told(it)[0] == "conditions"] == [("Condition", requests, outcome)]
    assert call["outcomeDesc"] == of_the_call


def test_obs_01_what_was_sent_along_was_not_asked_for_and_leaves_no_event(client, story, left):
    assert client.post("/cds-services/her2-later-line", json=story).status_code == 200
    assert len(left()) == 1


def test_obs_01_of_several_reads_the_one_that_ended_worst_is_told_and_one_without_an_end_is_unanswered():
    made = AskedQueries()
    drugs = [Query(key="medications", kind="Medication", path=f"Medication/{it}") for it in "abc"]
    for it, status in zip(drugs, (200, 404, 200), strict=True):
        made.end(it, made.begin(it), status)
    assert [(it.requests, it.status) for it in made.all()] == [(3, 404)]
    made.begin(drugs[0])
    assert [(it.requests, it.status) for it in made.all()] == [(4, 0)]
