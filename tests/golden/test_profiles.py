"""What one patient's cards look like to each kind of EHR, when it asks in its own way.

Each file under `profiles/` holds one story as four clients get it: what a profile decides, and no more. The orders come in
the client's own shape, so that the same drug is recognised in each. After a change that is meant to alter them:
`UPDATE_GOLDEN=1 pytest tests/golden/test_profiles.py`, then read the difference as that EHR's user would.
"""

from __future__ import annotations

import copy
import json
import os
from datetime import date
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from cdshooks.app import build_app
from cdshooks.knowledge.load import load_knowledge
from cdshooks.settings import Settings

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).parent / "profiles"
SCHEMA = json.loads((ROOT / "cdshooks/hooks/schemas/response.json").read_text(encoding="utf-8"))
STORIES = [
    "after-thp-tdxd-tucatinib-active-brain-metastases",
    "dpd-deficiency-and-capecitabine-ordered",
    "dpyd-unknown-before-the-first-capecitabine",
    "everything-proven-has-been-used",
    "patient-view-after-three-lines",
]
SERVICES = {
    "order-select": "her2-later-line",
    "order-sign": "her2-later-line-sign",
    "patient-view": "her2-later-line-view",
}


def drafts(request):
    return [it["resource"] for it in request["context"].get("draftOrders", {}).get("entry", [])]


def as_epic(request):
    """V-4, V-5: the drug is a Medication beside the orders, references are absolute, a category is an object."""
    server = request.setdefault("fhirServer", "https://ehr.example.org/api/FHIR/R4")
    medications = []
    for order in drafts(request):
        concept = order.pop("medicationCodeableConcept", None)
        if concept is None:
            continue
        name = f"medication-of-{order['id']}"
        medications.append({"resource": {"resourceType": "Medication", "id": name, "code": concept}})
        order["medicationReference"] = {"reference": f"{server}/Medication/{name}", "display": "drug"}
        order["subject"] = {"reference": f"{server}/{order['subject']['reference']}"}
        order["category"] = {"text": "outpatient"}
    request["context"].get("draftOrders", {}).get("entry", []).extend(medications)


def as_oracle_health(request):
    """V-14 speaks of no orders; Millennium writes the drug into the order as a contained Medication."""
    for order in drafts(request):
        concept = order.pop("medicationCodeableConcept", None)
        if concept is not None:
            order["contained"] = [{"resourceType": "Medication", "id": "m", "code": concept}]
            order["medicationReference"] = {"reference": "#m"}


def as_sandbox(request):
    """B-5, B-7: no encounter, no type of Bundle, no full URL, an object as category."""
    request["context"].pop("encounterId", None)
    request["context"].get("draftOrders", {}).pop("type", None)
    for entry in request["context"].get("draftOrders", {}).get("entry", []):
        entry.pop("fullUrl", None)
        entry["resource"].pop("intent", None)
        entry["resource"]["category"] = {"coding": [{"code": "outpatient"}]}


WAYS = {"standard": lambda _: None, "epic": as_epic, "oracle-health": as_oracle_health, "sandbox": as_sandbox}


@cache
def knowledge():
    return load_knowledge()


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    return {
        name: build_app(
            Settings(
                is_dev=True,
                is_evaluation=True,
                today=date(2026, 11, 24),
                dev_profile=name,
                state_directory=state / name,
            ),
            knowledge(),
        ).test_client()
        for name in WAYS
    }


def answer(client, story, way):
    request = json.loads((ROOT / "fhir_fixtures" / story / "request.json").read_text(encoding="utf-8"))
    asked = copy.deepcopy(request)
    way(asked)
    response = client.post(f"/cds-services/{SERVICES[asked['hook']]}", json=asked)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def told(profile, cards):
    """What the profile decides; the words are pinned in each story's `cards.json`."""
    lines = [f"== {profile}"]
    for card in cards:
        lines.append(f"{card['source']['topic']['code']}: {table_or_text(card['detail'])}")
        links = card.get("links", [])
        lines += [f"  {len(links)} links, {', '.join(sorted({it['type'] for it in links}))}"] if links else []
        if "suggestions" in card:
            lines.append(f"  choose {card['selectionBehavior']}")
        for suggestion in card.get("suggestions", []):
            lines.append(f"  [{suggestion['label']}]" if "NCT" not in suggestion["label"] else "  [Refer for a trial]")
            lines += [f"    {it['type']} {drawn(it)}" for it in suggestion["actions"]]
    return "\n".join([*lines, ""])


def table_or_text(detail):
    shapes = [name for name, sign in (("bold", "**"), ("table", "|---|"), ("HTML entity", "&#")) if sign in detail]
    return f"detail with {', '.join(shapes)}" if shapes else "detail in plain words"


def drawn(action):
    resource, (_, order, of_how_many) = action["resource"], action["description"].partition("Order ")
    codings = resource.get("medicationCodeableConcept", {}).get("coding", [])
    return " ".join(
        [resource["resourceType"], *(f"{it['system']}|{it['code']}" for it in codings), order + of_how_many]
    ).strip()


@pytest.mark.parametrize("story", STORIES)
def test_each_kind_of_ehr_gets_what_it_takes(clients, story):
    got = ""
    for name, way in WAYS.items():
        content = answer(clients[name], story, way)
        jsonschema.Draft202012Validator(SCHEMA).validate(content)
        got += told(name, content["cards"])
    kept = KEPT / f"{story}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        KEPT.mkdir(exist_ok=True)
        kept.write_text(got, encoding="utf-8")
    assert got == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("story", STORIES)
def test_v_7_epic_gets_a_topic_that_it_can_tie_overrides_to(clients, story):
    """Letters and digits, at most a hundred, and the same each time: else the same advice is shown again after an override."""
    for _ in range(2):
        codes = [it["source"]["topic"]["code"] for it in answer(clients["epic"], story, as_epic)["cards"]]
        assert all(it.isascii() and it.isalnum() and len(it) <= 100 for it in codes)
        assert codes == sorted(set(codes), key=codes.index)
        assert codes == [
            "".join(filter(str.isalnum, it["source"]["topic"]["code"]))
            for it in answer(clients["standard"], story, WAYS["standard"])["cards"]
        ]


@pytest.mark.parametrize("story", STORIES)
def test_every_drug_of_an_option_is_drafted_for_every_kind_of_ehr(clients, story):
    """An option whose second drug is lost on the way is another treatment."""
    drugs = {}
    for name, way in WAYS.items():
        cards = answer(clients[name], story, way)["cards"]
        drugs[name] = [
            (card["summary"], action["resource"]["medicationCodeableConcept"]["text"])
            for card in cards
            for suggestion in card.get("suggestions", [])
            for action in suggestion["actions"]
            if action["resource"]["resourceType"] == "MedicationRequest"
        ]
    assert drugs["standard"] == drugs["epic"] == drugs["oracle-health"] == drugs["sandbox"]
