"""A Bundle decoded in one pass holds what it holds when each resource is looked at by itself."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from cdshooks.ehr.decode import ResourceCollector

STORIES = sorted(Path("fhir_fixtures").glob("*/request.json"))
OF_TOMORROW = {"resource": {"resourceType": "ThingOfTomorrow", "id": "t1"}, "search": {"mode": "outcome"}}
"""An entry that we do not know makes the reader look at each resource by itself."""


def held(bundle):
    collector = ResourceCollector()
    types = collector.add_json(json.dumps(bundle).encode(), query="prefetch")
    return types, collector.finish()


@pytest.mark.parametrize("path", STORIES, ids=lambda it: it.parent.name)
def test_the_same_resources_names_and_gaps(path):
    for sent in (json.loads(path.read_text(encoding="utf-8")).get("prefetch") or {}).values():
        if sent is None or sent["resourceType"] != "Bundle":
            continue
        types, at_once = held(sent)
        no_types, one_by_one = held({**sent, "entry": [*(sent.get("entry") or ()), OF_TOMORROW]})
        assert types == {it["resource"]["resourceType"] for it in sent.get("entry") or ()}
        assert no_types is None
        assert one_by_one.unread == (("ThingOfTomorrow", 1),)
        assert at_once == msgspec.structs.replace(one_by_one, unread=())


@pytest.mark.parametrize(
    ("bundle", "because"),
    [
        ({"type": "searchset", "total": 2, "entry": [{"resource": {"resourceType": "Observation"}}]}, "fewer"),
        ({"type": "searchset", "link": [{"relation": "next", "url": "p2"}], "entry": []}, "further pages"),
        ({"entry": [{"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}}]}, "retrieve"),
    ],
)
def test_the_same_reasons_why_it_is_incomplete(bundle, because):
    bundle = {"resourceType": "Bundle", **bundle}
    _, at_once = held(bundle)
    _, one_by_one = held({**bundle, "entry": [*bundle["entry"], OF_TOMORROW]})
    assert at_once.incomplete == one_by_one.incomplete
    assert because in at_once.incomplete[0].because


def test_one_unreadable_resource_costs_itself_only():
    good = {"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p"}}
    bad = {"resourceType": "Condition", "id": "c2", "stage": "IV"}
    _, found = held({"resourceType": "Bundle", "entry": [{"resource": it} for it in (bad, good)]})
    assert [it.ref for it in found.of("Condition")] == ["Condition/c1"]
    assert [it.resource for it in found.unreadable] == ["Condition/c2"]
