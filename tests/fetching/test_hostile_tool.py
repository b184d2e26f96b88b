"""The shared tool with 42 ways to misbehave, where it lies beside the clone: a call that leaves everything to be fetched.

Good is: it ends in time, no token goes elsewhere, no suggestion rests on what is missing, and a failure is never an empty answer.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.fetching.conftest import DELAYING, ROOT, SHORT_DEADLINE_MS

TOOL = Path(os.environ.get("CDSHOOKS_SHARED", ROOT.parent / "shared")) / "tools" / "hostile_fhir.py"
pytestmark = pytest.mark.skipif(not TOOL.is_file(), reason="the shared tools are not beside this clone")
MODES = """
    ok empty hang slow3 drip reset truncated badjson html gzipbomb hugechunked deep nan dupkeys wrongtype other_patient mixed_patients
    no_subject outcome200 outcome_in_bundle null_entries loop endless next_other_host next_file redirect_other redirect_self
    redirect_metadata markdown log_injection deleted entered_in_error future flap s401 s403 s404 s410 s429 s500 s502 s503
""".split()  # noqa: SIM905 - a list of 42 words is read more easily so
EXPECTED = {"ok": {200}, "flap": {200, 412}, "other_patient": {400}, "mixed_patients": {400}}
"""Elsewhere 412. With ``flap`` every second request fails, whosesoever: a query asked beside others may fail twice."""


@pytest.fixture(scope="module")
def hostile():
    with subprocess.Popen([sys.executable, str(TOOL), "0"], stdout=subprocess.PIPE, text=True) as process:
        lines = (process.stdout.readline(), process.stdout.readline())
        yield lines[-1].split()[-1].removesuffix("/<mode>")
        process.kill()


def seen(origin):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{origin}/_seen", timeout=5) as answer:
        return json.load(answer)


@pytest.mark.parametrize("mode", MODES)
def test_everything_fetched(ask, hostile, mode):
    began = time.monotonic()
    answer = ask(f"{hostile}/{mode}")
    assert mode not in DELAYING - {"slow3"} or time.monotonic() - began < SHORT_DEADLINE_MS / 1000 + 5
    assert answer.status_code in EXPECTED.get(mode, {412}), answer.get_data(as_text=True)
    if answer.status_code == 200:
        assert answer.get_json() == {"cards": []}


@pytest.mark.parametrize("mode", MODES)
def test_one_source_of_treatment_fetched_and_the_rest_prefetched(ask, story, hostile, mode):
    answer = ask(f"{hostile}/{mode}", {key: it for key, it in story["prefetch"].items() if key != "medicationRequests"})
    if mode in {"other_patient", "mixed_patients"}:
        assert answer.status_code == 400
        return
    cards = answer.get_json()["cards"]
    assert not any(it.get("suggestions") for it in cards)
    if mode == "flap":
        return
    is_told = any("incomplete" in it["summary"] for it in cards)
    is_whole = mode in {"ok", "empty", "markdown", "log_injection", "entered_in_error", "future"}
    assert is_told is not is_whole


def test_out_03_no_token_went_elsewhere(hostile):
    assert [it for it in seen(hostile) if it["mode"] == "_other"] == []
