"""Whatever is broken in a patient's resources, no exception leaves the reader, and what it gives is a record."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cdshooks.ehr.decode import ResourceCollector
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.model import PatientRecord
from cdshooks.record.read import read_patient_record

QUICK = settings(max_examples=25, deadline=None)
STORIES = sorted((Path(__file__).parents[2] / "fhir_fixtures").glob("*/request.json"))
ODD_DATES = (
    "0000-00-00",
    "2023-02-30",
    "20230201",
    "2023-2-1",
    "9999-12-31",
    "2023-01-01T25:00:00Z",
    "YYYY-MM-DD",
    "T",
)
HUGE = ("x" * 100_000, "9" * 400, "\u0000\ud7ff\U0001f600" * 500, "trastuzumab " * 5_000, "not " * 10_000)
TYPES = ("Observation", "Condition", "MedicationRequest", "Procedure", "DiagnosticReport", "AdverseEvent", "Patient")


@cache
def knowledge():
    return load_knowledge()


@cache
def resources_of(path: Path) -> tuple[dict, ...]:
    found: list[dict] = []
    waiting = list((json.loads(path.read_text(encoding="utf-8")).get("prefetch") or {}).values())
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict) and node.get("resourceType") == "Bundle":
            waiting.extend((entry or {}).get("resource") for entry in node.get("entry") or ())
        elif isinstance(node, dict):
            found.append(node)
    return tuple(found)


def places(node, path=()):
    """Every place inside a resource."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(10**20), max_value=10**20),
    st.sampled_from([1e308, -1e308, 0.0, 1e-300]),
    st.sampled_from([*ODD_DATES, *HUGE, "", " ", "#", "Patient/", "urn:uuid:"]),
    st.sampled_from([[], {}, [None], [[]], [{}], {"coding": None}, {"coding": [{"code": 1}]}, {"value": {"value": 1}}]),
)


@st.composite
def broken(draw, resource):
    """A resource with up to four faults: a member deleted, replaced, nested, doubled, or the type swapped."""
    made = copy.deepcopy(resource)
    for _ in range(draw(st.integers(min_value=1, max_value=4))):
        where = draw(st.sampled_from(sorted(places(made), key=str)))
        holder = made
        for step in where[:-1]:
            holder = holder[step]
        key = where[-1]
        fault = draw(st.sampled_from(["delete", "replace", "nest", "wrap", "double", "swap"]))
        if fault == "delete":
            del holder[key]
        elif fault == "replace":
            holder[key] = draw(VALUES)
        elif fault == "nest":
            holder[key] = {"value": [holder[key]] * 3}
        elif fault == "wrap":
            holder[key] = [holder[key]]
        elif fault == "double" and isinstance(holder[key], list):
            holder[key] = holder[key] * 40
        else:
            made["resourceType"] = draw(st.sampled_from(TYPES))
        if not made:
            break
    return made


@QUICK
@given(st.data())
def test_no_exception_leaves_the_reader(data):
    resources = list(resources_of(data.draw(st.sampled_from(STORIES))))
    for _ in range(data.draw(st.integers(min_value=1, max_value=5))):
        at = data.draw(st.integers(min_value=0, max_value=len(resources) - 1))
        resources[at] = data.draw(broken(resources[at]))
    collector = ResourceCollector()
    for resource in resources:
        collector.add_json(json.dumps(resource).encode(), query="prefetch")
    assert isinstance(read_patient_record(collector.finish(), knowledge()), PatientRecord)
