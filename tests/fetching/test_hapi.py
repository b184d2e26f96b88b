"""A real FHIR server, HAPI, loaded as the sandbox's is: what is fetched from it gives the cards that the same prefetch gives.

It answers in pages of its own size, in its own order, with references and ``meta`` written its own way. Source: P-2, P-11, P-13.
"""

import json
import os
import subprocess
import sys
from datetime import date

import httpx
import pytest
import yaml

from tests import hapi_server
from tests.fetching.conftest import ROOT
from tests.fetching.test_same_cards import (
    FORMS,
    NAMES,
    PAGE_SIZE,
    SERVICES,
    STORIES,
    answer,
    resources_sent,
    with_references,
    without_prefetch,
)

pytestmark = [
    pytest.mark.hapi,
    pytest.mark.skipif(bool(hapi_server.missing()) and not os.environ.get("CI"), reason=str(hapi_server.missing())),
]


@pytest.fixture(scope="module")
def hapi(tmp_path_factory):
    """The server with the stories in it, put there by the init job of docker-compose.yml."""
    log = tmp_path_factory.mktemp("hapi") / "log"
    with hapi_server.serving_hapi(log, page_size=PAGE_SIZE) as base:
        load = [sys.executable, "deploy/compose/load_stories.py", base, "fhir_fixtures"]
        done = subprocess.run(load, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == len(NAMES)
        yield base


@pytest.fixture(scope="module")
def asked_of(hapi):
    with httpx.Client(base_url=hapi + "/", timeout=60) as client:

        def ask(query):
            found = client.get(query)
            assert found.status_code == 200, found.text
            return found.json()

        yield ask


@pytest.fixture(scope="module")
def client(client_of):
    return client_of(date(2026, 11, 24), "US")


@pytest.mark.parametrize("name", NAMES)
def test_fetched_from_hapi_is_the_same_as_prefetched(hapi, client_of, name):
    front = yaml.safe_load((STORIES / name / "story.md").read_text("utf-8").split("---\n")[1])
    client = client_of(date.fromisoformat(front["as_of"]), front["jurisdiction"])
    request = json.loads((STORIES / name / "request.json").read_text("utf-8"))
    assert answer(client, without_prefetch(request, hapi)) == answer(client, request)


def test_hapi_pages_although_more_is_asked_for(asked_of, story):
    page = asked_of(f"Observation?patient={story['context']['patientId']}&_count=1000")
    assert len(page["entry"]) == PAGE_SIZE
    assert [it["relation"] for it in page["link"]] == ["self", "next"]


def test_p_11_an_ehr_that_fills_our_templates_from_hapi_sends_first_pages_and_gets_the_same_cards(
    hapi, asked_of, client, story
):
    (service,) = (
        it for it in client.get("/cds-services").get_json()["services"] if it["id"] == SERVICES[story["hook"]]
    )
    patient = story["context"]["patientId"]
    prefetch = {
        key: asked_of(template.replace("{{context.patientId}}", patient))
        for key, template in service["prefetch"].items()
    }
    assert any(link["relation"] == "next" for it in prefetch.values() for link in it.get("link", []))
    assert answer(client, {**without_prefetch(story, hapi), "prefetch": prefetch}) == answer(client, story)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_prefetched", [False, True], ids=["fetched", "prefetched without the drugs"])
def test_hapi_and_every_form_of_a_reference_to_a_drug(hapi, asked_of, client, story, form, is_prefetched):
    # A patient of its own for each: the server keeps what it is given.
    old = story["context"]["patientId"]
    patient = f"{old}-{form}-{'sent' if is_prefetched else 'asked'}"
    story = json.loads(json.dumps(story).replace(old, patient))
    whole = answer(client, story)
    medications = with_references(story, hapi, form)
    put(hapi, [*medications, *resources_sent(story)])
    found = asked_of(f"MedicationRequest?patient={patient}&_include=MedicationRequest:medication")
    included = [it for it in found["entry"] if it["search"]["mode"] == "include"]
    assert bool(included) == (form in {"relative", "versioned", "absolute"})
    request = {**story, "fhirServer": hapi} if is_prefetched else without_prefetch(story, hapi)
    assert answer(client, request) == whole


def test_hapi_finds_no_fault_in_what_cards_draft(hapi):
    """Its validator knows the whole of R4, not its terminologies."""
    drafts = {}
    for name in NAMES:
        for card in json.loads((STORIES / name / "cards.json").read_text("utf-8"))["cards"]:
            for action in (it for suggestion in card.get("suggestions", ()) for it in suggestion["actions"]):
                if "resource" in action:
                    drafts[json.dumps(action["resource"] | {"subject": None, "id": None}, sort_keys=True)] = action[
                        "resource"
                    ]
    assert len(drafts) > 50
    found = {}
    for draft in drafts.values():
        asked = httpx.post(f"{hapi}/{draft['resourceType']}/$validate", json=draft, timeout=120)
        issues = [it["diagnostics"] for it in asked.json()["issue"] if it["severity"] in {"error", "fatal"}]
        found |= {f"{draft['resourceType']}/{draft.get('id')}": issues} if issues else {}
    assert found == {}


def put(base, resources):
    entries = [
        {"resource": it, "request": {"method": "PUT", "url": f"{it['resourceType']}/{it['id']}"}} for it in resources
    ]
    done = httpx.post(base, json={"resourceType": "Bundle", "type": "transaction", "entry": entries}, timeout=60)
    assert done.status_code == 200, done.text
