"""A certificate that a client has to show beside its token is told by its proxy, and by nobody else. Source: AUT-10."""

from datetime import date

import pytest

from cdshooks.app import build_app
from cdshooks.hooks.clients import read_clients
from cdshooks.settings import Settings, SettingsError
from cdshooks.web.callers import CERTIFICATE_HEADER
from tests.web.test_callers import BASE, ISSUER, OTHER, PROFILES, SERVICE, key_set, token

SUBJECT, PROXY = "CN=ehr.example.org,O=Main Hospital", "10.20.0.5"


@pytest.fixture(scope="module")
def service(loaded_knowledge, tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "ehr.json").write_bytes(key_set("p384"))
    (folder / "clients.toml").write_text(
        f"""
        [[clients]]
        name = "main"
        issuer = "{ISSUER}"
        jwks_file = "ehr.json"
        certificate = "{SUBJECT}"
        proxies = ["10.20.0.4/31", "fd00::5/128"]
        [[clients]]
        name = "other"
        issuer = "{OTHER}"
        jwks_file = "ehr.json"
        """,
        encoding="utf-8",
    )
    settings = Settings(
        base_url=BASE,
        clients=folder / "clients.toml",
        is_evaluation=True,
        today=date(2026, 11, 24),
        state_directory=folder,
    )
    return build_app(settings, loaded_knowledge).test_client()


@pytest.fixture
def send(service, story_request):
    def post(bearer, subject, peer, **more):
        headers = {"Authorization": f"Bearer {bearer}", **more}
        if subject is not None:
            headers[CERTIFICATE_HEADER] = subject
        return service.post(
            f"/cds-services/{SERVICE}", json=story_request, headers=headers, environ_overrides={"REMOTE_ADDR": peer}
        )

    return post


@pytest.mark.parametrize("peer", [PROXY, "10.20.0.4", "fd00::5", "::ffff:10.20.0.5"])
def test_aut_10_who_shows_the_certificate_to_a_named_proxy_is_answered(send, peer):
    assert send(token(), SUBJECT, peer).status_code == 200


@pytest.mark.parametrize(
    ("subject", "peer"),
    [
        (None, PROXY),
        ("", PROXY),
        ("CN=other.example.org", PROXY),
        (f"{SUBJECT},CN=other", PROXY),
        (SUBJECT.lower(), PROXY),
        (SUBJECT, "10.20.0.6"),
        (SUBJECT, "203.0.113.9"),
        (SUBJECT, "127.0.0.1"),
        (SUBJECT, "fd00::6"),
        (SUBJECT, ""),
        (SUBJECT, "no address"),
    ],
    ids=[
        "none shown", "an empty one", "another's", "one that goes on", "in other letters", "beside the proxies", "from elsewhere",
        "from this machine", "from elsewhere in IPv6", "from a socket without an address", "from what is no address",
    ],
)  # fmt: skip
def test_aut_10_a_header_that_is_not_the_proxys_own_is_not_heard(send, subject, peer):
    refused = send(token(), subject, peer)
    assert refused.status_code == 401
    assert refused.data == send("no.good.token", None, PROXY).data  # AUT-01: one answer for every refusal


def test_aut_10_where_a_call_came_from_is_not_taken_from_a_header_either(send):
    forwarded = {"X-Forwarded-For": PROXY, "Forwarded": f"for={PROXY}", "X-Real-Ip": PROXY}
    assert send(token(), SUBJECT, "203.0.113.9", **forwarded).status_code == 401


def test_aut_10_a_refused_certificate_does_not_use_up_the_token(send):
    bearer = token()
    assert send(bearer, SUBJECT, "203.0.113.9").status_code == 401
    assert send(bearer, SUBJECT, PROXY).status_code == 200


def test_aut_10_a_client_of_which_none_is_asked_needs_none(send):
    assert send(token(iss=OTHER), None, "203.0.113.9").status_code == 200


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        (f'certificate = "{SUBJECT}"', "go together"),
        ('proxies = ["10.20.0.5/32"]', "go together"),
        ('certificate = ""\nproxies = ["10.20.0.5/32"]', "go together"),
        (f'certificate = "{SUBJECT}"\nproxies = ["the proxy"]', "must be a network"),
    ],
)
def test_aut_10_what_nobody_could_fulfil_stops_the_start(tmp_path, members, fault):
    (tmp_path / "ehr.json").write_bytes(key_set("p384"))
    file = tmp_path / "clients.toml"
    file.write_text(
        f'[[clients]]\nname = "main"\nissuer = "{ISSUER}"\njwks_file = "ehr.json"\n{members}\n', encoding="utf-8"
    )
    with pytest.raises(SettingsError) as refused:
        read_clients(file, PROFILES)
    assert fault in str(refused.value)
