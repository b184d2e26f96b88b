"""The seal of an image: checked files are not checked again, changed ones are, and never silently."""

import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from cdshooks.knowledge.parsed import write_parsed
from cdshooks.knowledge.seal import PARSED as PARSED_FILE
from cdshooks.knowledge.seal import SEALED, fits, is_sealed, write_seal

ROOT = Path(__file__).parents[2]
LOADED = """
import cdshooks.knowledge.entries as entries
from cdshooks.knowledge.load import load_knowledge
asked = []
entries._validator = lambda kind, real=entries._validator: asked.append(kind) or real(kind)
print(load_knowledge().manifest.content_hash, len(asked))
"""
PARSED = """
import cdshooks.knowledge.parsed as parsed
from cdshooks.knowledge.files import files_under
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.seal import DATA
from cdshooks.knowledge.strict_yaml import read_yaml
asked = []
parsed.read_yaml = lambda path: asked.append(path) or read_yaml(path)
content = load_knowledge().manifest.content_hash
print(content, len(asked), all(parsed.read_document(it) == read_yaml(it) for it in files_under(DATA, ".yaml")))
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


def test_what_the_build_has_parsed_is_what_the_files_say_and_counts_only_under_the_seal(tmp_path):
    shutil.copytree(ROOT / "cdshooks", tmp_path / "cdshooks", ignore=shutil.ignore_patterns("__pycache__"))
    package = tmp_path / "cdshooks" / "knowledge"
    seal, roots, kept = package / "sealed.sha256", [package / it.name for it in SEALED], package / PARSED_FILE.name

    def started():
        done = subprocess.run([sys.executable, "-c", PARSED], cwd=tmp_path, capture_output=True, text=True, check=True)
        content, parsed, is_same = done.stdout.split()
        assert is_same == "True"
        return content, int(parsed)

    content, parsed = started()
    assert parsed > 40
    write_parsed(package / "data", kept)
    assert started() == (content, parsed)  # nothing has been sealed
    write_seal(seal, roots)
    assert started() == (content, 0)
    other = kept.read_bytes()
    kept.write_bytes(zlib.compress(zlib.decompress(other).replace(b"tdxd", b"tdm1")))
    assert started() == (content, parsed)
    kept.unlink()
    assert started() == (content, parsed)
