"""The seal of an image: checked files are not checked again, changed ones are, and never silently."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cdshooks.knowledge.seal import SEALED, fits, is_sealed, write_seal

ROOT = Path(__file__).parents[2]
LOADED = """
import cdshooks.knowledge.entries as entries
from cdshooks.knowledge.load import load_knowledge
asked = []
entries._validator = lambda kind, real=entries._validator: asked.append(kind) or real(kind)
print(load_knowledge().manifest.content_hash, len(asked))
"""


def load(place):
    return subprocess.run([sys.executable, "-c", LOADED], cwd=place, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    place = tmp_path_factory.mktemp("image")
    shutil.copytree(ROOT / "cdshooks", place / "cdshooks", ignore=shutil.ignore_patterns("__pycache__"))
    return place


def test_a_checkout_has_no_seal():
    assert not is_sealed()


def test_a_seal_fits_the_files_as_they_were(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.yaml").write_text("a: 1")
    seal = tmp_path / "seal"
    assert not fits(seal, [folder])
    write_seal(seal, [folder])
    assert fits(seal, [folder])
    (folder / "a.yaml").write_text("a: 2")
    assert not fits(seal, [folder])
    (folder / "a.yaml").write_text("a: 1")
    (folder / "b.yaml").write_text("")
    assert not fits(seal, [folder])


def test_sealed_knowledge_is_the_same_and_a_changed_file_is_checked_and_refused(copied):
    checked, times = load(copied).stdout.split()
    assert int(times) > 500
    package = copied / "cdshooks" / "knowledge"
    write_seal(package / "sealed.sha256", [package / it.name for it in SEALED])
    assert load(copied).stdout.split() == [checked, "0"]
    changed = package / "data" / "quiet.yaml"
    changed.write_text(changed.read_text("utf-8").replace("accepted_days: ", "accepted_dayz: ", 1), "utf-8")
    refused = load(copied)
    assert refused.returncode != 0
    assert "accepted_dayz" in refused.stderr
