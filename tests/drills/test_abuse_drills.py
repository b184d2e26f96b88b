"""Clients that send slowly, too much, or never to the end: their neighbours are answered, and the memory stays bounded."""

import contextlib
import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.drills.conftest import CALL, STORY

pytestmark = pytest.mark.drill
STUCK = 200
HEAD = b"GET /healthz HTTP/1.1\r\nHost: h\r\nX-Slow: "
BODY = f"POST {CALL} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{".encode()
CHUNKS = BODY.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked").replace(b"\r\n\r\n{", b"\r\n\r\n5\r\n{")


def _stuck(service, sent, count=STUCK):
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", service.port), 5)
        connection.sendall(sent)
        yield connection


def _answers_within(service, seconds, path="/healthz"):
    """How long an honest request waits; None when it is not answered in time."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=seconds)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        if connection.getresponse().status == 200:
            return time.monotonic() - began
    return None


def _resident_mb(service):
    def of(process):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return next(int(it.split()[1]) for it in lines if it.startswith("VmRSS")) // 1024

    return sum(map(of, service.workers()))


@pytest.mark.parametrize(("kind", "sent"), [("header", HEAD), ("body", BODY), ("chunks", CHUNKS), ("nothing", b"")])
def test_inp_08_clients_stuck_on_the_way_do_not_hold_their_neighbours(start, tell, kind, sent):
    service = start()
    slow = list(_stuck(service, sent))
    time.sleep(0.5)
    waited = [_answers_within(service, 5) for _ in range(20)]
    began = time.monotonic()
    service.show()
    tell(
        f"stuck in the {kind}",
        clients=len(slow),
        honest_requests=len(waited),
        unanswered=waited.count(None),
        slowest_ms=round(1000 * max(it or 5 for it in waited)),
        a_hook_call_ms=round(1000 * (time.monotonic() - began)),
    )
    for it in slow:
        it.close()
    assert None not in waited
    assert max(waited) < 1


@pytest.mark.parametrize("sent", [HEAD, BODY], ids=["header", "body"])
def test_inp_08_gunicorns_own_threads_would_be_held(start, tell, sent):
    service = start(workers=1, CDSHOOKS_THREADS="4", GUNICORN_CMD_ARGS="--worker-class gthread")
    slow = list(_stuck(service, sent, 8))
    time.sleep(0.5)
    waited = _answers_within(service, 2)
    kind = "header" if sent == HEAD else "body"
    tell(
        f"stuck in the {kind}, gunicorn's own worker",
        clients=len(slow),
        honest_requests=1,
        unanswered=int(waited is None),
    )
    assert waited is None
    for it in slow:
        it.close()


def test_inp_08_who_drips_is_cut_off_however_steadily(start, tell):
    service = start(CDSHOOKS_HEADER_SECONDS="1", CDSHOOKS_BODY_SECONDS="2")
    ended = {}

    def drip(kind, sent):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", service.port), 5) as connection:
            connection.sendall(sent)
            connection.settimeout(0.1)
            answer = b""
            while time.monotonic() - began < 15 and not answer:
                with contextlib.suppress(TimeoutError):
                    answer = connection.recv(65536)
                with contextlib.suppress(OSError):
                    connection.send(b"a")
        ended[kind] = (answer.split(b"\r\n")[0], time.monotonic() - began)

    drippers = [threading.Thread(target=drip, args=it) for it in (("header", HEAD), ("body", BODY), ("chunks", CHUNKS))]
    for it in drippers:
        it.start()
    for it in drippers:
        it.join(30)
    tell("drips", **{f"{kind}_cut_off_after_ms": round(1000 * it[1]) for kind, it in ended.items()})
    assert [it[0] for it in ended.values()] == [b"HTTP/1.1 408 Request Timeout"] * 3
    assert max(it[1] for it in ended.values()) < 8


def test_inp_08_an_answer_that_is_not_taken_holds_no_thread_for_long(start, tell):
    service = start(workers=1, CDSHOOKS_THREADS="2")
    greedy = []
    for _ in range(4):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(b"GET /knowledge.json HTTP/1.1\r\nHost: h\r\n\r\n" * 20)
        greedy.append(connection)
    time.sleep(0.5)
    began = time.monotonic()
    while _answers_within(service, 2) is None:
        assert time.monotonic() - began < 40
    tell(
        "answers not taken",
        clients=len(greedy),
        threads=2,
        answered_again_after_ms=round(1000 * (time.monotonic() - began)),
    )
    for it in greedy:
        it.close()


def _heavy():
    """The most that may be sent, in the forms that cost most to read."""
    story = json.dumps(STORY)
    observation = {
        "resourceType": "Observation",
        "subject": STORY["prefetch"]["observations"]["entry"][0]["resource"]["subject"],
    }
    many = json.loads(story)
    many["prefetch"]["observations"]["entry"].extend({"resource": observation} for _ in range(100_000))
    many = json.dumps(many)
    yield "100,000 entries", many[: many.find('"entry"')] + many[many.find('"entry"') :], 413
    yield "lists", story.replace("{", '{"x": [' + "[]," * 2_600_000 + "[]], ", 1), 413
    yield "numbers", story.replace("{", '{"x": [' + "0," * 3_900_000 + "0], ", 1), 413
    yield "a long text", story.replace("{", '{"x": "' + "word " * 1_500_000 + '", ', 1), 400
    yield "an attachment", story.replace("{", '{"data": "' + "QUJD" * 1_900_000 + '", ', 1), 200
    yield "over the limit", story.replace("{", '{"x": "' + "a" * 12_000_000 + '", ', 1), 413


def test_inp_01_and_02_the_heaviest_bodies_at_once_leave_memory_bounded_and_neighbours_answered(start, tell):
    service = start()
    service.show()
    before, peak, wrong, waited = _resident_mb(service), 0, [], []
    bodies = [(kind, body.encode(), status) for kind, body, status in _heavy()]

    def send(kind, body, status):
        for _ in range(3):
            got = service.send("POST", CALL, body)[0]
            if got not in {status, 503}:
                wrong.append((kind, got))

    senders = [threading.Thread(target=send, args=it) for it in bodies * 2]
    for it in senders:
        it.start()
    while any(it.is_alive() for it in senders):
        waited.append(_answers_within(service, 5))
        peak = max(peak, _resident_mb(service))
        time.sleep(0.05)
    tell(
        "heaviest bodies",
        calls=3 * len(senders),
        megabytes_sent=round(3 * 2 * sum(len(it[1]) for it in bodies) / 1e6),
        memory_before_mb=before,
        peak_mb=peak,
        honest_requests=len(waited),
        slowest_honest_ms=round(1000 * max(it or 5 for it in waited)),
    )
    assert wrong == []
    assert None not in waited
    assert peak - before < 600
    service.show()


def _fetched(service, base):
    """A call that leaves all to be fetched."""
    body = {key: it for key, it in STORY.items() if key != "prefetch"}
    return service.post(CALL, {**body, "fhirServer": base})[0]


def test_out_06_whatever_a_fhir_server_sends_memory_stays_bounded(start, tell, ehr):
    """One call at a time as OUT-06 asks, then eight at once; a plain client takes in what is sent and unpacks it."""
    service = start(workers=1)
    service.show()
    _fetched(service, f"{ehr}/none~None/fhir")
    grown = {}
    for at_once in (1, 8):
        for fault in ("bomb", "huge", "endless", "loop"):
            before, peak = _resident_mb(service), 0
            with ThreadPoolExecutor(at_once) as crowd:
                calls = [crowd.submit(_fetched, service, f"{ehr}/{fault}~Observation/fhir") for _ in range(at_once)]
                while not all(it.done() for it in calls):
                    peak = max(peak, _resident_mb(service))
                    time.sleep(0.02)
            grown[f"{fault}_{at_once}_at_once_mb"] = max(0, peak - before)
            assert {it.result() for it in calls} <= {412, 503}, fault
    tell("what a FHIR server sends", **grown)
    assert max(size for name, size in grown.items() if "_1_" in name) < 50
    assert max(grown.values()) < 8 * 50
    service.show()


def test_inp_01_a_client_that_sends_far_too_much_still_reads_the_refusal(start, tell):
    service = start()
    large = b'{"x": "' + b"a" * (8 * 1024 * 1024 + 100_000) + b'"}'
    statuses = [service.send("POST", CALL, large)[0] for _ in range(5)]

    def chunks():
        for at in range(0, len(large), 65536):
            yield large[at : at + 65536]

    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request("POST", CALL, chunks(), {"Content-Type": "application/json"}, encode_chunked=True)
    statuses.append(connection.getresponse().status)
    connection.close()
    tell("far too much", calls=len(statuses), refused=statuses.count(413))
    assert set(statuses) == {413}


def test_rel_07_a_connection_is_kept_and_requests_sent_ahead_are_answered_in_order(start, tell):
    service = start(workers=1)
    body = json.dumps(STORY).encode()
    call = (
        f"POST {CALL} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        connection.sendall(call + b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n" + call[:100])
        time.sleep(0.3)
        connection.sendall(call[100:] + b"GET /version HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answered.count(b"HTTP/1.1 200 OK") == 4
    order = [answered.find(it) for it in (b'"cards"', b'"alive"', b'"python"')]
    tell("sent ahead on one connection", requests=4, answered=answered.count(b"HTTP/1.1 200 OK"))
    assert order == sorted(order)


def test_inp_08_leave_to_send_a_body_is_given(start, tell):
    service = start(workers=1)
    body = json.dumps(STORY).encode()
    head = f"POST {CALL} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), 5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(body)
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    tell("leave asked to send a body", calls=1, answered_with_cards=answered.count(b'"cards"'))
    assert answered.count(b'"cards"') == 1
