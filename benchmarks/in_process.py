"""Measures the steps of a call in one process, in turns, by processor time."""

from __future__ import annotations

import gc
import io
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import orjson
from patients import TODAY, SyntheticPatient
from setting import PATH, SERVICE, Caller, environment

from cdshooks.app import build_app
from cdshooks.cards.render import Occasion, render_cards
from cdshooks.ehr.draft_bundle import read_draft_bundle
from cdshooks.ehr.gather import gather_resources
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import BY_ID
from cdshooks.hooks.strict_json import check_json
from cdshooks.knowledge.load import Knowledge, load_knowledge
from cdshooks.lines.history import build_line_history
from cdshooks.options.assess import assess_options, judge_options
from cdshooks.options.case import Case
from cdshooks.options.facts import derive_facts
from cdshooks.options.trials.match import match_trials
from cdshooks.record.drafts import read_draft_orders
from cdshooks.record.read import read_patient_record
from cdshooks.settings import read_settings

ROUNDS = {10: 60, 100: 40, 1_000: 16, 5_000: 4}
SEEDS = (1, 2, 3)
Steps = dict[str, Callable[[], object]]


def measure(sizes: tuple[int, ...]) -> dict[int, dict[str, float]]:
    """Median milliseconds of each step by number of resources."""
    logging.disable(logging.CRITICAL)  # lines of the log go to a pipe over HTTP; here they would go to the table
    knowledge = load_knowledge()
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        caller = Caller(folder, "http://bench.example")
        app = build_app(read_settings(environment(folder, "http://bench.example")), knowledge)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)  # as the service sets it, see cdshooks.gunicorn_settings
        for size in sizes:
            bodies = [SyntheticPatient(size, seed).request() for seed in SEEDS]
            per_body = [_steps(body, knowledge, app.wsgi_app, caller) for body in bodies]
            found[size] = _in_turns(per_body, ROUNDS[size]) | {"kilobytes": len(bodies[0]) / 1000}
    return found


def _steps(body: bytes, knowledge: Knowledge, wsgi: Callable[..., Any], caller: Caller) -> Steps:
    request = read_hook_request(BY_ID[SERVICE], body)
    resources = gather_resources(request)
    drafts = read_draft_orders(read_draft_bundle(request, resources), resources, knowledge)
    record = read_patient_record(resources, knowledge)
    lines = build_line_history(record, knowledge, as_of=TODAY)

    def case() -> Case:
        facts = derive_facts(record, lines, knowledge, as_of=TODAY)
        return Case(record=record, lines=lines, facts=facts, knowledge=knowledge, as_of=TODAY, jurisdiction="US")

    known = case()
    advice = assess_options(record, lines, knowledge, as_of=TODAY, jurisdiction="US", orders=drafts, in_full=False)
    occasion = Occasion(
        hook="order-select",
        patient_id=request.patient_id,
        encounter_id=None,
        orders_cancer_treatment=True,
        ordered=tuple(sorted({agent for it in drafts for agent in it.agents})),
        is_date_fixed=True,
        is_signed=False,
    )

    def cards() -> bytes:
        made = render_cards(advice, knowledge, occasion, lambda: str(uuid4()))
        return msgspec.json.encode({"cards": [it.as_json() for it in made]})

    return {
        "orjson.loads": lambda: orjson.loads(body),
        "strict JSON": lambda: check_json(body),
        "reading": lambda: read_patient_record(gather_resources(request), knowledge),
        "lines": lambda: build_line_history(record, knowledge, as_of=TODAY),
        "options": lambda: judge_options(case()),
        "trials": lambda: match_trials(msgspec.structs.replace(known, shared={}), in_full=False),
        "cards": cards,
        "whole call": call_of(body, wsgi, caller),
    }


def call_of(body: bytes, wsgi: Callable[..., Any], caller: Caller) -> Callable[[], object]:
    """The whole call at the WSGI application: token, metrics, audit and store included, the server's own work left out."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "SERVER_NAME": "bench.example",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
    }
    tokens: list[str] = []

    def prepare() -> None:
        tokens.append(caller.token())

    def call() -> None:
        status: list[str] = []
        sent = environ | {"wsgi.input": io.BytesIO(body), "HTTP_AUTHORIZATION": tokens.pop()}
        answer = b"".join(wsgi(sent, lambda told, _headers, _error=None: status.append(told)))
        assert status[0].startswith("200"), (status, answer)

    call.prepare = prepare  # type: ignore[attr-defined]  # signed before the clock starts
    return call


def _in_turns(per_body: list[Steps], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in per_body[0]}
    for number in range(-1, rounds):
        steps = per_body[number % len(per_body)]
        for name, step in steps.items():
            if hasattr(step, "prepare"):
                step.prepare()
            began = time.process_time_ns()
            step()
            if number >= 0:  # the first round fills caches, as the first calls of a service do
                times[name].append((time.process_time_ns() - began) / 1e6)
    return {name: statistics.median(it) for name, it in times.items()}
