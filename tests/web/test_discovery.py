"""Discovery, by the statements of the standard."""

import re

import pytest

PERMITTED = re.compile(
    r"[A-Z][A-Za-z]+(?:/\{\{context\.patientId\}\}|\?(?:patient|subject)=(?:Patient/)?\{\{context\.patientId\}\})\Z"
)


def test_d_1_discovery_answers_an_object_with_services(client):
    answer = client.get("/cds-services")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert [it["hook"] for it in answer.get_json()["services"]] == ["order-select", "order-sign", "patient-view"]


def test_d_4_every_service_answers_at_its_own_url(client, fire, story_request):
    for service in client.get("/cds-services").get_json()["services"]:
        request = {**story_request, "hook": service["hook"]}
        assert fire(request, service["id"]).status_code == 200, service["id"]


def test_p_16_and_p_20_templates_stay_inside_the_permitted_subset(client):
    for service in client.get("/cds-services").get_json()["services"]:
        for key, template in service["prefetch"].items():
            assert PERMITTED.match(template), key


def test_d_11_nothing_is_null_or_empty(client):
    def walk(value):
        assert value not in (None, "", [], {})
        if isinstance(value, (dict, list)):
            for child in value.values() if isinstance(value, dict) else value:
                walk(child)

    walk(client.get("/cds-services").get_json())


def test_d_16_a_trailing_slash_needs_no_redirect_and_head_works(client):
    assert client.get("/cds-services/").status_code == 200
    assert client.head("/cds-services").status_code == 200


@pytest.mark.parametrize(
    "path", ["/cds-services", "/cds-services/her2-later-line", "/cds-services/her2-later-line/feedback"]
)
def test_c_19_preflight_needs_no_authorisation_and_names_the_header(client, path):
    headers = {
        "Origin": "https://sandbox.example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = client.options(path, headers=headers)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://sandbox.example.org"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_c_19_refusals_carry_the_header_too(client, fire):
    answer = fire(b"not json", headers={"Origin": "https://sandbox.example.org"})
    assert answer.status_code == 400
    assert answer.headers["Access-Control-Allow-Origin"] == "https://sandbox.example.org"


def test_t_4_answers_are_not_stored(client, fire, story_request):
    assert fire(story_request).headers["Cache-Control"] == "no-store"
    assert client.get("/cds-services").headers["X-Content-Type-Options"] == "nosniff"
