"""Two replicas behind the shipped nginx settings share only PostgreSQL: what one has seen or kept, the other knows, and either may go."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from production import Production  # noqa: E402 - a script, found by the path set above

from tests.store.conftest import postgresql_server  # noqa: E402, F401 - the fixture

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        shutil.which("nginx") is None or shutil.which("openssl") is None, reason="nginx or openssl is not installed"
    ),
]


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class Replica:
    """One instance as a hospital runs it; on a port of its own."""

    def __init__(self, place, settings):
        self.port, self.settings, self.log = free_port(), settings, place / f"{free_port()}.log"
        self.process = None

    def start(self):
        kept = {name: it for name, it in os.environ.items() if not name.startswith("CDSHOOKS_")}
        words = [sys.executable, "-m", "cdshooks", "serve", "--port", str(self.port), "--workers", "1"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, env=kept | self.settings | {"PYTHONPATH": str(ROOT)}, stderr=log)
        return self

    def wait_until_ready(self):
        end = time.monotonic() + 90
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.suppress(OSError), contextlib.closing(connection):
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.2)
        raise AssertionError("the replica did not become ready")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0


class Hospital:
    """Two replicas, the proxy before them, and a client of theirs."""

    def __init__(self, place, database):
        self.port = free_port()
        self.production = Production(place / "production", url=f"https://127.0.0.1:{self.port}")
        settings = dict(it.split("=", 1) for it in self.production.files_as(str(place / "production")))
        settings["CDSHOOKS_PUBLIC_URL"] = f"https://127.0.0.1:{self.port}"
        settings |= {"CDSHOOKS_DATABASE_URL": database, "CDSHOOKS_DRAIN_SECONDS": "2", "XDG_STATE_HOME": str(place)}
        self.settings = settings
        self.replicas = [Replica(place, settings).start() for _ in range(2)]
        self.nginx = subprocess.Popen(
            ["nginx", "-e", str(place / "nginx.log"), "-c", str(self._proxy(place)), "-p", str(place)]
        )

    def _proxy(self, place):
        """The shipped settings; only ports and paths are this test's."""
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-days",
                    "2",
                ),
                *("-subj", "/CN=127.0.0.1", "-keyout", place / "tls_key", "-out", place / "tls_certificate"),
            ],
            check=True,
            capture_output=True,
        )
        upstream = (ROOT / "deploy" / "nginx" / "upstream.conf").read_text("utf-8")
        server = next(it for it in upstream.splitlines() if it.strip().startswith("server "))
        both = "\n".join(server.replace("cdshooks:8080", f"127.0.0.1:{it.port}") for it in self.replicas)
        self.upstream = place / "upstream.conf"
        self.upstream.write_text(upstream.replace(server, both))
        shipped = (ROOT / "deploy" / "nginx" / "cdshooks.conf").read_text("utf-8")
        shipped = shipped.replace("/etc/nginx/upstream.conf", str(place / "upstream.conf"))
        shipped = shipped.replace("/run/secrets", str(place)).replace("listen 8443", f"listen 127.0.0.1:{self.port}")
        temporary = "".join(
            f"{it}_temp_path {place}/{it};\n" for it in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        whole = place / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        whole.write_text(
            f"{user} daemon off; pid {place}/nginx.pid; worker_processes 1; events {{}}\nhttp {{ access_log off;\n{temporary}{shipped}}}"
        )
        return whole

    def call(self, path, body, headers, *, replica=None):
        """Status and answer, by way of the proxy or of one replica."""
        return self._ask("POST", path, body, {"Content-Type": "application/json", **headers}, replica)

    def open(self, path, *, replica=None):
        """A page, as a clinician's browser asks for it."""
        status, page = self._ask("GET", path, None, {}, replica)
        return status, page.decode()

    def _ask(self, method, path, body, headers, replica):
        if replica is None:
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def link_of_a_card(self, *, shown_by):
        """The path behind the public URL of a card's link to the patient page."""
        status, answer = self.order_select(replica=shown_by)
        assert status == 200
        public = self.settings["CDSHOOKS_PUBLIC_URL"]
        links = {it["url"] for card in json.loads(answer)["cards"] for it in card["links"]}
        (url,) = {it for it in links if it.startswith(public)}
        return url.removeprefix(public)

    def order_select(self, *, replica=None, headers=None):
        production = self.production
        return self.call(
            production.hook, production.hook_request(), headers or production.authorisation(), replica=replica
        )

    @contextlib.contextmanager
    def without(self, replica):
        """The proxy sends this replica nothing new: the steps of docs/operations.md, "Upgrade and rollback"."""
        all_of_them = self.upstream.read_text("utf-8")
        line = next(it for it in all_of_them.splitlines() if f"127.0.0.1:{replica.port} " in it)
        self.upstream.write_text(all_of_them.replace(line, line.replace(";", " down;")))
        self.nginx.send_signal(signal.SIGHUP)
        time.sleep(2)  # what has been sent to it is answered
        yield
        self.upstream.write_text(all_of_them)
        self.nginx.send_signal(signal.SIGHUP)
        time.sleep(1)

    def close(self):
        self.nginx.terminate()
        self.nginx.wait(20)
        for it in self.replicas:
            it.process.kill()
            it.process.wait(20)


@pytest.fixture(scope="module")
def hospital(postgresql_server, tmp_path_factory):  # noqa: F811 - the fixture's name
    made = Hospital(tmp_path_factory.mktemp("hospital"), postgresql_server)
    try:
        for it in made.replicas:
            it.wait_until_ready()
        yield made
    finally:
        made.close()


def test_a_token_used_at_one_replica_is_refused_by_the_other(hospital):
    one, other = hospital.replicas
    headers = hospital.production.authorisation()
    assert hospital.order_select(replica=one, headers=headers)[0] == 200
    assert hospital.order_select(replica=other, headers=headers)[0] == 401
    assert hospital.order_select(replica=other)[0] == 200


def test_feedback_taken_by_both_replicas_is_in_one_report(hospital):
    path = f"{hospital.production.hook}/feedback"
    for shown_by, answered_by in (hospital.replicas, hospital.replicas[::-1]):
        status, answer = hospital.order_select(replica=shown_by)
        assert status == 200
        uuid = json.loads(answer)["cards"][0]["uuid"]
        told = {"feedback": [{"card": uuid, "outcome": "overridden", "outcomeTimestamp": "2026-11-24T12:00:00Z"}]}
        headers = hospital.production.authorisation(path)
        assert hospital.call(path, json.dumps(told), headers, replica=answered_by)[0] == 200
    kept = {name: it for name, it in os.environ.items() if not name.startswith("CDSHOOKS_")}
    done = subprocess.run(
        [sys.executable, "-m", "cdshooks", "feedback", "report", "--format", "json"],
        env=kept | hospital.settings | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert sum(it["overridden"] for it in json.loads(done.stdout)["topic"]) == 2


def test_a_cards_link_opens_once_at_whichever_replica_is_asked(hospital):
    for shown_by, opened_by in (hospital.replicas, hospital.replicas[::-1]):
        link = hospital.link_of_a_card(shown_by=shown_by)
        with hospital.without(shown_by):
            status, page = hospital.open(link)
            assert status == 200
            assert "metastatic lines" in page
        for replica in (shown_by, opened_by, None):
            status, page = hospital.open(link, replica=replica)
            assert status == 404
            assert "not good any more" in page


def test_of_two_who_open_a_link_at_the_same_moment_one_sees_the_page(hospital):
    for _ in range(5):
        link = hospital.link_of_a_card(shown_by=hospital.replicas[0])
        with ThreadPoolExecutor(2) as both:
            answers = both.map(lambda it: hospital.open(link, replica=it)[0], hospital.replicas)  # noqa: B023 - ends here
        assert sorted(answers) == [200, 404]


def test_what_only_operators_need_does_not_pass_the_proxy(hospital):
    context = ssl._create_unverified_context()
    for path, status in (("/metrics", 404), ("/readyz", 404), ("/version", 404), ("/cds-services", 200)):
        connection = http.client.HTTPSConnection("127.0.0.1", hospital.port, timeout=30, context=context)
        with contextlib.closing(connection):
            connection.request("GET", path)
            assert connection.getresponse().status == status, path


def test_rel_04_a_caller_who_floods_the_proxy_is_told_so_and_is_heard_again(hospital):
    """The shipped settings take 50 requests a second of one address, and 100 more at once."""
    context = ssl._create_unverified_context()

    def ask(times):
        connection = http.client.HTTPSConnection("127.0.0.1", hospital.port, timeout=30, context=context)
        statuses = []
        with contextlib.closing(connection):
            for _ in range(times):
                connection.request("GET", "/cds-services")
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
        return statuses

    with ThreadPoolExecutor(8) as crowd:
        flood = [it for one in crowd.map(ask, [100] * 8) for it in one]
    assert set(flood) == {200, 429}
    assert flood.count(200) >= 100
    time.sleep(1)
    assert ask(10) == [200] * 10


def test_a_rolling_restart_under_load_fails_no_call(hospital):
    """No call is tried twice: each must be answered with its cards the first time."""
    answers, stopped = [], threading.Event()

    def caller():
        while not stopped.is_set():
            try:
                answers.append(hospital.order_select()[0])
            except (OSError, http.client.HTTPException) as error:
                answers.append(repr(error))
            time.sleep(0.1)

    callers = [threading.Thread(target=caller) for _ in range(2)]
    for it in callers:
        it.start()
    try:
        for replica in hospital.replicas:
            with hospital.without(replica):
                replica.stop()
                replica.start().wait_until_ready()
    finally:
        stopped.set()
        for it in callers:
            it.join()
    assert len(answers) > 20
    assert set(answers) == {200}
    assert hospital.order_select(replica=hospital.replicas[0])[0] == 200
