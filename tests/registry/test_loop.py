"""The whole way of a trial: import, list, structure, match, refer, feedback, report; as the README tells it."""

import json
import re
from pathlib import Path

import msgspec

from cdshooks.cards.trials_text import trials_doubts
from cdshooks.errors import StoreUnavailableError
from cdshooks.store.engine import open_engine
from cdshooks.store.store import Store
from cdshooks.web.trial_registry import TrialRegistry
from tests.option_cases import advice_of, shipped
from tests.registry_samples import TEXT, study

STORY = Path(__file__).parents[2] / "fhir_fixtures" / "everything-proven-has-been-used" / "request.json"
NUMBER = "NCT99900001"
PREGNANT = {
    "resourceType": "Condition",
    "id": "expecting",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "77386006"}], "text": "Pregnancy"},
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "onsetDateTime": "2026-10-01",
}
CODED = f"""schema: her2-trial-eligibility/0.1
nct_id: {NUMBER}
title: Madeupumab
tests: a made-up antibody
registry: {{status: RECRUITING, phases: [PHASE3], as_of: 2026-11-10}}
coded: {{by: A. Coder, date: 2026-11-20, reviewed_by: B. Reviewer}}
criteria:
- {{id: I1, kind: age, when: prescreen, role: inclusion, min: 18, at: [inclusion 1], says: "Aged 18 or over"}}
- {{id: I2, kind: her2_status, when: prescreen, role: inclusion, accept: [positive], at: [inclusion 2], says: "HER2-positive"}}
- {{id: I3, kind: disease_setting, when: prescreen, role: inclusion, primary: breast, extent: [metastatic], at: [inclusion 3], says: "Metastatic breast cancer"}}
"""


def all_cards(service, request):
    answer = service.post("/cds-services/her2-later-line", json=request)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()["cards"]


def trial_card(service, request):
    return next((it for it in all_cards(service, request) if "trials" in it["source"]["topic"]["code"]), None)


def request_from(postal_code="02115", country="US"):
    text = json.loads(STORY.read_text(encoding="utf-8"))
    text["prefetch"]["patient"]["address"] = [{"postalCode": postal_code, "country": country}]
    return text


def test_the_loop_from_import_to_the_feedback_report(desk):
    desk.say("trials", "import", desk.write(study()))
    assert NUMBER in desk.say("trials", "list")

    drafted = desk.overlay / "trials" / f"{NUMBER}.yaml"
    desk.say("trials", "draft", NUMBER, "--output", drafted)
    assert "coded.by needs the name of a coder" in desk.say("knowledge", "check", desk.overlay, status=1)
    drafted.write_text(CODED, encoding="utf-8")
    desk.say("knowledge", "check", desk.overlay)

    service = desk.service()
    card = trial_card(service, request_from())
    suggestion = next(it for it in card["suggestions"] if NUMBER in it["label"])
    order = suggestion["actions"][0]["resource"]
    assert order["resourceType"] == "ServiceRequest"
    assert NUMBER in order["code"]["text"]
    assert "**Nearest recruiting sites:** Example Hospital, Boston (under 50 km)." in card["detail"]

    accepted = {
        "card": card["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": suggestion["uuid"]}],
        "outcomeTimestamp": "2026-11-24T10:00:00Z",
    }
    assert service.post("/cds-services/her2-later-line/feedback", json={"feedback": [accepted]}).status_code == 200
    by_option = json.loads(desk.say("feedback", "report", "--format", "json"))["option"]
    assert [it["accepted"] for it in by_option if it["name"] == NUMBER] == [1]


def test_a_changed_text_takes_the_trial_off_the_card_and_out_of_explain_until_it_is_signed(desk):
    (desk.overlay / "trials" / f"{NUMBER}.yaml").write_text(CODED, encoding="utf-8")
    desk.say("trials", "import", desk.write(study()))
    request = request_from()
    assert NUMBER in trial_card(desk.service(), request)["detail"]

    changed = desk.write(study(text=TEXT.replace("50%", "60%"), updated="2026-11-20"))
    assert f"SUSPENDED: {NUMBER}" in desk.say("trials", "import", changed)
    cards = all_cards(desk.service(), request)
    assert not [it for card in cards for it in card["suggestions"] if NUMBER in it["label"]]
    assert [f"**Not judged:** {NUMBER}." in it["detail"] for it in cards].count(True) == 1
    assert "Not judged: the eligibility text has changed since it was coded: 1" in desk.say(
        "explain", desk.write(request, "request.json")
    )
    explained = json.loads(desk.say("explain", "--format", "json", desk.write(request, "request.json")))
    trial = next(it for it in explained["trials"] if it["nct_id"] == NUMBER)
    assert trial["verdict"] == "ineligible"
    assert "S0:status" in trial["failing"]
    assert "changed" in trial["suspended_because"]

    desk.say("trials", "sign", NUMBER, "--coder", "A. Coder", "--reviewer", "B. Reviewer")
    assert NUMBER in trial_card(desk.service(), request)["detail"]


def test_the_nearest_site_follows_the_postcode_then_the_hospital_and_none_in_reach_is_said(desk):
    (desk.overlay / "trials" / f"{NUMBER}.yaml").write_text(CODED, encoding="utf-8")
    desk.say("trials", "import", desk.write(study()))

    def told(postal_code, country, **settings):
        detail = trial_card(desk.service(**settings), request_from(postal_code, country))["detail"]
        return next(line.strip(" -") for line in detail.splitlines() if "recruiting site" in line).replace("**", "")

    assert told("10115", "DE") == "Nearest recruiting sites: Klinik Beispiel, Berlin (under 50 km)."
    assert told("10001", "US").startswith("No recruiting site within 200 km on record; the nearest: Example Hospital")
    assert told("06103", "US") == "Nearest recruiting sites: Example Hospital, Boston (50 to 200 km)."
    assert told("", "", position=(52.4, 13.1)) == "Nearest recruiting sites: Klinik Beispiel, Berlin (under 50 km)."
    assert told("", "") == "Sites: 2 recruiting sites on record; how far is not known here."


def test_the_page_tells_phase_and_sites_as_the_card_does(desk):
    (desk.overlay / "trials" / f"{NUMBER}.yaml").write_text(CODED, encoding="utf-8")

    def told(postal_code="02115"):
        data = {"patient": json.dumps(request_from(postal_code))}
        answer = desk.service().post("/app/patient", data=data, content_type="multipart/form-data")
        text = re.sub(r"<[^>]+>", "", answer.get_data(as_text=True))
        return text.split(f"{NUMBER} ", 1)[1].split("Each criterion")[0], text

    trial, page = told()
    assert "Madeupumab (phase 3) No criterion" in trial
    assert "recruiting site" not in trial
    assert "Sites of these trials are not loaded here; the registry page lists them." in page
    desk.say("trials", "import", desk.write(study()))
    assert "Nearest recruiting sites: Example Hospital, Boston (under 50 km)." in told()[0]
    assert "No recruiting site within 200 km on record; the nearest: Example Hospital" in told("10001")[0]
    assert f"Sites of {NUMBER}" not in told()[1]


def test_a_record_imported_while_the_service_runs_is_used_without_a_restart(desk, monkeypatch):
    monkeypatch.setattr("cdshooks.web.trial_registry._SECONDS_BETWEEN_LOOKS", 0.0)
    (desk.overlay / "trials" / f"{NUMBER}.yaml").write_text(CODED, encoding="utf-8")
    service = desk.service()
    assert "0 structured trials speak from imported records" in service.get("/readyz").get_json()["trials"]
    assert NUMBER in trial_card(service, request_from())["detail"]
    desk.say("trials", "import", desk.write(study(status="COMPLETED")))
    card = trial_card(service, request_from())
    assert card is None or NUMBER not in card["detail"]


def test_with_the_store_down_trials_speak_from_their_files_and_it_is_said(desk):
    (desk.overlay / "trials" / f"{NUMBER}.yaml").write_text(CODED, encoding="utf-8")
    assert "could not be looked up" not in trial_card(desk.service(), request_from())["detail"]
    (desk.state / "cdshooks" / "store.db").unlink()
    (desk.state / "cdshooks" / "store.db").mkdir()
    service = desk.service()
    card = trial_card(service, request_from())
    assert NUMBER in card["detail"]
    assert "could not be looked up" in card["detail"]
    assert "statuses are as of the date that each trial was shipped with" in card["detail"]
    explained = desk.say("explain", desk.write(request_from(), "request.json"))
    assert "Trials could not be looked up" in explained
    assert "all trials speak from their own files" in service.get("/readyz").get_json()["trials"]


def test_with_the_store_lost_on_the_way_the_records_read_before_still_speak_and_it_is_said(desk):
    desk.say("trials", "import", desk.write(study("NCT06435429")))
    store = Store(open_engine(f"sqlite:///{desk.state / 'cdshooks' / 'store.db'}"))
    times = iter(range(0, 1000, 60))
    is_down = False

    def attempt(work):
        if is_down:
            raise StoreUnavailableError("OperationalError")
        return work(store)

    registry = TrialRegistry(attempt, shipped().trials.by_id, lambda: next(times))
    before = registry.now()
    is_down = True
    after = registry.now()
    assert (before.age, after.age) == ("current", "read earlier")
    assert after.states == before.states
    assert after.states["NCT06435429"].is_suspended
    doubts = trials_doubts(msgspec.structs.replace(advice_of(), registry_age=after.age), shipped())
    assert "statuses and sites are those read before" in doubts[0]


def test_a_store_that_fails_is_said_on_the_card_of_the_options_where_no_trial_is_left(desk):
    (desk.state / "cdshooks" / "store.db").mkdir()
    request = request_from()
    request["prefetch"]["conditions"]["entry"].append(
        {"resource": PREGNANT | {"subject": {"reference": "Patient/p-all"}}}
    )
    cards = all_cards(desk.service(), request)
    assert not [it for it in cards if "trials" in it["source"]["topic"]["code"]]
    assert any("could not be looked up" in it["detail"] for it in cards)
