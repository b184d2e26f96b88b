"""The launch of the page from an EHR, against an EHR in a process of its own; whatever is not right is refused alike."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import httpx
import pytest

from cdshooks.app import build_app
from cdshooks.cards.quiet import CardSet
from cdshooks.ehr.resources import Resources
from cdshooks.hooks.clients import Client
from cdshooks.settings import Settings, SettingsError
from cdshooks.web.card_links import CardLinks
from tests.page_events import events_of, queries_of
from tests.smart_samples import clients_file, launched_app, running_ehr
from tests.spec.test_cards_model import card

PUBLIC = "https://cds.example.org"
SIGN_IN, SESSION = "__Host-cdshooks-sign-in", "__Host-cdshooks-session"
FIREFOX, OTHER = {"User-Agent": "Firefox"}, {"User-Agent": "Other"}


@pytest.fixture(scope="module")
def ehr():
    with running_ehr(PUBLIC) as base:
        yield base


@pytest.fixture
def app(loaded_knowledge, tmp_path, ehr):
    with launched_app(loaded_knowledge, tmp_path, ehr, PUBLIC) as app:
        yield app


@pytest.fixture
def client(app):
    return app.test_client()


def get(client, path, headers=FIREFOX, **more):
    return client.get(path, base_url=PUBLIC, headers=headers, **more)


def begin(client, ehr, launch="good", headers=FIREFOX):
    return get(client, "/launch", headers, query_string={"iss": ehr, "launch": launch})


def way_back(location):
    """What the EHR's sign-in sends the browser back with."""
    answer = httpx.get(location, follow_redirects=False, trust_env=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"].removeprefix(PUBLIC)


def signed_in(client, ehr, launch="good"):
    return get(client, way_back(begin(client, ehr, launch).headers["Location"]))


def cookies_of(answer):
    found = SimpleCookie()
    for it in answer.headers.getlist("Set-Cookie"):
        found.load(it)
    return found


def seen(ehr):
    return httpx.get(ehr.removesuffix("/fhir") + "/seen", trust_env=False).json()["requests"]


def test_a_launch_leads_to_the_page_of_the_patient_with_data_fetched_by_the_users_token(client, ehr):
    assert get(client, "/app").status_code == 401
    answer = signed_in(client, ehr)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PUBLIC}/app#options")
    for _ in range(2):  # a session, not a link: the page may be loaded again
        page = get(client, "/app")
        assert page.status_code == 200
        assert "3 metastatic lines" in page.get_data(as_text=True)
    asked = [it for it in seen(ehr) if "fhir" in it]
    assert {"/fhir/Patient/p-brain", "/fhir/Observation", "/fhir/MedicationRequest"} <= {it["fhir"] for it in asked}
    assert all(it["authorized"] for it in asked)


def test_each_page_leaves_an_audit_event_and_a_refusal_none(client, ehr, tmp_path):
    signed_in(client, ehr)
    for headers in (FIREFOX, FIREFOX, OTHER):
        get(client, "/app", headers)
    events = [it for it in events_of(tmp_path) if it[0].startswith("patient-page")]
    assert [it[:2] for it in events] == [("patient-page-by-launch", "ehr")] * 2
    assert len(set(events)) == 1


def test_obs_01_what_is_fetched_for_a_page_leaves_an_audit_event_for_each_query(client, ehr, tmp_path):
    signed_in(client, ehr)
    get(client, "/app")
    asked = queries_of(tmp_path)
    assert {way for way, _ in asked} == {"patient-page-by-launch"}
    assert {"Patient", "Condition", "Observation", "MedicationRequest"} <= {kind for _, kind in asked}
    assert len(asked) == len(set(asked))


def test_cookies_are_this_hosts_alone_out_of_reach_of_scripts_and_short_lived(client, ehr):
    for answer, name, seconds in ((begin(client, ehr), SIGN_IN, 300), (signed_in(client, ehr), SESSION, 900)):
        cookie = cookies_of(answer)[name]
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert (cookie["path"], cookie["domain"], int(cookie["max-age"])) == ("/", "", seconds)
        assert len(cookie.value) == 64
    assert cookies_of(signed_in(client, ehr))[SIGN_IN].value == ""


def test_nothing_of_patient_and_token_is_stored_or_logged(client, ehr, tmp_path, caplog):
    with caplog.at_level("DEBUG"):
        answer = signed_in(client, ehr)
        assert get(client, "/app").status_code == 200
    kept = b"".join(it.read_bytes() for it in tmp_path.glob("store.db*"))
    for secret in ("p-brain", "TOKEN-", cookies_of(answer)[SESSION].value):
        assert secret.encode() not in kept
        assert secret not in caplog.text


@pytest.mark.parametrize(
    "query",
    [
        {"iss": "https://evil.example/fhir", "launch": "good"},
        {"iss": "EHR/../other", "launch": "good"},
        {"iss": "EHRx", "launch": "good"},
        {"launch": "good"},
        {"iss": "EHR"},
        {"iss": "EHR", "launch": "x" * 5000},
        {"iss": ["EHR", "https://evil.example/fhir"], "launch": "good"},
    ],
    ids=["another server", "another path", "a longer path", "no iss", "no launch", "a long launch", "two iss"],
)
def test_only_a_configured_server_may_launch(client, ehr, query):
    query = {
        key: [one.replace("EHR", ehr) for one in it] if isinstance(it, list) else it.replace("EHR", ehr)
        for key, it in query.items()
    }
    answer = get(client, "/launch", query_string=query)
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
    assert "did not succeed" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "launch", ["refuse", "wrong-state", "wrong-issuer", "no-patient", "other-patient", "odd-token"]
)
def test_a_sign_in_that_is_not_right_gives_no_session(client, ehr, launch):
    refused(signed_in(client, ehr, launch))
    assert get(client, "/app").status_code == 401


def refused(answer):
    assert answer.status_code == 400
    assert SESSION not in cookies_of(answer)
    text = answer.get_data(as_text=True)
    assert "did not succeed" in text
    assert "state" not in text


def test_an_answer_is_good_once_and_its_code_for_no_other_sign_in(client, ehr):
    back = way_back(begin(client, ehr).headers["Location"])
    assert get(client, back).status_code == 303
    refused(get(client, back))  # the sign-in is used up
    code = back.partition("code=")[2].partition("&")[0]
    other = way_back(begin(client, ehr).headers["Location"])
    refused(get(client, other.replace(other.partition("code=")[2].partition("&")[0], code)))


def test_a_code_bound_to_another_sign_ins_proof_is_refused_by_the_server(client, app, ehr):
    """PKCE: a code that was caught is worth nothing without the verifier, which never left the service."""
    mine, thiefs = way_back(begin(client, ehr).headers["Location"]), app.test_client()
    theirs = way_back(begin(thiefs, ehr).headers["Location"])
    caught = mine.partition("code=")[2].partition("&")[0]
    refused(get(thiefs, theirs.replace(theirs.partition("code=")[2].partition("&")[0], caught)))


def test_an_answer_without_the_browsers_own_cookie_is_refused(client, app, ehr):
    """Nobody can be signed in to another's session by a link."""
    back = way_back(begin(client, ehr).headers["Location"])
    refused(get(app.test_client(), back))
    other = app.test_client()
    begin(other, ehr)
    refused(get(other, back))
    assert get(client, back).status_code == 303


def test_an_answer_in_another_kind_of_browser_is_refused(client, ehr):
    refused(get(client, way_back(begin(client, ehr).headers["Location"]), OTHER))


def test_a_stolen_cookie_in_another_kind_of_browser_ends_the_session(client, app, ehr):
    cookie = cookies_of(signed_in(client, ehr))[SESSION].value
    thief = app.test_client()
    thief.set_cookie(SESSION, cookie, domain="cds.example.org", secure=True)
    assert get(thief, "/app", OTHER).status_code == 401
    assert get(client, "/app").status_code == 401, "whoever owns it has to launch again"


@pytest.mark.parametrize(
    "change", [lambda it: it[:-1] + ("0" if it[-1] != "0" else "1"), lambda _: "0" * 64, str.upper, lambda _: "x"]
)
def test_a_changed_or_guessed_cookie_opens_nothing(client, app, ehr, change):
    cookie = cookies_of(signed_in(client, ehr))[SESSION].value
    other = app.test_client()
    other.set_cookie(SESSION, change(cookie), domain="cds.example.org", secure=True)
    assert get(other, "/app").status_code == 401


@pytest.mark.parametrize(("launch", "lasts"), [("good", timedelta(minutes=15)), ("short", timedelta(seconds=1))])
def test_a_session_ends_with_its_token_and_after_a_quarter_of_an_hour_at_most(client, ehr, launch, lasts, monkeypatch):
    class Clock:
        moment = datetime.now(UTC)

        def now(self, _):
            return self.moment

    clock = Clock()
    monkeypatch.setattr("cdshooks.app.datetime", clock)
    signed_in(client, ehr, launch)
    clock.moment += lasts - timedelta(milliseconds=1)
    assert get(client, "/app").status_code == 200
    clock.moment += timedelta(milliseconds=1)
    assert get(client, "/app").status_code == 401


def test_a_sign_in_that_took_too_long_is_refused(client, ehr, monkeypatch):
    back = way_back(begin(client, ehr).headers["Location"])

    class Later:
        def now(self, _):
            return datetime.now(UTC) + timedelta(minutes=5, seconds=1)

    monkeypatch.setattr("cdshooks.app.datetime", Later())
    refused(get(client, back))


def test_while_the_store_is_down_nobody_signs_in_and_the_page_says_so(client, ehr, tmp_path):
    signed_in(client, ehr)
    for it in tmp_path.glob("store.db*"):
        it.unlink()
    (tmp_path / "store.db").mkdir()
    assert get(client, "/app").status_code == 503
    assert begin(client, ehr).status_code == 503


def test_a_server_that_does_not_answer_is_named_as_such(loaded_knowledge, tmp_path):
    with contextlib.ExitStack() as stack:
        with running_ehr(PUBLIC) as base:
            app = stack.enter_context(launched_app(loaded_knowledge, tmp_path, base, PUBLIC))
            client = app.test_client()
            signed_in(client, base)
        page = get(client, "/app")
    assert page.status_code == 502
    assert "did not give: patient" in page.get_data(as_text=True)


def test_cards_of_a_smart_client_launch_the_page_and_tell_it_which_card_was_followed():
    smart = Client(name="ehr", issuer="https://ehr.example.org", smart_client_id="app")
    links = CardLinks(PUBLIC, None)  # nothing is sealed for a client that signs its users in
    answer = CardSet(cards=(card(),), resources=Resources(by_type={}, by_name={}))
    answer = links.added(answer, smart, client="ehr", patient_hash="0")
    (link,) = answer.cards[0].links
    assert (link.type, link.url) == ("smart", f"{PUBLIC}/launch")
    assert json.loads(link.app_context) == {"topic": answer.cards[0].source.topic.code}


@pytest.mark.parametrize(
    ("more", "public_url", "told"),
    [
        ("", None, "CDSHOOKS_PUBLIC_URL"),
        ('smart_scopes = ""', PUBLIC, "smart_scopes"),
    ],
)
def test_a_launch_that_cannot_work_stops_the_start(loaded_knowledge, tmp_path, more, public_url, told):
    path = clients_file(tmp_path, "https://ehr.example.org/fhir", more)
    with pytest.raises(SettingsError, match=told):
        build_app(
            Settings(is_evaluation=True, clients=path, public_url=public_url, state_directory=tmp_path),
            loaded_knowledge,
        )


def test_dev_mode_launches_too_and_still_lists_the_stories(loaded_knowledge, tmp_path, ehr):
    with launched_app(loaded_knowledge, tmp_path, ehr, PUBLIC, is_dev=True) as app:
        client = app.test_client()
        assert "Choose a synthetic patient" in get(client, "/app").get_data(as_text=True)
        signed_in(client, ehr)
        assert "3 metastatic lines" in get(client, "/app").get_data(as_text=True)
        assert "Choose a synthetic patient" in get(client, "/app/stories").get_data(as_text=True)
        assert (
            client.post("/cds-services/her2-later-line", json={}).status_code == 400
        )  # and not 401: nobody proves who it is


def test_without_a_client_that_launches_there_is_no_launch_and_dev_mode_tells_how(loaded_knowledge, tmp_path):
    settings = Settings(is_dev=True, is_evaluation=True, state_directory=tmp_path, public_url=PUBLIC)
    answer = build_app(settings, loaded_knowledge).test_client().get("/launch")
    assert answer.status_code == 404
    assert "smart_client_id" in answer.get_data(as_text=True)
