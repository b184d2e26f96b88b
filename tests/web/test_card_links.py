"""The link of a card: opens the page once, within ten minutes, and says nothing of the patient; everything else is refused alike."""

from __future__ import annotations

import re
import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from cdshooks.app import build_app
from cdshooks.settings import Settings, SettingsError, read_settings
from cdshooks.store.engine import open_engine
from cdshooks.store.store import Store
from cdshooks.web.card_links import CardLinks
from cdshooks.web.sealed_contents import SealedContents
from tests.page_events import events_of

PUBLIC = "https://cds.example.org"
LINK = re.compile(rf"{PUBLIC}(/app/opened/[0-9a-f]{{64}})\Z")


@pytest.fixture
def app(loaded_knowledge, tmp_path):
    settings = Settings(
        is_dev=True, is_evaluation=True, today=date(2026, 11, 24), state_directory=tmp_path, public_url=PUBLIC
    )
    return build_app(settings, loaded_knowledge)


def links_of(client, story_request):
    answer = client.post("/cds-services/her2-later-line", json=story_request)
    return [it for card in answer.get_json()["cards"] for it in card.get("links", []) if "/app/" in it["url"]]


def path_of(client, story_request):
    return LINK.match(links_of(client, story_request)[0]["url"])[1]


def test_every_card_has_the_link_and_the_link_opens_the_page_of_the_card(client, story_request):
    links = links_of(client, story_request)
    assert {it["type"] for it in links} == {"absolute"}
    assert len({it["url"] for it in links}) == 1
    page = client.get(LINK.match(links[0]["url"])[1])
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert "3 metastatic lines" in text
    assert "Local therapy of the brain" in text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_the_link_holds_nothing_of_the_patient(client, story_request):
    url = links_of(client, story_request)[0]["url"]
    assert LINK.match(url)
    assert url != links_of(client, story_request)[0]["url"], "two calls for one patient give two links"


def refused(client, path):
    answer = client.get(path)
    return answer.status_code, answer.get_data(as_text=True)


def test_replayed_tampered_guessed_and_expired_links_are_refused_alike(app, client, story_request, monkeypatch):
    used = path_of(client, story_request)
    assert client.get(used).status_code == 200
    tampered = path_of(client, story_request)
    tampered = tampered[:-1] + ("0" if tampered[-1] != "0" else "1")
    answers = {
        refused(client, used),
        refused(client, tampered),
        refused(client, "/app/opened/" + "0" * 64),
        refused(client, "/app/opened/x"),
        refused(client, "/app/opened/" + "F" * 64),
    }
    expired = path_of(client, story_request)
    later = datetime.now(UTC) + timedelta(minutes=10, seconds=1)
    monkeypatch.setattr("cdshooks.app.datetime", Later(later))
    answers.add(refused(client, expired))
    assert len(answers) == 1
    status, text = answers.pop()
    assert status == 404
    assert "not good any more" in text
    assert "metastatic" not in text


class Later:
    """The clock of the service, moved on."""

    def __init__(self, moment):
        self._moment = moment

    def now(self, _):
        return self._moment


def test_an_opened_page_leaves_an_audit_event_for_the_patient_of_the_call_and_a_refused_one_none(
    client, story_request, tmp_path
):
    path = path_of(client, story_request)
    for _ in range(3):
        client.get(path)
    (hook, page) = events_of(tmp_path)
    assert hook[0] == "her2-later-line"
    assert page == ("patient-page-by-link", "dev", hook[2])


def test_of_many_who_open_a_link_at_once_one_sees_the_page(app, client, story_request):
    path = path_of(client, story_request)
    statuses, start = [], threading.Barrier(6)

    def open_it():
        mine = app.test_client()
        start.wait()
        statuses.append(mine.get(path).status_code)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    assert sorted(statuses) == [200] + [404] * 5


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}]
)
def test_looking_ahead_does_not_use_it_up(client, story_request, headers):
    path = path_of(client, story_request)
    assert client.get(path, headers=headers).status_code == 403
    assert client.head(path).status_code == 403
    assert client.get(path).status_code == 200


def test_a_service_with_another_key_cannot_open_it(app, client, story_request, tmp_path):
    path = path_of(client, story_request)
    store = Store(open_engine(f"sqlite:///{tmp_path}/store.db"))
    contents = SealedContents(
        "card link",
        timedelta(minutes=10),
        key=b"another key of sufficient length",
        attempt=lambda work: work(store),
        now=lambda: datetime.now(UTC),
    )
    other = CardLinks(PUBLIC, contents)
    assert other.opened(path.rpartition("/")[2]) is None
    assert client.get(path).status_code == 200


def test_the_store_holds_nothing_readable(client, story_request, tmp_path):
    story_request["prefetch"]["patient"]["birthDate"] = "1944-07-31"
    path = path_of(client, story_request)
    for file in tmp_path.glob("store.db*"):
        data = file.read_bytes()
        assert b"1944-07-31" not in data
        assert path.rpartition("/")[2].encode() not in data
        assert bytes.fromhex(path.rpartition("/")[2]) not in data
    assert "1944-07-31" in client.get(path).get_data(as_text=True)


def test_while_the_store_is_down_cards_have_no_link_and_a_link_says_so(client, story_request, tmp_path):
    path = path_of(client, story_request)
    for it in tmp_path.glob("store.db*"):
        it.unlink()
    (tmp_path / "store.db").mkdir()
    answer = client.post("/cds-services/her2-later-line", json=story_request)
    assert answer.get_json()["cards"]
    assert not any("/app/" in link["url"] for it in answer.get_json()["cards"] for link in it.get("links", []))
    assert client.get(path).status_code == 503


def test_without_a_public_url_there_is_no_link(loaded_knowledge, tmp_path, story_request):
    settings = Settings(is_dev=True, is_evaluation=True, today=date(2026, 11, 24), state_directory=tmp_path)
    client = build_app(settings, loaded_knowledge).test_client()
    assert links_of(client, story_request) == []
    assert client.get("/app/opened/" + "0" * 64).status_code == 404


@pytest.mark.parametrize(
    "url", ["http://cds.example.org", "cds.example.org", "https://u@cds.example.org", "https://cds.example.org?x=1"]
)
def test_the_public_url_is_https(url):
    with pytest.raises(SettingsError, match="CDSHOOKS_PUBLIC_URL must"):
        read_settings({"CDSHOOKS_PUBLIC_URL": url})
    assert read_settings({"CDSHOOKS_PUBLIC_URL": "https://cds.example.org/"}).public_url == PUBLIC
    assert read_settings({"CDSHOOKS_PUBLIC_URL": "http://127.0.0.1:8080"}).public_url == "http://127.0.0.1:8080"


def test_con_09_a_changed_hash_key_makes_open_links_worthless_and_new_ones_good(
    loaded_knowledge, tmp_path, story_request
):
    """The step of docs/operations.md, "Keys and tokens": the file is replaced, and all replicas are restarted."""

    def started(key):
        settings = Settings(
            is_dev=True,
            is_evaluation=True,
            today=date(2026, 11, 24),
            state_directory=tmp_path,
            public_url=PUBLIC,
            hash_key=key,
        )
        return build_app(settings, loaded_knowledge).test_client()

    before = started("the key of last year")
    old = path_of(before, story_request)
    after = started("the key of this year")
    assert after.get(old).status_code == 404
    assert after.get(path_of(after, story_request)).status_code == 200
    assert before.get(old).status_code == 200  # a replica that is still to be restarted opens its own
