"""Stopping, overload, wrong settings, and counting over workers that come and go."""

import copy
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.drills.conftest import CALL, ROOT, STORY, crowd_calling, free_port, overridden

pytestmark = pytest.mark.drill
AS_JSON = {"Content-Type": "application/json"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def test_rel_06_sigterm_cuts_no_call_in_flight(start, tell):
    service = start(CDSHOOKS_DRAIN_SECONDS="2")
    with crowd_calling(service, 4) as (statuses, cut):
        time.sleep(1)
        began, answered_before = time.monotonic(), len(statuses)
        service.process.terminate()
        said = service.wait_until_ready(seconds=2, status=503)  # a load balancer looks, and sends no more
    assert service.process.wait(30) == 0
    tell(
        "SIGTERM in flight",
        calls_answered=len(statuses),
        after_the_order=len(statuses) - answered_before,
        cut=len(cut),
        ended_after_ms=round(1000 * (time.monotonic() - began)),
        exit_status=0,
    )
    assert "told to stop" in said["problems"][0]
    assert cut == []
    assert set(statuses) == {200}
    assert len(statuses) > answered_before


def test_rel_04_beyond_capacity_calls_are_told_to_come_back_and_none_piles_up(start, tell):
    service = start(workers=1, CDSHOOKS_MAX_IN_FLIGHT="2", CDSHOOKS_THREADS="24")
    answers, health = [], []

    def burst():
        for _ in range(6):
            began = time.monotonic()
            status, _, headers = service.post(CALL, STORY)
            answers.append((status, headers.get("Retry-After"), time.monotonic() - began))

    callers = [threading.Thread(target=burst) for _ in range(20)]
    for it in callers:
        it.start()
    while any(it.is_alive() for it in callers):
        health.append(service.get("/healthz")[0])
        time.sleep(0.05)
    for it in callers:
        it.join(60)
    refused = [it for it in answers if it[0] == 503]
    tell(
        "beyond capacity",
        calls=len(answers),
        answered=len(answers) - len(refused),
        told_to_come_back=len(refused),
        slowest_ms=round(1000 * max(it[2] for it in answers)),
        health_asked_and_alive=len(health),
    )
    assert {it[0] for it in answers} == {200, 503}
    assert all(int(it[1]) >= 1 for it in refused)
    assert set(health) == {200}
    service.show()


def test_start_up_reads_the_knowledge_once_and_a_worker_that_replaces_another_needs_no_file(start, tell, tmp_path):
    overlay = tmp_path / "overlay"
    shutil.copytree(ROOT / "docs" / "overlay-example", overlay)
    service = start(CDSHOOKS_KNOWLEDGE_OVERLAY=str(overlay))
    service.show()
    shutil.rmtree(overlay)  # whoever read it again would find nothing
    before = set(service.workers())
    for it in before:
        os.kill(it, signal.SIGKILL)
    while before & set(service.workers()) or len(service.workers()) < len(before):
        time.sleep(0.1)
    cards = service.show()
    tell("workers replaced without knowledge files", workers=len(service.workers()), cards=len(cards))


def test_rel_09_all_faults_of_a_start_are_told_at_once(tmp_path, tell):
    wrong = {
        "CDSHOOKS_JURISDICTION": "MOON",
        "CDSHOOKS_DEADLINE_MS": "-1",
        "CDSHOOKS_MAX_BODY_MB": "much",
        "CDSHOOKS_TODAY": "tomorrow",
        "CDSHOOKS_DATABASE_URL": "mysql://secret@db",
        "CDSHOOKS_WORKER_CLASS": "fast",
        "CDSHOOKS_THREADS": "0",
        "CDSHOOKS_HASH_KEY": "short",
        "CDSHOOKS_BASE_ULR": "https://cds.example.org",
    }
    began = time.monotonic()
    words = [sys.executable, "-m", "cdshooks", "serve", "--port", "0"]
    environment = {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path), **wrong}
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    tell(
        "faults of a start",
        wrong_settings=len(wrong),
        told=sum(f"- {name} " in ended.stderr for name in wrong),
        exit_status=ended.returncode,
        after_ms=round(1000 * (time.monotonic() - began)),
    )
    assert ended.returncode != 0
    assert [name for name in wrong if f"- {name} " not in ended.stderr] == []
    assert "secret" not in ended.stderr


def test_obs_04_counts_of_all_workers_add_up_and_survive_their_recycling(start, tell):
    service = start(workers=4, GUNICORN_CMD_ARGS="--max-requests 40 --max-requests-jitter 10")
    first, calls = set(service.workers()), 400

    def ask():
        for _ in range(calls // 8):
            assert service.post(CALL, {})[0] == 400

    callers = [threading.Thread(target=ask) for _ in range(8)]
    for it in callers:
        it.start()
    for it in callers:
        it.join(120)
    text = service.get("/metrics")[1]
    counted = float(re.search(r'cds_requests_total\{outcome="refused",service="her2-later-line"\} (\S+)', text)[1])
    ended = first - set(service.workers())
    tell(
        "counts over workers",
        calls=calls,
        counted=int(counted),
        workers_recycled=f"at least {len(ended)}",
        series=text.count("\n"),
    )
    assert counted == calls
    assert ended
    assert 'cds_kb_state{state="current"} 1.0' in text


def test_obs_02_the_metrics_have_an_address_of_their_own_on_which_nobody_calls(start, tell):
    port = free_port()
    service = start(workers=3, CDSHOOKS_METRICS_BIND=f"127.0.0.1:{port}")
    inside = copy.copy(service)
    inside.port = port
    calls = 60
    with ThreadPoolExecutor(6) as crowd:
        assert set(crowd.map(lambda _: service.post(CALL, {})[0], range(calls))) == {400}
    wanted = {"/metrics": (404, 200), "/metrics/": (404, 200), "/cds-services": (200, 404), "/openapi.json": (200, 404)}
    wanted |= {"/healthz": (200, 200), "/readyz": (200, 200), "/version": (200, 200), "/": (200, 404)}
    for _ in range(2):  # again with the workers that a reload brings
        told = {path: (service.get(path)[0], inside.get(path)[0]) for path in wanted}
        assert told == wanted
        named = {"Host": f"127.0.0.1:{port}", "X-Forwarded-Port": str(port)}
        assert service.send("GET", "/metrics", **named)[0] == 404, "whoever calls chooses the header"
        assert inside.post(CALL, STORY)[0] == 404
        before = set(service.workers())
        service.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 60
        while before & set(service.workers()) and time.monotonic() < until:
            time.sleep(0.1)
    text = inside.get("/metrics")[1]
    counted = float(re.search(r'cds_requests_total\{outcome="refused",service="her2-later-line"\} (\S+)', text)[1])
    tell("metrics on their own address", calls=calls, counted=int(counted), workers=3, pages=len(wanted), reloads=2)
    assert counted == calls


def test_obs_02_gunicorn_started_without_that_address_says_so(tmp_path):
    words = ["gunicorn", "--config", "python:cdshooks.gunicorn_settings", "--bind", f"127.0.0.1:{free_port()}"]
    environment = {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path), "CDSHOOKS_DEV": "1"}
    environment["CDSHOOKS_METRICS_BIND"] = f"127.0.0.1:{free_port()}"
    ended = subprocess.run(
        [sys.executable, "-m", *words, "cdshooks.wsgi:app"],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    assert "CDSHOOKS_METRICS_BIND is set and gunicorn does not listen there" in ended.stderr


def test_pid_07_calls_of_many_patients_at_once_never_cross(start, tell):
    """Each answer, down to the letter, is the one that the same patient gets alone; only its uuids are new."""
    service = start(CDSHOOKS_DEADLINE_MS="20000")
    stories = [json.loads(it.read_text("utf-8")) for it in sorted((ROOT / "fhir_fixtures").glob("*/request.json"))]
    paths = {"order-select": CALL, "order-sign": f"{CALL}-sign", "patient-view": f"{CALL}-view"}

    def of(number):
        story = stories[number % len(stories)]
        mine, patient = f"patient-{number}", story["context"]["patientId"]
        text = json.dumps(story).replace(f'"{patient}"', f'"{mine}"').replace(f"Patient/{patient}", f"Patient/{mine}")
        status, answer, _ = service.send("POST", paths[story["hook"]], text.encode(), **AS_JSON)
        return status, UUID.sub("uuid", json.dumps(answer, sort_keys=True))

    patients = 2 * len(stories)
    alone = [of(number) for number in range(patients)]
    crowd = [number for number in range(patients) for _ in range(max(1, 400 // patients))]
    random.Random(3).shuffle(crowd)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(of, crowd))
    crossed = [number for number, answer in zip(crowd, together, strict=True) if answer != alone[number]]
    cards = sum(answer.count('"summary"') for _, answer in together)
    tell("many patients at once", calls=len(crowd), patients=patients, cards=cards, crossed=len(crossed))
    assert crossed == []
    assert cards > len(crowd) // 4
    assert len(set(alone)) > len(stories) // 2


def test_log_01_what_a_whole_conversation_leaves_behind_names_no_patient(start, tmp_path, tell):
    service = start()
    cards = service.show()
    answer = overridden(cards[0])
    answer["feedback"][0]["overrideReason"] = {"userComment": "CANARY-COMMENT"}
    assert service.post(f"{CALL}/feedback", answer)[0] == 200
    assert service.post(CALL, STORY | {"prefetch": {}})[0] == 412
    assert service.post(CALL, STORY | {"hook": "CANARY-HOOK"})[0] == 400
    assert service.get("/CANARY-PATH")[0] == 404
    assert "CANARY" not in service.get("/metrics")[1]
    service.stop()
    kept = b"".join(it.read_bytes() for it in (tmp_path / "cdshooks").iterdir())
    service.check_log()
    tell(
        "canaries",
        calls=6,
        in_log=0,
        in_metrics=0,
        of_the_patient_in_store=kept.count(b"CANARY-PATIENT"),
        log_lines=len(service.lines),
    )
    assert b"CANARY-PATIENT" not in kept
    assert b"CANARY-COMMENT" not in kept
    assert b"CANARY-USER" in kept  # an audit event names who asked
