"""Laws of reading: what must not change the record, and what no reading may invent."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdshooks.ehr.decode import ResourceCollector
from cdshooks.knowledge.load import load_knowledge
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import PatientRecord
from cdshooks.record.observations import ObservationSorter
from cdshooks.record.read import read_patient_record

BOUNDED = settings(max_examples=40, deadline=None)
STORIES = sorted(Path("fhir_fixtures").glob("*/request.json"))
REPORTS = [
    ("Echocardiogram", "2026-11-20", "LVEF 54 % (previously 60 % in 2025). GLS -17 %."),
    ("Echocardiogram", "2026-11-21", "LVEF 54 % by eye, 50 % by Simpson."),
    ("Oncology note", "2026-11-22", "Last LVEF 49 %. HER2 previously positive."),
    ("Pathology report", "2026-11-19", "Known HER2 3+ primary. ER 80 %, PR <1 %. HER2 2+; FISH: ratio 1.2."),
    ("Pathology report", "2026-11-23", "Left breast: HER2 1+. Right breast: HER2 3+."),
    ("Pathology report", "2026-11-24", "HER2 previously positive."),
    ("MRI brain", "2026-11-18", "No new lesions; treated metastasis stable."),
]
DRUGS = [
    ("m", "Omeprazole 20 mg"),
    ("b", "Xylophan"),
    ("a", "Zyxolin"),
    ("c", "THP C3"),
    ("d", "AC-T"),
    ("e", "ondansetron"),
]
BESIDE = (
    *(
        {
            "resourceType": "DiagnosticReport",
            "id": f"told-{at}",
            "status": "final",
            "code": {"text": name},
            "effectiveDateTime": day,
            "conclusion": text,
        }
        for at, (name, day, text) in enumerate(REPORTS)
    ),
    *(
        {
            "resourceType": "MedicationStatement",
            "id": f"drug-{name}",
            "status": "active",
            "medicationCodeableConcept": {"text": text},
            "effectiveDateTime": "2026-11",
        }
        for name, text in DRUGS
    ),
)
"""Reports in words and drugs that nobody knows beside each story, for they must obey the same laws."""
JUNK = st.sampled_from(
    [None, "", "x", "3+", "positive", "2021", "2021-13-45", -1, 0, 3, 1e308, True, [], {}, [None], [{}], {"value": "?"}]
)


@cache
def knowledge():
    return load_knowledge()


@cache
def story_resources(path: Path) -> tuple[dict, ...]:
    found: list[dict] = []

    def walk(node) -> None:
        if isinstance(node, dict):
            if node.get("resourceType") == "Bundle":
                for entry in node.get("entry") or ():
                    walk((entry or {}).get("resource"))
            elif "resourceType" in node:
                found.append(node)

    for value in (json.loads(path.read_text(encoding="utf-8")).get("prefetch") or {}).values():
        walk(value)
    return (*found, *BESIDE)


def record_of(resources) -> PatientRecord:
    collector = ResourceCollector()
    for resource in resources:
        collector.add_json(json.dumps(resource).encode(), query="prefetch")
    return read_patient_record(collector.finish(), knowledge())


@cache
def story_record(path: Path) -> PatientRecord:
    return record_of(story_resources(path))


@BOUNDED
@given(st.data())
def test_order_of_resources_is_irrelevant(data):
    path = data.draw(st.sampled_from(STORIES))
    shuffled = data.draw(st.permutations(story_resources(path)))
    assert record_of(shuffled) == story_record(path)


@BOUNDED
@given(st.data())
def test_a_resource_sent_twice_changes_nothing(data):
    path = data.draw(st.sampled_from(STORIES))
    resources = story_resources(path)
    twin = data.draw(st.sampled_from(resources))
    assert record_of((*resources, twin)) == story_record(path)


@BOUNDED
@given(st.data())
def test_a_twin_entered_in_error_changes_nothing(data):
    path = data.draw(st.sampled_from(STORIES))
    resources = story_resources(path)
    twin = copy.deepcopy(data.draw(st.sampled_from(resources)))
    twin["id"] = "withdrawn-twin"
    if twin["resourceType"] in {"Condition", "AllergyIntolerance"}:
        twin["verificationStatus"] = {"coding": [{"code": "entered-in-error"}]}
    elif twin["resourceType"] in {
        "Observation",
        "DiagnosticReport",
        "Procedure",
        "MedicationRequest",
        "MedicationStatement",
        "MedicationAdministration",
        "MedicationDispense",
        "ServiceRequest",
    }:
        twin["status"] = "entered-in-error"
    else:
        return
    assert record_of((*resources, twin)) == story_record(path)


@BOUNDED
@given(st.data())
def test_unknown_resource_types_and_members_change_nothing(data):
    path = data.draw(st.sampled_from(STORIES))
    resources = [copy.deepcopy(it) for it in story_resources(path)]
    for resource in resources:
        resource["memberOfTomorrow"] = data.draw(JUNK)
    resources.insert(0, {"resourceType": "ThingOfTomorrow", "id": "t1", "status": "final"})
    assert record_of(resources) == story_record(path)


NAMES = [
    "HER2 FISH",
    "ER status",
    "PIK3CA mutation",
    "Karnofsky index",
    "ECOG",
    "Seizures",
    "Patient preference",
    "LVEF",
    "x",
]


@BOUNDED
@given(st.data())
def test_a_reader_misses_nothing_for_being_dealt_only_what_it_can_use(data):
    """Whatever an observation or its components are called, dealing all observations to all readers tells no more."""
    resources = [copy.deepcopy(it) for it in story_resources(data.draw(st.sampled_from(STORIES)))]
    for resource in resources:
        if resource["resourceType"] == "Observation" and data.draw(st.booleans()):
            name = {"code": {"text": data.draw(st.sampled_from(NAMES))}}
            inside = data.draw(st.sampled_from([resource["code"], {"text": "Gene studied"}, {"text": "HER2 score"}]))
            resource.update(
                name if data.draw(st.booleans()) else {"component": [{"code": inside, "valueString": "ESR1"}]}
            )
    dealt = record_of(resources)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ObservationSorter, "sort", lambda self, found: dict.fromkeys(self._readers, found))
        assert record_of(resources) == dealt


def dates_in(value, found):
    if isinstance(value, PartialDate):
        found.append(value)
    elif isinstance(value, tuple):
        for it in value:
            dates_in(it, found)
    elif hasattr(value, "__struct_fields__"):
        for name in value.__struct_fields__:
            dates_in(getattr(value, name), found)
    return found


@pytest.mark.parametrize("path", STORIES, ids=lambda it: it.parent.name)
def test_no_day_is_invented(path):
    """With every date cut to its month, no date of the record is a day."""

    def cut(node, key=""):
        if isinstance(node, dict):
            return {k: cut(v, k) for k, v in node.items()}
        if isinstance(node, list):
            return [cut(it, key) for it in node]
        if isinstance(node, str) and len(node) >= 10 and node[4:5] == "-" and node[7:8] == "-" and node[:4].isdigit():
            return node[:7]
        return node

    cut_resources = [cut(it) for it in story_resources(path)]
    days = [it for it in dates_in(record_of(cut_resources), []) if it.first == it.last]
    written = json.dumps(cut_resources)
    assert [it for it in days if str(it) not in written and not _in_words(it, written)] == []


def _in_words(day: PartialDate, written: str) -> bool:
    first = day.first
    return any(
        it in written
        for it in (f"{first.month}/{first.day}/{first.year}", f"{first.month:02}/{first.day:02}/{first.year}")
    )


def _places(node, path=()):
    yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _places(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _places(value, (*path, index))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_mutated_record_never_raises(data):
    path = data.draw(st.sampled_from(STORIES))
    resources = [copy.deepcopy(it) for it in story_resources(path)]
    for _ in range(6):
        target = data.draw(st.sampled_from(resources))
        place = data.draw(
            st.sampled_from([it for it in _places(target) if it and it[0] != "resourceType"] or [("id",)])
        )
        node = target
        for step in place[:-1]:
            node = node[step]
        node[place[-1]] = copy.deepcopy(data.draw(JUNK))  # a later step may change what is drawn
    record_of(resources)
