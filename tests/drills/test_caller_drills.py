"""Callers who lie, whose key servers misbehave, and who send one token to many workers at once; workers that are told to stop."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.drills.conftest import CALL, ROOT, STORY, crowd_calling
from tests.web import test_callers as callers

pytestmark = pytest.mark.drill
TOOLS = Path(os.environ.get("CDSHOOKS_SHARED", ROOT.parent / "shared")) / "tools"
needs_tools = pytest.mark.skipif(not TOOLS.is_dir(), reason="the attack tools lie beside the clone")
CLIENT = (
    '[[clients]]\nname = "{name}"\nissuer = "{issuer}"\n{keys}\nfhir_servers = ["https://ehr.example.org/fhir/R4"]\n'
)


@pytest.fixture
def clients(tmp_path):
    """A file of one client whose keys are those of the tests of callers."""
    (tmp_path / "ehr.json").write_bytes(callers.key_set("p384", "p256", "rsa", "rsa-short"))
    file = tmp_path / "clients.toml"
    file.write_text(CLIENT.format(name="main", issuer=callers.ISSUER, keys='jwks_file = "ehr.json"'), encoding="utf-8")
    return file


def _proving(start, clients, **more):
    return start(clients=clients, CDSHOOKS_BASE_URL=callers.BASE, **more)


def _call(service, bearer, body=None):
    return service.post(CALL, STORY if body is None else body, Authorization=f"Bearer {bearer}")[0]


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_aut_07_one_token_sent_to_all_workers_at_once_is_accepted_once(start, clients, store, request, tmp_path, tell):
    url = f"sqlite:///{tmp_path}/store.db" if store == "sqlite" else request.getfixturevalue("database").url
    service = _proving(start, clients, workers=4, CDSHOOKS_DATABASE_URL=url)
    rounds, at_once, accepted, refused, later = 10, 16, [], 0, 0
    with ThreadPoolExecutor(at_once) as pool:
        for _ in range(rounds):
            bearer = callers.token()
            statuses = list(
                pool.map(lambda it: _call(service, it, {}), [bearer] * at_once)
            )  # {} is refused with 400 once known
            accepted.append(statuses.count(400))
            refused += statuses.count(401)
            later += statuses.count(503)
    service.kill()
    again = _proving(start, clients, workers=4, CDSHOOKS_DATABASE_URL=url)
    after_restart = _call(again, bearer, {})
    tell(
        f"one token to four workers ({store})",
        rounds=rounds,
        sent=rounds * at_once,
        accepted_in_each_round=f"{min(accepted)} to {max(accepted)}",
        refused=refused,
        told_to_come_back=later,
        after_kill_and_restart=after_restart,
    )
    assert set(accepted) == {1}
    assert refused + later == rounds * (at_once - 1)
    assert after_restart == 401


class KeyServer(ThreadingHTTPServer):
    """Serves the keys of clients; the path of a key set says how it misbehaves, once ``is_broken``."""

    daemon_threads = True

    def __init__(self):
        self.hits, self.is_broken, self.is_over = [], True, threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.hits.append(self.path)
                mode = self.path if server.is_broken else "/good"
                if mode == "/never-answers":
                    server.is_over.wait(60)
                    return
                self.send_response({"/redirects": 302, "/fails": 500}.get(mode, 200))
                self.send_header("Location", "http://127.0.0.1:9/keys")
                self.end_headers()
                whole = callers.key_set("other")
                pieces = {
                    "/drips": (whole[at : at + 1] for at in range(len(whole))),
                    "/is-huge": (b" " * 100_000 for _ in range(1000)),
                    "/sends-html": [b"<html>"],
                    "/sends-the-keys-of-another": [callers.key_set("p384")],
                }.get(mode, [whole])
                try:
                    for it in pieces:
                        self.wfile.write(it)
                        if mode == "/drips" and server.is_over.wait(0.5):
                            return
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.is_over.set()
        self.shutdown()
        self.server_close()


@pytest.fixture
def key_server():
    server = KeyServer()
    yield server
    server.close()


BAD_SERVERS = ["never-answers", "drips", "is-huge", "sends-html", "redirects", "fails", "sends-the-keys-of-another"]


def _client_of(server, mode):
    keys = f'jwks_url = "http://127.0.0.1:{server.server_port}/{mode}"'
    return CLIENT.format(name=mode, issuer=f"https://{mode}.example.org", keys=keys)


def test_aut_08_key_servers_in_a_bad_state_hold_no_call_of_others(start, clients, key_server, tell):
    clients.write_text(
        clients.read_text() + "".join(_client_of(key_server, it) for it in BAD_SERVERS), encoding="utf-8"
    )
    service = _proving(start, clients, workers=1)
    assert _call(service, callers.token()) == 200
    waited, wrong = {it: [] for it in [*BAD_SERVERS, "others"]}, []

    def call(whose, make, expected):
        for _ in range(3):
            began = time.monotonic()
            status = _call(service, make())
            waited[whose].append(time.monotonic() - began)
            if status != expected:
                wrong.append((whose, status))

    crowd = [
        threading.Thread(
            target=call, args=(it, lambda it=it: callers.token("other", iss=f"https://{it}.example.org"), 401)
        )
        for it in BAD_SERVERS
    ]
    crowd += [threading.Thread(target=call, args=("others", callers.token, 200)) for _ in range(2)]
    for it in crowd:
        it.start()
    for it in crowd:
        it.join(60)
    refused = [it for mode in BAD_SERVERS for it in waited[mode]]
    tell(
        "key servers in a bad state",
        kinds=len(BAD_SERVERS),
        refused_calls=len(refused),
        slowest_refusal_ms=round(1000 * max(refused)),
        calls_of_others=len(waited["others"]),
        slowest_of_others_ms=round(1000 * max(waited["others"])),
        fetches=len(key_server.hits),
    )
    assert wrong == []
    assert sorted(key_server.hits) == sorted(f"/{it}" for it in BAD_SERVERS)
    assert max(refused) < 5
    assert max(waited["others"]) < 5


def test_aut_08_a_key_that_is_known_outlives_its_server(start, clients, key_server, tell):
    clients.write_text(_client_of(key_server, "never-answers"), encoding="utf-8")
    key_server.is_broken, issuer = False, "https://never-answers.example.org"
    service = _proving(start, clients, workers=1)
    assert _call(service, callers.token("other", iss=issuer)) == 200
    key_server.is_broken = True
    statuses = [_call(service, callers.token("other", iss=issuer)) for _ in range(10)]
    assert _call(service, callers.token("p384", iss=issuer)) == 401
    tell(
        "a known key whose server is gone",
        calls=len(statuses),
        answered=statuses.count(200),
        fetches=len(key_server.hits),
    )
    assert set(statuses) == {200}


def test_rel_07_a_worker_told_to_stop_cuts_no_call(start, tell):
    service = start(workers=3)
    service.show()
    told = 0
    with crowd_calling(service, 6) as (statuses, cut):
        for _ in range(6):
            time.sleep(1)
            os.kill(service.workers()[0], signal.SIGTERM)
            told += 1
    tell("workers told to stop in flight", workers=told, calls_answered=len(statuses), cut=len(cut))
    assert (cut, set(statuses)) == ([], {200})


def test_rel_07_a_reload_cuts_no_call(start, tell):
    """SIGHUP: all workers are replaced while calls go on."""
    service = start(workers=2)
    service.show()
    before = set(service.workers())
    with crowd_calling(service, 4) as (statuses, cut):
        time.sleep(1)
        service.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 60
        while before & set(service.workers()) and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1)
    replaced = before - set(service.workers())
    tell("reloaded in flight", workers_replaced=len(replaced), calls_answered=len(statuses), cut=len(cut))
    assert replaced == before
    assert (cut, set(statuses)) == ([], {200})


MINT = """
import json, sys, time, uuid, jwt
issuer, audience, key = sys.argv[1:]
now = int(time.time())
claims = {"iss": issuer, "aud": audience, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}
print(jwt.encode(claims, open(key, "rb").read(), algorithm="ES384", headers={"kid": "p384"}))
"""


@needs_tools
def test_inp_an_abuse_run_over_http_finds_nothing(start, clients, tmp_path, tell):
    service = start(clients=clients)
    (tmp_path / "mint.py").write_text(MINT)
    pem = callers.KEYS["p384"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    mint = [sys.executable, tmp_path / "mint.py", callers.ISSUER, service.url + CALL, tmp_path / "key.pem"]
    words = [sys.executable, TOOLS / "http_abuse.py", service.url, CALL, "--limit", str(8 * 1024 * 1024)]
    words += ["--token", shlex.join(map(str, mint))]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    tell("abuse over HTTP", checks=ran.stdout.strip().splitlines()[-1])
    assert ran.returncode == 0, "\n".join(it for it in ran.stdout.splitlines() if not it.startswith("ok"))


GAPS = {
    "exp in 10 years": "aut-05 ten years",
    "iat 10 years ago, exp ok": "aut-05 issued ten years ago",
    "exp as string": "aut-05 exp as string",
    "jti empty string": "aut-06 jti empty",
    "jti number": "aut-06 jti a number",
    "jti 1 MB": "aut-06 jti of 257 characters",
    "typ = at+jwt": "aut-06 typ at+jwt",
    "typ missing": "aut-06 typ missing",
    "kid missing": "aut-06 kid missing",
    "RS384 with 1024-bit key": "aut-02 RSA of 1024 bits",
    "5 MB token": "larger than 8 KB",
}
"""What a plain decoding of tokens lets through, and the case of ours that is the same."""


@needs_tools
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_aut_what_a_plain_decoding_lets_through_is_refused_here(start, clients, tell):
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", TOOLS / "jwt_gap_probe.py"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    accepted = [it for it in ran.stdout.splitlines() if it.startswith("GAP") and "got=ACCEPT" in it]
    gaps = [it.split("ACCEPT")[1].strip() for it in accepted]
    service = _proving(start, clients)
    let_through = []
    for gap in gaps:
        if gap.startswith("replay"):
            once = callers.token()
            statuses = [_call(service, once), _call(service, once)]
            is_refused = statuses == [200, 401]
        else:
            is_refused = _call(service, callers.BAD[GAPS[gap]]()) in {
                401,
                431,
            }  # 431: the head is larger than any token
        if not is_refused:
            let_through.append(gap)
    tell("gaps of plain token decoding", found_by_the_probe=len(gaps), refused_here=len(gaps) - len(let_through))
    assert len(gaps) >= 8
    assert let_through == []
