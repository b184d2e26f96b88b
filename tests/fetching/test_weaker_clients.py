"""What a plain client comes to with the same servers: each attack that is fended off elsewhere succeeds here, so those tests bite.

Source: OUT-02, OUT-03, OUT-05 to OUT-08, OUT-10.
"""

import json
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from cdshooks.ehr.searches import query_for
from cdshooks.fetching.limits import Limits
from cdshooks.hooks.access_token import AccessToken
from tests.fetching.conftest import TOKEN

SEARCH = "Condition?patient=p-brain"


@pytest.fixture
def plain():
    """As most programs ask: with the token on all requests, and a time-out that the library hands to each read."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(headers=headers, timeout=5, follow_redirects=True, trust_env=False) as client:
        yield client


@pytest.fixture
def strayed(misbehaving):
    """Requests that went where nobody may be sent, with the token."""
    before = len(misbehaving.seen())
    return lambda: [
        it for it in misbehaving.seen()[before:] if it["path"].startswith("/elsewhere") and it["authorization"]
    ]


def test_out_03_a_client_that_follows_redirects_takes_the_token_along(plain, misbehaving, strayed):
    plain.get(f"{misbehaving.base('redirect-elsewhere', 'Condition')}/{SEARCH}")
    assert strayed()


@pytest.mark.parametrize("fault", ["next-elsewhere", "next-above"])
def test_out_02_a_client_that_follows_any_link_is_led_astray(plain, misbehaving, strayed, fault):
    url = f"{misbehaving.base(fault, 'Condition')}/{SEARCH}"
    (link,) = (it["url"] for it in plain.get(url).json()["link"] if it["relation"] == "next")
    plain.get(urljoin(url, link), headers={"Authorization": f"Bearer {TOKEN}"})
    assert strayed()


def test_out_02_an_id_that_is_put_into_a_url_as_it_is_asks_for_more():
    patient = "p&_revinclude=*"
    assert "_revinclude" in parse_qs(urlsplit(f"Condition?patient={patient}").query)
    assert "_revinclude" not in parse_qs(urlsplit(query_for("conditions", patient).path).query)


def test_out_05_a_time_out_of_each_read_never_ends_a_drip(misbehaving):
    began, each = time.monotonic(), 1.0
    with (
        httpx.Client(timeout=each, trust_env=False) as client,
        client.stream("GET", f"{misbehaving.base('drip', 'Condition')}/{SEARCH}") as answer,
    ):
        for _ in answer.iter_raw():
            if time.monotonic() - began > 2.5 * each:
                break
    assert time.monotonic() - began > 2.5 * each


def test_out_06_a_client_that_unpacks_takes_in_what_it_was_never_sent(plain, misbehaving):
    unpacked = sent = 0
    with plain.stream("GET", f"{misbehaving.base('bomb', 'Condition')}/{SEARCH}") as answer:
        for piece in answer.iter_bytes():
            unpacked, sent = unpacked + len(piece), answer.num_bytes_downloaded
    assert unpacked > Limits().bytes_of_an_answer > 100 * sent


@pytest.mark.parametrize("fault", ["outcome", "parameters", "fewer-than-total", "second-page-fails"])
def test_out_07_a_reader_of_entries_alone_takes_a_failure_for_a_whole_answer(plain, misbehaving, fault):
    answer = plain.get(f"{misbehaving.base(fault, 'Condition')}/{SEARCH}")
    whole = plain.get(f"{misbehaving.base('none', 'None')}/{SEARCH}")
    assert answer.status_code == 200
    assert [it["resource"]["resourceType"] for it in answer.json().get("entry", [])] in (
        [],
        [it["resource"]["resourceType"] for it in whole.json()["entry"]],
    )


def test_out_08_a_token_that_is_a_text_is_printed_with_what_holds_it():
    @dataclass
    class Holder:
        token: object

    assert TOKEN in repr(Holder(TOKEN))
    assert TOKEN not in repr(Holder(AccessToken(TOKEN)))
    assert TOKEN in json.dumps({"token": TOKEN})
    with pytest.raises(TypeError):
        json.dumps({"token": AccessToken(TOKEN)})


def test_out_10_a_client_that_remembers_nothing_asks_a_server_in_trouble_each_time(plain, misbehaving):
    url = f"{misbehaving.base('status-500', 'Procedure')}/Procedure?patient=p-brain"
    before = len(misbehaving.seen())
    for _ in range(7):
        plain.get(url)
    assert len(misbehaving.seen()) - before == 7
