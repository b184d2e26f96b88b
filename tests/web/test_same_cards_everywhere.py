"""The same requests in processes that order sets and dicts of texts differently: the same answers, to the letter. Source: REL-11."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASKS = """
import json, sys
from datetime import date
from pathlib import Path
import msgspec
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import BY_ID
from cdshooks.knowledge.load import load_knowledge
from cdshooks.order_select import answer_hook

knowledge = load_knowledge()
for story in sorted(Path("fhir_fixtures").glob("*/request.json")):
    body = story.read_bytes()
    service = next(it for it in BY_ID.values() if it.hook == json.loads(body)["hook"])
    answer = answer_hook(
        read_hook_request(service, body), knowledge, as_of=date(2026, 11, 24), jurisdiction="US", new_uuid=lambda: "uuid"
    )
    print(story.parent.name, msgspec.json.encode(answer.cards).decode(), answer.verdicts, answer.unmapped)
"""
SEEDS = ("0", "1", "20")
"""``0`` switches the chance off; the others begin it differently. A set of texts comes in another order with nearly each."""


def test_rel_11_no_order_of_a_set_reaches_a_card():
    answered = {}
    for seed in SEEDS:
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            [sys.executable, "-c", ASKS], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        answered[seed] = ran.stdout.splitlines()
    first = answered[SEEDS[0]]
    assert len(first) > 20
    assert any('"summary"' in it for it in first)
    for lines in answered.values():
        assert [one.split()[0] for one, other in zip(first, lines, strict=True) if one != other] == []


def test_rel_11_the_seeds_do_change_the_order_of_a_set():
    said = "print(list({str(it) for it in range(99)}))"
    printed = {
        subprocess.run([sys.executable, "-c", said], env={"PYTHONHASHSEED": it}, capture_output=True, check=True).stdout
        for it in SEEDS
    }
    assert len(printed) == len(SEEDS)
