"""Whatever way a resource comes, the answer is the same: prefetched, fetched, in pages, beside what refers to it. Source: P-2, PID-05."""

import json
import re
from datetime import date

import pytest
import yaml

from scripts.fhir_server import STORIES, FhirServer, Store, read_files, resources_of, serving
from tests.fetching.conftest import TOKEN

NAMES = sorted(it.parent.name for it in STORIES.glob("*/request.json"))
SERVICES = {
    "order-select": "her2-later-line",
    "order-sign": "her2-later-line-sign",
    "patient-view": "her2-later-line-view",
}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PAGE_SIZE = 7


@pytest.fixture(scope="module")
def fhir():
    store = Store(read_files(sorted(STORIES.glob("*/request.json"))), page_size=PAGE_SIZE)
    with serving(FhirServer(store, token=TOKEN)) as server:
        yield server


@pytest.fixture
def server():
    """One that holds what a test puts into it."""
    with serving(FhirServer(Store([]))) as server:
        yield server


def answer(client, request):
    response = client.post(f"/cds-services/{SERVICES[request['hook']]}", json=request)
    assert response.status_code == 200, response.get_data(as_text=True)
    text = json.dumps(response.get_json(), sort_keys=True)
    names = {uuid: f"uuid-{number}" for number, uuid in enumerate(dict.fromkeys(UUID.findall(text)))}
    return UUID.sub(lambda found: names[found[0]], text)


def without_prefetch(request, base):
    rest = {key: value for key, value in request.items() if key != "prefetch"}
    return {**rest, "fhirServer": base, "fhirAuthorization": {"access_token": TOKEN, "token_type": "Bearer"}}


@pytest.mark.parametrize("name", NAMES)
def test_fetched_in_pages_is_the_same_as_prefetched(fhir, client_of, name):
    front = yaml.safe_load((STORIES / name / "story.md").read_text("utf-8").split("---\n")[1])
    client = client_of(date.fromisoformat(front["as_of"]), front["jurisdiction"])
    request = json.loads((STORIES / name / "request.json").read_text("utf-8"))
    assert answer(client, without_prefetch(request, fhir.base)) == answer(client, request)


@pytest.fixture(scope="module")
def client(client_of):
    return client_of(date(2026, 11, 24), "US")


def test_p_11_where_prefetch_goes_on_the_fhir_server_is_asked_for_the_rest(fhir, client, story):
    whole = answer(client, story)
    kind, patient = "Observation", story["context"]["patientId"]
    first = fhir.store.search(fhir.base, kind, [("patient", patient)])
    assert [it["relation"] for it in first["link"]] == ["self", "next"]
    granted = without_prefetch(story, fhir.base)
    for link in (first["link"], [{"relation": "next", "url": "https://elsewhere.example.org/2"}], []):
        page = {**first, "link": link}  # without a link, the total tells that there is more
        assert answer(client, {**granted, "prefetch": {**story["prefetch"], "observations": page}}) == whole


FORMS = {
    "relative": {"reference": "Medication/{id}"},
    "versioned": {"reference": "Medication/{id}/_history/1"},
    "absolute": {"reference": "{base}/Medication/{id}"},
    "contained": {"reference": "#{id}"},
    "identifier": {"identifier": {"system": "urn:formulary", "value": "{id}"}},
}


def with_references(story, base, form):
    """The story with every drug of an order behind a reference, and the Medications they lead to."""
    medications = []
    for entry in story["prefetch"]["medicationRequests"]["entry"]:
        resource = entry["resource"]
        concept = resource.pop("medicationCodeableConcept", None)
        if concept is None:
            continue
        name = f"drug-{resource['id']}"
        identifier = [{"system": "urn:formulary", "value": name}]
        medications.append({"resourceType": "Medication", "id": name, "code": concept, "identifier": identifier})
        written = json.dumps(FORMS[form]).replace("{id}", name).replace("{base}", base)
        resource["medicationReference"] = json.loads(written)
        if form == "contained":
            resource["contained"] = [medications[-1]]
    return medications if form != "contained" else []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_prefetched", [False, True], ids=["fetched", "prefetched without the drugs"])
def test_every_form_of_a_reference_to_a_drug(client, story, server, form, is_prefetched):
    whole, base = answer(client, story), server.base
    medications = with_references(story, base, form)
    server.store = Store([*resources_sent(story), *medications], page_size=PAGE_SIZE)
    request = {**story, "fhirServer": base} if is_prefetched else without_prefetch(story, base)
    assert answer(client, request) == whole


def resources_sent(request):
    return [it for value in request["prefetch"].values() for it in resources_of(value)]


def test_out_07_a_drug_that_is_only_referred_to_and_cannot_be_looked_up_leaves_no_count_of_lines(client, story, server):
    """Without this, the lines that such drugs make would be missing in silence."""
    with_references(story, server.base, "relative")
    for more in ({}, {"fhirServer": server.base}):
        (card,) = client.post("/cds-services/her2-later-line", json={**story, **more}).get_json()["cards"]
        assert "incomplete" in card["summary"]
        assert "medicationRequests" in card["detail"]
    for entry in story["prefetch"]["medicationRequests"]["entry"]:
        entry["resource"]["medicationReference"]["display"] = "docetaxel"
    cards = client.post("/cds-services/her2-later-line", json=story).get_json()["cards"]
    assert not any("incomplete" in it["summary"] for it in cards)


def test_a_server_that_knows_no_such_search_as_doses_is_as_one_that_was_not_asked_for_them(client, story, server):
    server.store = Store(resources_sent(story), lacking={"MedicationStatement"})
    assert answer(client, without_prefetch(story, server.base))
