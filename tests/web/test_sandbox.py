"""The public CDS Hooks Sandbox works with `profile = "sandbox"`, as its code was seen to behave. Source: B-1 to B-23."""

from __future__ import annotations

import json
import socket
import threading
from datetime import date

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.serving import WSGIRequestHandler, make_server

from cdshooks.app import build_app
from cdshooks.settings import Settings
from scripts.fhir_server import serving_story
from tests.sandbox_client import ISSUER, JKU, KID, ORIGIN, RXNORM, Sandbox

STORY = "dpd-deficiency-and-capecitabine-ordered"
CAPECITABINE = ("capecitabine 500 MG Oral Tablet", "200328")
LAPATINIB = ("lapatinib 250 MG Oral Tablet", "672149")


class Silent(WSGIRequestHandler):
    def log(self, *_):
        pass


@pytest.fixture(scope="module")
def key():
    return ec.generate_private_key(ec.SECP384R1())


@pytest.fixture(scope="module")
def service(key, loaded_knowledge, tmp_path_factory):
    """The service as a hospital would set it up for the sandbox, with a key of the test's own in place of the published one."""
    folder = tmp_path_factory.mktemp("sandbox")
    public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    (folder / "keys.json").write_text(json.dumps({"keys": [{**public, "kid": KID, "use": "sig"}]}), encoding="utf-8")
    (folder / "clients.toml").write_text(
        f"""
        [[clients]]
        name = "sandbox"
        issuer = "{ISSUER}"
        jwks_file = "keys.json"
        jku = "{JKU}"
        algorithms = ["ES384"]
        profile = "sandbox"
        cors_origins = ["{ORIGIN}"]
        """,
        encoding="utf-8",
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(
        base_url=f"http://127.0.0.1:{port}",
        clients=folder / "clients.toml",
        is_evaluation=True,
        today=date(2026, 11, 24),
        state_directory=folder,
    )
    app = build_app(settings, loaded_knowledge)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{port}/cds-services"
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["cdshooks.fetching"].close()


@pytest.fixture(scope="module")
def fhir():
    with serving_story(STORY) as running:
        yield running


@pytest.fixture
def sandbox(key, service, fhir):
    base, patient = fhir
    window = Sandbox(key, discovery=service, fhir=base, patient=patient)
    window.discover()
    yield window
    window.close()


def options_of(cards):
    return next(it for it in cards if it["source"]["topic"]["code"].endswith("options"))


def test_b_1_services_are_found_and_called_by_the_address_as_typed(key, service, fhir):
    base, patient = fhir
    for typed in (service, f"{service}/"):
        window = Sandbox(key, discovery=typed, fhir=base, patient=patient)
        window.discover()
        assert {it["hook"] for it in window.services.values()} == {"order-select", "order-sign", "patient-view"}
        assert window.fire("patient-view").status_code == 200, typed
        card = window.cards[0]
        assert window.dismiss(card, card["overrideReasons"][0]).status_code == 200, typed
        window.close()


def test_b_7_the_screen_opens_with_an_order_without_a_drug_and_nothing_is_said(sandbox):
    answer = sandbox.fire("order-select")
    assert (answer.status_code, answer.json()) == (200, {"cards": []})


def test_b_10_what_is_searched_is_what_the_discovery_told(sandbox):
    sandbox.fire("patient-view")
    templates = next(iter(sandbox.services.values()))["prefetch"]
    assert len(sandbox.asked) == len(templates)
    assert all("{{" not in it and it.count("=") <= 1 for it in sandbox.asked)


def test_a_whole_visit(sandbox):
    """Open, order, read the warning, take what stands instead, see it answered anew, refuse an option, sign."""
    sandbox.fire("order-select")
    sandbox.choose(*CAPECITABINE)
    assert sandbox.fire("order-select").status_code == 200
    for card in sandbox.cards:
        assert card["uuid"]
        assert card["source"]["label"]
        for suggestion in card.get("suggestions", []):
            assert suggestion["uuid"]
            (action,) = suggestion["actions"]  # B-18: a second one would be lost
            concept = action["resource"].get("medicationCodeableConcept")
            if action["resource"]["resourceType"] == "MedicationRequest":
                assert concept["text"]
                assert concept["coding"][0]["system"] == RXNORM
    (review,) = [it for it in sandbox.cards if it["indicator"] == "warning"]
    assert "complete DPD deficiency" in review["summary"]

    taken = review["suggestions"][1]["label"]
    assert taken == "Instead, draft: trastuzumab + eribulin (2 of 2: eribulin)"
    assert sandbox.take(review, taken).status_code == 200
    assert sandbox.order["medicationCodeableConcept"]["text"] == "eribulin"

    assert sandbox.fire("order-select").status_code == 200
    (half,) = [it for it in sandbox.cards if it["indicator"] == "warning"]
    assert (
        "trastuzumab beyond progression" in half["summary"]
    )  # its form holds one order, and the other half is still missing
    options = options_of(sandbox.cards)
    (reason,) = [it for it in options["overrideReasons"] if it["code"] == "patient-refuses"]
    assert sandbox.dismiss(options, reason).status_code == 200

    assert sandbox.fire("order-sign").status_code == 200
    assert sandbox.fire("patient-view").status_code == 200


def test_a_referral_that_the_sandbox_cannot_apply_is_reported_all_the_same(sandbox):
    sandbox.choose(*LAPATINIB)
    sandbox.fire("order-select")
    trials = next(it for it in sandbox.cards if it["source"]["topic"]["code"].endswith("trials"))
    before = json.dumps(sandbox.order)
    assert sandbox.take(trials, trials["suggestions"][0]["label"]).status_code == 200
    assert json.dumps(sandbox.order) == before


def test_b_6_an_order_of_dstu2_is_no_fault_of_ours(sandbox):
    sandbox.order = {
        "resourceType": "MedicationOrder",
        "id": "request-123",
        "status": "draft",
        "patient": {"reference": f"Patient/{sandbox.patient}"},
        "medicationCodeableConcept": {"text": CAPECITABINE[0], "coding": [{"system": RXNORM, "code": CAPECITABINE[1]}]},
    }
    answer = sandbox.fire("order-select")
    assert (answer.status_code, answer.json()) == (200, {"cards": []})


def test_b_11_a_server_that_is_down_is_named_and_never_taken_for_an_empty_record(key, service, fhir):
    window = Sandbox(key, discovery=service, fhir=f"{fhir[0]}/nowhere", patient=fhir[1])
    window.discover()
    window.choose(*CAPECITABINE)
    answer = window.fire("order-select")
    assert answer.status_code == 412
    assert "conditions" in answer.json()["issue"][0]["diagnostics"]
    window.close()


def test_aut_03_only_the_configured_address_of_keys_may_be_named(sandbox, monkeypatch):
    assert sandbox.fire("patient-view").status_code == 200
    monkeypatch.setattr("tests.sandbox_client.JKU", "https://evil.example/jwks.json")
    assert sandbox.fire("patient-view").status_code == 401


def test_aut_03_a_token_of_another_key_is_refused_where_the_browser_can_see_it(service, fhir):
    stranger = Sandbox(ec.generate_private_key(ec.SECP384R1()), discovery=service, fhir=fhir[0], patient=fhir[1])
    stranger.discover()
    assert stranger.fire("patient-view").status_code == 401
    stranger.close()
