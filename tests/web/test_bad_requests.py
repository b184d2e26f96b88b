"""What is not a request of this hook is refused with its JSON path; what is missing is named; nothing is ever silently empty."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import jsonschema
import pytest

SCHEMAS = Path(__file__).parents[2] / "cdshooks" / "hooks" / "schemas"


def without(path):
    def change(request):
        *parents, last = path.split(".")
        for parent in parents:
            request = request[parent]
        del request[last]

    return change


def put(path, value):
    def change(request):
        *parents, last = path.split(".")
        for parent in parents:
            request = request[parent]
        request[last] = value

    return change


HOOK_INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
BAD = [
    ("C-2 hook missing", without("hook"), "$.hook"),
    ("C-2 another hook", put("hook", "patient-view"), "$.hook"),
    ("C-2 hook is a number", put("hook", 7), "$.hook"),
    ("C-3 hookInstance missing", without("hookInstance"), "$.hookInstance"),
    ("C-3 hookInstance is no UUID", put("hookInstance", "once"), "$.hookInstance"),
    ("C-3 hookInstance with a prefix", put("hookInstance", f"urn:uuid:{HOOK_INSTANCE}"), "$.hookInstance"),
    ("C-6 context missing", without("context"), "$.context"),
    ("C-6 context is a list", put("context", []), "$.context"),
    ("H-1 patientId missing", without("context.patientId"), "$.context.patientId"),
    ("H-1 patientId is a number", put("context.patientId", 5), "$.context.patientId"),
    ("OUT-02 patientId changes the query", put("context.patientId", "x&_revinclude=*"), "$.context.patientId"),
    ("OUT-02 patientId climbs", put("context.patientId", "../Patient/other"), "$.context.patientId"),
    ("H-1 userId missing", without("context.userId"), "$.context.userId"),
    ("H-9 selections missing", without("context.selections"), "$.context.selections"),
    ("H-4 selections is a text", put("context.selections", "MedicationRequest/1"), "$.context.selections"),
    ("H-5 draftOrders missing", without("context.draftOrders"), "$.context.draftOrders"),
    ("H-5 draftOrders is a list", put("context.draftOrders", []), "$.context.draftOrders"),
    ("C-4 token without a server", put("fhirAuthorization", {"access_token": "x"}), "$.fhirServer"),
    ("C-7 prefetch is a list", put("prefetch", []), "$.prefetch"),
    ("C-8 extension is a list, as in FHIR", put("extension", [{"url": "x"}]), "$.extension"),
]


@pytest.mark.parametrize(("change", "path"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_c_16_a_faulty_envelope_is_refused_with_its_path(fire, story_request, change, path):
    story_request.pop("fhirServer", None)
    change(story_request)
    answer = fire(story_request)
    assert answer.status_code == 400
    outcome = answer.get_json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["expression"] == [path]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}, {}", id="two objects"),
        pytest.param(b"{}], [{}", id="out of a list"),
        pytest.param(b'{"hook": NaN}', id="NaN"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"hook": "\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"hook": "\n"}', id="control character"),
        pytest.param(b'{"hook": ' + b"1" * 5000 + b"}", id="endless number"),
        pytest.param(b'{"a":' * 200 + b"1" + b"}" * 200, id="too deep"),
    ],
)
def test_inp_02_and_03_a_body_that_is_no_strict_json_object_is_refused(fire, body):
    answer = fire(body)
    assert answer.status_code == 400
    assert answer.get_json()["resourceType"] == "OperationOutcome"


def test_c_13_missing_required_data_gives_412_and_names_the_key(fire, story_request):
    del story_request["prefetch"]["conditions"]
    answer = fire(story_request)
    assert answer.status_code == 412
    assert "conditions" in answer.get_json()["issue"][0]["diagnostics"]


def test_c_13_no_record_of_treatment_at_all_gives_412(fire, story_request):
    for key in ("medicationRequests", "medicationAdministrations", "medicationStatements"):
        story_request["prefetch"].pop(key, None)
    assert fire(story_request).status_code == 412


def test_p_6_a_failed_retrieval_of_required_data_gives_412(fire, story_request):
    story_request["prefetch"]["conditions"] = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "exception"}],
    }
    assert fire(story_request).status_code == 412


@pytest.mark.parametrize("empty", [None, {"resourceType": "Bundle", "type": "searchset", "total": 0}])
def test_p_8_and_p_9_null_and_an_empty_bundle_mean_looked_and_found_nothing(fire, story_request, empty):
    for key in story_request["prefetch"]:
        if key != "patient":
            story_request["prefetch"][key] = empty
    answer = fire(story_request)
    assert answer.status_code == 200
    assert answer.get_json() == {"cards": []}


def test_p_11_a_next_page_means_that_lines_are_not_counted(fire, story_request):
    bundle = next(
        it for key, it in story_request["prefetch"].items() if key.startswith("medication") and it and it.get("entry")
    )
    bundle["link"] = [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]
    cards = fire(story_request).get_json()["cards"]
    assert len(cards) == 1
    assert "incomplete" in cards[0]["summary"]
    assert "suggestions" not in cards[0]


def test_pid_01_a_resource_of_another_patient_is_refused(fire, story_request):
    other = {"resourceType": "Condition", "id": "x", "subject": {"reference": "Patient/somebody-else"}}
    story_request["prefetch"]["conditions"]["entry"].append({"resource": other})
    answer = fire(story_request)
    assert answer.status_code == 400
    assert "somebody" not in answer.get_data(as_text=True)


def test_pid_06_a_draft_of_another_patient_is_refused(fire, story_request):
    for entry in story_request["context"]["draftOrders"]["entry"]:
        entry["resource"]["subject"] = {"reference": "Patient/somebody-else"}
    assert fire(story_request).status_code == 400


def test_pid_01_a_resource_without_subject_is_set_aside_and_named(fire, story_request):
    stray = {"resourceType": "Condition", "id": "stray", "code": {"text": "Brain metastasis"}}
    story_request["prefetch"]["conditions"]["entry"].append({"resource": stray})
    answer = fire(story_request)
    assert answer.status_code == 200
    assert "stray" in answer.get_json()["cards"][0]["detail"]


def test_an_unreadable_resource_costs_itself_only(fire, story_request):
    before = fire(story_request).get_json()["cards"]
    broken = {"resourceType": "Observation", "id": "broken", "subject": 7, "code": []}
    story_request["prefetch"]["observations"]["entry"].append({"resource": broken})
    after = fire(story_request).get_json()["cards"]
    assert [it["summary"] for it in after] == [it["summary"] for it in before]
    assert "broken" in after[0]["detail"]


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/cds-services/unknown", "post", 404), ("/nowhere", "get", 404), ("/cds-services/her2-later-line", "get", 405)],
)
def test_inp_07_unknown_paths_and_methods_are_answered_in_json(client, path, method, status):
    sent = {"data": "{}", "content_type": "application/json"} if method == "post" else {}
    answer = getattr(client, method)(path, **sent)
    assert answer.status_code == status
    assert answer.get_json()["resourceType"] == "OperationOutcome"


def test_c_16_405_names_what_is_allowed(client):
    assert "POST" in client.get("/cds-services/her2-later-line").headers["Allow"]


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ("application/json", 400),
        ("application/json; charset=utf-8", 400),
        ("Application/JSON", 400),
        ("application/fhir+json", 400),
        ("application/vnd.ehr+json", 400),
        ("text/plain", 415),
        ("text/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonx", 415),
        ("", 415),
    ],
)
def test_inp_05_and_c_16_what_is_not_sent_as_json_gets_415(client, media, status):
    """400: it was read, and is no hook request."""
    headers = {"Content-Type": media} if media else {}
    assert client.post("/cds-services/her2-later-line", data=b"{}", headers=headers).status_code == status


REFUSALS = {
    400: lambda client, story: client.post(PATH, json={}),
    404: lambda client, story: client.post("/cds-services/unknown", json=story),
    405: lambda client, story: client.get(PATH),
    412: lambda client, story: client.post(PATH, json={**story, "prefetch": {}}),
    413: lambda client, story: client.post(PATH, data=b" " * 2_000_000, content_type="application/json"),
    415: lambda client, story: client.post(PATH, data=b"{}", content_type="text/plain"),
}
PATH = "/cds-services/her2-later-line"
OUTCOME = json.loads((SCHEMAS / "operation-outcome.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("origin", ["https://sandbox.example.org", None])
def test_c_15_and_c_19_every_refusal_is_an_operation_outcome_that_a_browser_may_read(
    client, story_request, status, origin
):
    """401 is in test_callers, 503 in the tests of what withholds; each says the same in FHIR."""
    client.environ_base |= {"HTTP_ORIGIN": origin} if origin else {}
    answer = REFUSALS[status](client, story_request)
    assert answer.status_code == status
    assert answer.mimetype == "application/fhir+json"
    jsonschema.Draft202012Validator(OUTCOME).validate(answer.get_json())
    assert answer.headers.get("Access-Control-Allow-Origin") == origin


@pytest.mark.parametrize(("asks", "told"), [({"Access-Control-Request-Private-Network": "true"}, "true"), ({}, None)])
@pytest.mark.parametrize("origin", ["https://sandbox.example.org", "null"])
def test_c_20_a_public_page_may_call_a_service_on_this_machine_where_it_may_call_at_all(client, asks, told, origin):
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST", **asks}
    answer = client.options(PATH, headers=preflight)
    assert answer.headers.get("Access-Control-Allow-Private-Network") == (told if origin != "null" else None)


def test_inp_01_a_body_over_the_limit_gives_413(fire, client):
    large = b'{"hook": "' + b"x" * (1024 * 1024) + b'"}'
    assert fire(large).status_code == 413
    chunked = client.post(
        "/cds-services/her2-later-line",
        input_stream=__import__("io").BytesIO(large),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert chunked.status_code == 413


def test_c_10_unknown_members_and_extensions_change_nothing(fire, story_request):
    before = fire(story_request).get_json()["cards"]
    assert before
    for bundle in (*story_request["prefetch"].values(), story_request["context"]["draftOrders"]):
        for entry in (bundle or {}).get("entry", ()):
            entry["com.vendor.member"] = entry["resource"]["com.vendor.member"] = {"a": [1]}
    story_request["com.vendor.member"] = [1]
    story_request["extension"] = {"com.vendor": True, "com.epic.cdshooks.request.bpa-trigger-action": "18"}
    story_request["context"]["extra"] = {"a": 1}
    story_request["prefetch"]["unasked"] = {"resourceType": "Basic"}
    after = fire(story_request).get_json()["cards"]
    assert [it["detail"] for it in after] == [it["detail"] for it in before]


def test_c_11_a_call_that_is_repeated_is_answered_alike_and_is_no_error(fire, story_request):
    """One after the other and at the same time, with one ``hookInstance`` and with others."""

    def told(number):
        asked = {**story_request, **({"hookInstance": str(UUID(int=number))} if number else {})}
        answer = fire(asked)
        return answer.status_code, [(it["summary"], it["detail"]) for it in answer.get_json()["cards"]]

    first = told(0)
    assert first[0] == 200
    assert first[1]
    with ThreadPoolExecutor(4) as crowd:
        assert all(it == first for it in crowd.map(told, [0, 0, 0, 1, 2, 0]))


@pytest.mark.parametrize(
    "authorization",
    [
        {"scope": "PATIENT.READ (Unsigned Order) [R4]"},
        {"scope": ["patient/*.rs"]},
        {"scope": None},
        {"expires_in": None},
        {"expires_in": "300"},
        {"expires_in": {"seconds": 300}},
        {"subject": 7},
        {"token_type": None},
        {"unheard-of": True},
    ],
    ids=json.dumps,
)
def test_s_20_and_v_12_what_a_token_says_of_itself_is_no_reason_to_refuse_the_call(fire, story_request, authorization):
    granted = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.read"}
    story_request |= {
        "fhirServer": "https://ehr.example.org/fhir/R4",
        "fhirAuthorization": granted | {"subject": "cds", **authorization},
    }
    answer = fire(story_request)
    assert answer.status_code == 200
    assert answer.get_json()["cards"]


def test_log_03_an_internal_fault_gives_500_with_an_id_that_is_in_the_log(app, caplog):
    class Faulty:
        def __getattr__(self, name):
            raise RuntimeError("Jane Doe, born 1970")

    broken = SimpleNamespace(test_client=app.test_client)
    client = broken.test_client()
    app.view_functions["health.fail"] = lambda: Faulty().anything
    app._got_first_request = False
    app.add_url_rule("/fail", endpoint="health.fail")
    with caplog.at_level("ERROR", logger="cdshooks"):
        answer = client.get("/fail")
    assert answer.status_code == 500
    error_id = json.loads(caplog.records[-1].message)["error_id"]
    assert error_id in answer.get_json()["issue"][0]["diagnostics"]
    assert "Jane" not in caplog.text + answer.get_data(as_text=True)
