"""Every resource of the shipped stories is valid FHIR R4, and each story is complete and readable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir.resources.R4B import get_fhir_model_class

FIXTURES = Path(__file__).parents[2] / "fhir_fixtures"
STORIES = sorted(folder for folder in FIXTURES.iterdir() if (folder / "request.json").exists())
HOOKS = {"order-select", "order-sign", "patient-view"}


REQUESTS = [
    pytest.param(json.loads((folder / "request.json").read_text(encoding="utf-8")), id=folder.name)
    for folder in STORIES
]


def entries(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for value in [*request["prefetch"].values(), request["context"].get("draftOrders")]:
        if value is None:
            continue
        if value["resourceType"] == "Bundle":
            yield from (entry["resource"] for entry in value.get("entry", []))
        else:
            yield value


def test_there_are_stories():
    assert len(STORIES) >= 8


@pytest.mark.parametrize("request_body", REQUESTS)
def test_every_resource_is_valid_r4(request_body):
    whole = [value for value in request_body["prefetch"].values() if value is not None]
    for resource in [*whole, request_body["context"].get("draftOrders")]:
        if resource is not None:
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("request_body", REQUESTS)
def test_ids_are_unique_and_all_belong_to_the_patient(request_body):
    patient = request_body["context"]["patientId"]
    seen: set[str] = set()
    for resource in entries(request_body):
        reference = f"{resource['resourceType']}/{resource['id']}"
        assert reference not in seen
        seen.add(reference)
        owner = resource.get("subject", resource.get("patient"))
        if owner is not None:
            assert owner["reference"] == f"Patient/{patient}"
    assert f"Patient/{patient}" in seen


@pytest.mark.parametrize("request_body", REQUESTS)
def test_the_request_is_a_complete_hook_call(request_body):
    assert request_body["hook"] in HOOKS
    assert len(request_body["hookInstance"]) == 36
    context = request_body["context"]
    assert context["userId"].count("/") == 1
    if request_body["hook"] == "patient-view":
        assert "draftOrders" not in context
        return
    drafts = {
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}": entry["resource"]
        for entry in context["draftOrders"]["entry"]
    }
    assert all(draft["status"] == "draft" for draft in drafts.values() if draft["resourceType"] != "Medication")
    if request_body["hook"] == "order-select":
        assert context["selections"]
        assert set(context["selections"]) <= set(drafts)


@pytest.mark.parametrize("folder", STORIES, ids=lambda folder: folder.name)
def test_the_story_says_who_what_and_what_to_expect(folder):
    head, _, body = (folder / "story.md").read_text(encoding="utf-8").removeprefix("---\n").partition("\n---\n")
    front = yaml.safe_load(head)
    assert isinstance(front["as_of"], str)
    assert front["hook"] == json.loads((folder / "request.json").read_text(encoding="utf-8"))["hook"]
    assert front["jurisdiction"] in {"US", "EU", "CN"}
    assert front["expects"]
    assert body.startswith("\n# ")
    assert "## What it shows" in body
    assert "## What a clinician should expect" in body


@pytest.mark.parametrize("request_body", REQUESTS)
def test_nothing_is_dated_after_the_story(request_body):
    """A future date is a trap of real data, but none of these stories sets it."""
    for resource in entries(request_body):
        for member in ("authoredOn", "effectiveDateTime", "performedDateTime", "onsetDateTime", "date", "recordedDate"):
            assert resource.get(member, "")[:10] <= "2026-11-24", (resource["id"], member)
