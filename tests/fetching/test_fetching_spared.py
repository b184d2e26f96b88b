"""Nobody is asked for a record on which nothing would rest: an order that is not for cancer gets no card whatever is in it.

Source: OUT-09 (the least that is necessary), REL-01.
"""

import pytest

from tests.fetching.conftest import TOKEN

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PARACETAMOL = {"coding": [{"system": RXNORM, "code": "161", "display": "acetaminophen"}]}
CAPECITABINE = {"text": "capecitabine 500 MG Oral Tablet"}
SERVICES = {"order-select": "her2-later-line", "order-sign": "her2-later-line-sign"}


def order(name, **drug):
    return {"resource": {"resourceType": "MedicationRequest", "id": name, "status": "draft", "intent": "order", **drug}}


def coded(name, concept):
    return order(name, medicationCodeableConcept=concept)


ORDERS = [
    ("a pain killer", [coded("a", PARACETAMOL)], {}, False),
    ("a drug for cancer", [coded("a", CAPECITABINE)], {}, True),
    ("one of each, the pain killer selected", [coded("a", PARACETAMOL), coded("b", CAPECITABINE)], {}, False),
    ("one of each, both selected", [coded("a", PARACETAMOL), coded("b", CAPECITABINE)], {"also": "b"}, True),
    ("a drug that has to be looked up", [order("a", medicationReference={"reference": "Medication/x"})], {}, True),
    (
        "a drug that has to be looked up, with words that say little",
        [order("a", medicationReference={"reference": "Medication/x", "display": "see protocol"})],
        {},
        True,
    ),
    (
        "a drug that lies inside the order",
        [
            order(
                "a",
                medicationReference={"reference": "#m"},
                contained=[{"resourceType": "Medication", "id": "m", "code": PARACETAMOL}],
            )
        ],
        {},
        False,
    ),
    ("nothing for a drug", [order("a")], {}, False),
]


@pytest.fixture
def call(client, story):
    def send(base, orders, *, also=None, hook="order-select", prefetch=None):
        patient = {"reference": f"Patient/{story['context']['patientId']}"}
        for it in orders:
            it["resource"]["subject"] = patient
        selections = [f"MedicationRequest/{it}" for it in ("a", also) if it]
        context = {**story["context"], "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": orders}}
        body = {**story, "hook": hook, "context": {**context, "selections": selections}, "fhirServer": base}
        body |= {"prefetch": prefetch or {}, "fhirAuthorization": {"access_token": TOKEN, "token_type": "Bearer"}}
        return client.post(f"/cds-services/{SERVICES[hook]}", json=body)

    return send


@pytest.mark.parametrize("number", range(len(ORDERS)), ids=[it[0] for it in ORDERS])
def test_out_09_the_record_is_asked_for_only_where_something_could_be_said(call, misbehaving, number):
    _, orders, more, is_asked = ORDERS[number]
    base = misbehaving.base("none", f"Spared{number}")
    answer = call(base, orders, **more)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert any(f"Spared{number}/" in it["path"] for it in misbehaving.seen()) is is_asked
    assert is_asked or answer.get_json() == {"cards": []}


def test_out_09_with_order_sign_every_order_counts(call, misbehaving):
    base = misbehaving.base("none", "SparedSign")
    orders = [coded("a", PARACETAMOL), coded("b", CAPECITABINE)]
    assert call(base, orders[:1], hook="order-sign").get_json() == {"cards": []}
    assert not any("SparedSign/" in it["path"] for it in misbehaving.seen())
    call(base, orders, hook="order-sign")
    assert any("SparedSign/" in it["path"] for it in misbehaving.seen())


def test_pid_01_another_patients_resource_is_refused_although_nothing_could_be_said(call, misbehaving):
    stray = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/somebody-else"}}
    answer = call(misbehaving.base("none", "None"), [coded("a", PARACETAMOL)], prefetch={"conditions": stray})
    assert answer.status_code == 400


def test_rel_03_a_server_that_fails_is_no_fault_of_an_order_that_is_not_for_cancer(call, misbehaving):
    base = misbehaving.base("status-500", "Condition")
    assert call(base, [coded("a", PARACETAMOL)]).get_json() == {"cards": []}
    assert call(base, [coded("a", CAPECITABINE)]).status_code == 412
