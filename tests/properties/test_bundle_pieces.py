"""A Bundle that is read in pieces is read as a whole one, wherever the cuts fall. Source: INP-09, terminology 13."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdshooks.deadline import NO_DEADLINE
from cdshooks.ehr import decode
from cdshooks.ehr.at_once import cut, put_together, read_at_once
from cdshooks.ehr.decode import TOO_LARGE, ResourceCollector

FEIGNED = ['},{"fullUrl":"http://x"', ',{"resource":{', '{"entry":[{"fullUrl"', '\\",{"fullUrl', "]}", "\\", "\n"]
"""What could be taken for the place between two entries, inside a text."""
texts = st.lists(st.sampled_from([*FEIGNED, "HER2", "breast cancer", " "]), max_size=6).map("".join)


@st.composite
def resources(draw):
    inside = {"resourceType": "Medication", "id": "m", "code": {"text": draw(texts)}}
    return {
        "resourceType": "MedicationStatement",
        "id": str(draw(st.integers(0, 10**6))),
        "status": "completed",
        "note": [{"text": it} for it in draw(st.lists(texts, max_size=3))],
        # nobody reads these, and both hold what looks like an entry
        "meta": {"tag": [{"fullUrl": "x"}, {"fullUrl": "y"}], "entry": [{"resource": {}}, {"resource": {}}]},
        "contained": [inside] * draw(st.integers(0, 2)),
    }


@st.composite
def bundles(draw):
    entries = [
        {"fullUrl": f"urn:uuid:{number}", "resource": it} if draw(st.booleans()) else {"resource": it}
        for number, it in enumerate(draw(st.lists(resources(), max_size=8)))
    ]
    head = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    link = {"link": [{"relation": "self", "url": "http://x"}, {"relation": "next", "url": "http://y"}]}
    parts = [head, {"entry": entries}, link if draw(st.booleans()) else {}]
    order = draw(st.sampled_from([(0, 1, 2), (0, 2, 1), (1, 0, 2)]))
    bundle = {key: value for at in order for key, value in parts[at].items()}
    indent = draw(st.sampled_from([None, 2, "\t"]))
    return json.dumps(bundle, indent=indent, separators=(",", ":") if draw(st.booleans()) else None).encode()


@given(bundles(), st.integers(100, 1_500))
def test_a_bundle_in_pieces_is_the_bundle(bundle, most):
    ((whole, _),) = read_at_once(bundle, len(bundle), NO_DEADLINE)
    pieces = read_at_once(bundle, most, NO_DEADLINE)
    together = put_together([piece for piece, _ in pieces])
    for member in ("type", "total", "link"):
        assert getattr(together, member) == getattr(whole, member)
    assert (together.entry or ()) == (whole.entry or ())


@given(bundles(), st.integers(100, 1_500))
def test_what_is_not_said_to_be_large_holds_nothing_large(bundle, most):
    for piece, is_large in read_at_once(bundle, most, NO_DEADLINE):
        if not is_large:
            assert all(len(msgspec.json.encode(it.resource)) <= most for it in piece.entry or ())


def bundle_of(*resources, **members):
    entries = [{"fullUrl": f"http://x/{it['resourceType']}/{it['id']}", "resource": it} for it in resources]
    return json.dumps({"resourceType": "Bundle", **members, "entry": entries}).encode()


def statement(name, note="short"):
    return {"resourceType": "MedicationStatement", "id": name, "status": "completed", "note": [{"text": note}]}


def test_a_bundle_of_small_resources_is_cut_and_none_is_weighed(monkeypatch):
    monkeypatch.setattr(decode, "_LARGEST", 2_000)
    weighed = []
    monkeypatch.setattr(ResourceCollector, "_hold_measured", lambda *told: weighed.append(told))
    bundle = bundle_of(*(statement(f"s{it}") for it in range(100)))
    assert len(cut(bundle, 2_000)) > 5
    collector = ResourceCollector()
    collector.add_json(bundle, query="medicationStatements")
    assert not weighed
    assert len(collector.finish().of("MedicationStatement")) == 100


@pytest.mark.parametrize("place", [0, 1, 50, 99, 100])
def test_inp_09_a_large_resource_among_many_is_set_aside_alone(monkeypatch, place):
    """Whatever it holds that looks like the beginning of an entry."""
    monkeypatch.setattr(decode, "_LARGEST", 2_000)
    many = [statement(f"s{it}") for it in range(100)]
    large = statement("large", "long, " * 100 + "".join(FEIGNED) * 20)
    large["contained"] = [{"fullUrl": "http://x/a", "resource": {"resourceType": "Medication"}}] * 20
    collector = ResourceCollector()
    collector.add_json(bundle_of(*many[:place], large, *many[place:]), query="medicationStatements")
    found = collector.finish()
    assert [(it.resource, it.reason) for it in found.unreadable] == [("MedicationStatement/large", TOO_LARGE)]
    assert len(found.of("MedicationStatement")) == 100


def test_a_bundle_in_pieces_is_as_incomplete_as_it_says(monkeypatch):
    monkeypatch.setattr(decode, "_LARGEST", 2_000)
    many = [statement(f"s{it}") for it in range(100)]
    for total, is_whole in ((100, True), (101, False)):
        collector = ResourceCollector()
        collector.add_json(bundle_of(*many, type="searchset", total=total), query="medicationStatements")
        assert (not collector.incomplete) is is_whole
