"""What may be sent, and how much of it. Each attack goes through where the check is missing, so the tests bite. Source: INP, OUT-07."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdshooks.errors import BadHookRequestError, BodyTooLargeError
from cdshooks.web.body import LONGEST_TEXT, Bounds, check_extent

SMALL = Bounds(most_bytes=10**6, most_resources=50, most_values=500)
UNBOUNDED = Bounds(most_bytes=10**9, most_resources=10**9, most_values=10**9)


def entries(count):
    return json.dumps({"entry": [{"resource": {"resourceType": "Basic"}}] * count}).encode()


TOO_MUCH = {
    "resources": entries(51),
    "lists": b'{"x": [' + b"[]," * 600 + b"[]]}",
    "objects": b'{"x": [' + b"{}," * 600 + b"{}]}",
    "numbers": b'{"x": [' + b"0," * 600 + b"0]}",
}


@pytest.mark.parametrize("body", TOO_MUCH.values(), ids=TOO_MUCH)
def test_inp_02_more_resources_or_values_than_allowed_are_refused_and_without_the_check_go_through(body):
    with pytest.raises(BodyTooLargeError):
        check_extent(body, SMALL)
    check_extent(body, UNBOUNDED)
    json.loads(body)


def test_inp_02_as_many_as_allowed_are_not_refused():
    check_extent(entries(50), SMALL)
    check_extent(b'{"x": [' + b"0," * 490 + b"0]}", SMALL)


@pytest.mark.parametrize(
    ("member", "value", "is_refused"),
    [
        ("text", "a word " * LONGEST_TEXT, True),
        ("text", "x" * (LONGEST_TEXT - 10) + " y", False),
        ("div", "<div>a word " * LONGEST_TEXT, False),
        ("data", "QUJD" * LONGEST_TEXT, False),
        ("contentAttachment", "QUJD" * LONGEST_TEXT, False),
    ],
    ids=["a text", "one of just the length", "a narrative", "an attachment", "an attachment by another name"],
)
@pytest.mark.parametrize("space", ["", "\n "])
def test_inp_02_a_text_that_no_record_needs_is_refused(member, value, is_refused, space):
    body = f'{{"a": "b", "{member}":{space}{json.dumps(value)}, "c": "d"}}'.encode()
    if is_refused:
        with pytest.raises(BadHookRequestError):
            check_extent(body, UNBOUNDED)
    else:
        check_extent(body, UNBOUNDED)


@given(st.integers(0, 3 * LONGEST_TEXT), st.integers(LONGEST_TEXT + 100, 4 * LONGEST_TEXT))
@settings(max_examples=30, deadline=None)
def test_inp_02_a_long_text_is_found_wherever_it_stands(before, length):
    body = json.dumps({"a": "b" * before, "text": "c " * (length // 2 + 1)}).encode()
    with pytest.raises(BadHookRequestError):
        check_extent(body, UNBOUNDED)


def put(path, value):
    def change(request):
        *parents, last = path.split(".")
        for parent in parents:
            request = request[parent]
        request[last] = value

    return change


LONG_ENVELOPE = [
    ("$.context.userId", put("context.userId", "Practitioner/" + "x" * 600)),
    ("$.context.userId", put("context.userId", "Practitioner/a\u0007")),
    ("$.context.encounterId", put("context.encounterId", "e" * 600)),
    ("$.fhirServer", put("fhirServer", "https://ehr.example.org/" + "x" * 3000)),
    ("$.context.selections", put("context.selections", ["MedicationRequest/x"] * 1001)),
    ("$.context.selections", put("context.selections", ["MedicationRequest/" + "x" * 3000])),
]


@pytest.mark.parametrize(("path", "change"), LONG_ENVELOPE)
def test_inp_02_a_member_of_the_envelope_has_a_length(fire, story_request, path, change):
    change(story_request)
    answer = fire(story_request)
    assert (answer.status_code, answer.get_json()["issue"][0]["expression"]) == (400, [path])


PLAIN = json.loads  # what a plain reader makes of it
AMBIGUOUS = {
    "a member twice": (b'{"patientId": "a", "patientId": "b"}', PLAIN),
    "NaN": (b'{"value": NaN}', PLAIN),
    "Infinity": (b'{"value": -Infinity}', PLAIN),
    "200 levels": (b'{"a":' * 200 + b"1" + b"}" * 200, PLAIN),
    "a number of 4,000 digits": (b'{"value": ' + b"9" * 4000 + b"}", PLAIN),
    "a lone surrogate": (rb'{"text": "\ud800"}', PLAIN),
    "not UTF-8": (b'{"text": "\xff"}', lambda it: json.loads(it.decode("latin-1"))),
    "UTF-16": ('{"text": "a"}'.encode("utf-16"), PLAIN),
    "a byte order mark": (b'\xef\xbb\xbf{"text": "a"}', PLAIN),
}


@pytest.mark.parametrize(("body", "weak"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_inp_03_what_two_readers_could_read_differently_is_refused_and_a_plain_reader_lets_it_through(fire, body, weak):
    weak(body)
    answer = fire(body)
    assert answer.status_code == 400
    assert answer.get_json()["resourceType"] == "OperationOutcome"


EXTREMES = {
    "a year of five digits": ("effectiveDateTime", "99999-01-01"),
    "year 0": ("effectiveDateTime", "0000-00-00"),
    "the last day": ("effectiveDateTime", "9999-12-31T23:59:59-23:59"),
    "the first day": ("effectiveDateTime", "0001-01-01T00:00:00+23:59"),
    "a day of 10,000 digits": ("effectiveDateTime", "1" * 10_000),
    "1e308": ("valueQuantity", {"value": 1e308, "unit": "%"}),
    "1e-320": ("valueQuantity", {"value": 1e-320, "unit": "%"}),
    "beyond any float": ("valueQuantity", {"value": math.inf, "unit": "%"}),
    "a text for a number": ("valueQuantity", {"value": "1e999999", "unit": "%"}),
    "a whole number of 300 digits": ("valueInteger", 10**300),
}


@pytest.mark.parametrize(("member", "value"), EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("code", ["10230-1", "18262-6", "85319-2"])
def test_inp_03_a_huge_number_or_date_costs_its_resource_only(fire, story_request, member, value, code):
    subject = {"reference": f"Patient/{story_request['context']['patientId']}"}
    odd = {"resourceType": "Observation", "id": "odd", "status": "final", "subject": subject, member: value}
    odd["code"] = {"coding": [{"system": "http://loinc.org", "code": code}]}
    before = [it["summary"] for it in fire(story_request).get_json()["cards"]]
    story_request["prefetch"]["observations"]["entry"].append({"resource": odd})
    answer = fire(json.dumps(story_request).replace("Infinity", "1e400"))
    if value == {"value": math.inf, "unit": "%"} and answer.status_code == 400:
        return  # a number that no reader can hold may refuse the whole call
    assert answer.status_code == 200
    assert [it["summary"] for it in answer.get_json()["cards"]] == before


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "Identity, gzip"])
def test_inp_05_an_encoded_body_is_refused_unread(client, encoding):
    answer = client.post(
        "/cds-services/her2-later-line",
        data=b"\x1f\x8b",
        content_type="application/json",
        headers={"Content-Encoding": encoding},
    )
    assert answer.status_code == 415


def test_inp_01_a_body_that_ends_early_is_the_senders_fault(client):
    answer = client.post(
        "/cds-services/her2-later-line",
        data=b"{",
        content_type="application/json",
        headers={"Content-Length": "100"},
    )
    assert answer.status_code == 400
