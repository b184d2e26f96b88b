"""Drafts that the full FHIR models passed when the image was built are not asked again; any other is, before it is used."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cdshooks.canaries import check_canaries
from cdshooks.cards import actions
from cdshooks.ehr.proved import prove, write_proved

ROOT = Path(__file__).parents[2]
STARTED = """
import sys
from cdshooks.cards.actions import prepare_drafts
from cdshooks.knowledge.load import load_knowledge
made = prepare_drafts(load_knowledge())
print(len(made), any(it.startswith("fhir.") for it in sys.modules))
"""


def start(place):
    done = subprocess.run([sys.executable, "-c", STARTED], cwd=place, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_was_proved_loads_no_models_and_one_changed_dose_does(tmp_path, loaded_knowledge):
    shutil.copytree(ROOT / "cdshooks", tmp_path / "cdshooks", ignore=shutil.ignore_patterns("__pycache__"))
    drafts = actions.prepare_drafts(loaded_knowledge)
    assert len(drafts) > 200
    assert start(tmp_path) == [str(len(drafts)), "True"]
    write_proved(drafts, tmp_path / "cdshooks" / "ehr" / "proved_drafts.txt")
    assert start(tmp_path) == [str(len(drafts)), "False"]
    changed = tmp_path / "cdshooks" / "knowledge" / "data" / "regimens" / "conjugates.yaml"
    changed.write_text(changed.read_text("utf-8").replace('text: "5.4 mg/kg"', 'text: "5.5 mg/kg"', 1), "utf-8")
    assert start(tmp_path) == [str(len(drafts)), "True"]


def test_what_is_no_fhir_is_refused_and_never_kept_as_proved(tmp_path):
    draft = {"resourceType": "ServiceRequest", "status": "draft", "subject": {"reference": "Patient/placeholder"}}
    with pytest.raises(ValueError, match="intent"):
        prove(draft)
    kept = tmp_path / "proved"
    with pytest.raises(ValueError, match="intent"):
        write_proved([draft], kept)
    assert not kept.exists()


def test_no_call_waits_for_the_models_after_a_start(loaded_knowledge, monkeypatch):
    actions.prepare_drafts(loaded_knowledge)

    def refuse(draft):
        raise ValueError(draft["id"])

    monkeypatch.setattr(actions, "prove", refuse)
    assert check_canaries(loaded_knowledge) == ()
