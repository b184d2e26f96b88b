"""What ``/openapi.json`` promises is what the service does, for requests that it allows and for such that it forbids. Source: INP-04."""

import json
import warnings

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdshooks.hooks.services import SERVICES
from cdshooks.web.openapi import openapi_document
from tests.web.conftest import FIXTURES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import FailureGroup
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi import checks

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.allow_header_conformance,
]
HOOKS = [f"/cds-services/{it.id}" for it in SERVICES]
POSTS = HOOKS + [f"{it}/feedback" for it in HOOKS]
GETS = [
    "/cds-services",
    "/healthz",
    "/readyz",
    "/version",
    "/metrics",
    "/openapi.json",
    "/knowledge",
    "/knowledge.json",
    "/dsi",
    "/hazards",
]
STORIES = sorted(it.parent.name for it in FIXTURES.glob("*/request.json"))
bounded = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
def promised(app):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return schemathesis.openapi.from_wsgi("/openapi.json", app)


def check(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return case.call_and_validate(checks=CHECKS)


def test_inp_04_the_document_describes_the_routes_that_there_are_and_refers_to_nothing_missing(app, client):
    document = client.get("/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    described = {
        (path, method)
        for path, it in document["paths"].items()
        for method, of in it.items()
        if "default" not in of["responses"]
    }
    assert described == {(it, "get") for it in [*GETS, "/app/page.css"]} | {(it, "post") for it in POSTS}
    routes = {
        it.rule for it in app.url_map.iter_rules() if "//" not in it.rule and not it.rule.startswith("/cds-services/<")
    }
    assert {it.replace("<", "{").replace(">", "}") for it in routes} == document["paths"].keys() - set(POSTS)
    for name, schema in document["components"]["schemas"].items():
        assert name
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(document)
    for part in text.split('"$ref": "#')[1:]:
        node = document
        for step in part.split('"')[0].split("/")[1:]:
            node = node[step]


def test_inp_04_only_dev_lets_anyone_call(app):
    for is_dev, asked in ((True, {}), (False, {"client": []})):
        document = openapi_document(app, is_dev=is_dev)
        assert {json.dumps(document["paths"][it]["post"]["security"]) for it in POSTS} == {json.dumps([asked])}


@pytest.mark.parametrize("path", GETS)
def test_inp_04_what_can_be_read_is_as_promised(promised, path):
    check(promised[path]["GET"].Case())


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
@pytest.mark.parametrize("path", [*HOOKS, POSTS[-1]])
def test_inp_04_whatever_is_sent_is_answered_as_promised_and_never_with_5xx(promised, path, mode):
    operation = promised[path]["POST"]

    @bounded
    @given(operation.as_strategy(generation_mode=mode))
    def send(case):
        answer = check(case)
        if mode is GenerationMode.POSITIVE:
            assert answer.status_code in {200, 400, 404, 409, 412}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        send()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda it: st.lists(it, max_size=3) | st.dictionaries(st.text(max_size=8), it, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    """Every place in a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, it in inside:
        yield (*path, name)
        yield from places(it, (*path, name))


@pytest.mark.parametrize("story", STORIES[::4])
def test_inp_04_a_story_with_one_place_broken_is_answered_as_promised(promised, story):
    text = (FIXTURES / story / "request.json").read_text(encoding="utf-8")
    request = json.loads(text)
    service = next(it for it in SERVICES if it.hook == request["hook"])
    operation = promised[f"/cds-services/{service.id}"]["POST"]
    check(operation.Case(body=request, media_type="application/json"))
    everywhere = list(places(request))

    @settings(bounded, max_examples=15)
    @given(st.sampled_from(everywhere), JUNK, st.booleans())
    def send(place, junk, is_gone):
        broken = json.loads(text)
        node = broken
        for step in place[:-1]:
            node = node[step]
        if is_gone:
            del node[place[-1]]
        else:
            node[place[-1]] = junk
        answer = check(operation.Case(body=broken, media_type="application/json"))
        assert answer.status_code in {200, 400, 412}

    send()


def test_inp_04_an_answer_that_breaks_the_promise_is_noticed(promised, app, monkeypatch):
    """The checks bite: a card without its summary, and a status that is not in the document."""
    case = promised["/cds-services"]["GET"].Case()
    discover = app.view_functions["services.discover"]
    for broken in (({"services": [{"hook": 5}]}, 200), ({}, 418), ({}, 500)):
        monkeypatch.setitem(app.view_functions, "services.discover", lambda it=broken: it)
        with pytest.raises(FailureGroup):
            check(case)
    monkeypatch.setitem(app.view_functions, "services.discover", discover)
    check(case)
