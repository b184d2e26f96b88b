"""Every answer is a valid CDS Hooks response, every draft order valid FHIR R4, for every story."""

import importlib
import json
from pathlib import Path

import jsonschema
import pytest

FIXTURES = Path(__file__).parents[2] / "fhir_fixtures"
SCHEMAS = Path(__file__).parents[2] / "cdshooks" / "hooks" / "schemas"
SERVICES = {
    "order-select": "her2-later-line",
    "order-sign": "her2-later-line-sign",
    "patient-view": "her2-later-line-view",
}
STORIES = sorted(path.parent.name for path in FIXTURES.glob("*/request.json"))


@pytest.fixture(scope="session")
def response_schema():
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / "response.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def discovery_schema():
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / "discovery.json").read_text(encoding="utf-8")))


def test_discovery_is_valid(client, discovery_schema):
    discovery_schema.validate(client.get("/cds-services").get_json())


@pytest.mark.parametrize("story", STORIES)
def test_card_01_every_answer_is_valid_and_every_draft_is_fhir(story, fire, response_schema):
    request = json.loads((FIXTURES / story / "request.json").read_text(encoding="utf-8"))
    answer = fire(request, SERVICES[request["hook"]])
    assert answer.status_code == 200
    content = answer.get_json()
    response_schema.validate(content)
    for card in content["cards"]:
        assert card["summary"].startswith("NOT FOR CLINICAL USE")
        for suggestion in card.get("suggestions", []):
            for action in suggestion["actions"]:
                resource = action["resource"]
                module = importlib.import_module(f"fhir.resources.R4B.{resource['resourceType'].lower()}")
                getattr(module, resource["resourceType"]).model_validate(resource)
                assert resource["status"] == "draft"
                assert resource["subject"] == {"reference": f"Patient/{request['context']['patientId']}"}


def test_rel_11_the_same_request_gives_the_same_cards(fire, story_request):
    def told(answer):
        return [(it["summary"], it["detail"]) for it in answer.get_json()["cards"]]

    assert told(fire(story_request)) == told(fire(story_request))


def test_order_of_resources_changes_nothing(fire, story_request):
    before = [it["detail"] for it in fire(story_request).get_json()["cards"]]
    for bundle in story_request["prefetch"].values():
        if bundle and bundle.get("entry"):
            bundle["entry"].reverse()
    assert [it["detail"] for it in fire(story_request).get_json()["cards"]] == before


def test_h_6_an_unselected_draft_is_not_reviewed_and_no_draft_is_history(fire, story_request):
    story_request["context"]["selections"] = ["MedicationRequest/none-of-these"]
    assert fire(story_request).get_json() == {"cards": []}


def test_b_23_an_empty_order_and_a_dstu2_order_are_no_errors(fire, story_request):
    for draft in ({"resourceType": "MedicationRequest", "id": "r"}, {"resourceType": "MedicationOrder", "id": "r"}):
        story_request["context"]["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
        story_request["context"]["selections"] = [f"{draft['resourceType']}/r"]
        answer = fire(story_request)
        assert (answer.status_code, answer.get_json()) == (200, {"cards": []})
