"""The public example packages, fetched once from the npm registry; never committed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGES = {"hl7.fhir.us.mcode": "4.0.0", "hl7.fhir.r4.examples": "4.0.1"}
HERE = Path(__file__).parent.parent / ".npm"


def fetch(name: str) -> Path:
    """The folder of an unpacked package. ``npm pack`` takes the package alone: its FHIR dependencies are not on npm."""
    home = HERE / f"{name}-{PACKAGES[name]}"
    if (home / "package" / "package.json").is_file():
        return home / "package"
    npm = shutil.which("npm")
    if npm is None:
        if os.environ.get("CI"):
            pytest.fail("npm is missing, so the public examples cannot be read; CI must have it")
        pytest.skip("npm is missing, so the public examples cannot be fetched")
    HERE.mkdir(exist_ok=True)
    made = subprocess.run(
        [npm, "pack", "--silent", f"{name}@{PACKAGES[name]}", "--pack-destination", str(HERE)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=HERE,
    )
    if made.returncode:
        if os.environ.get("CI"):
            pytest.fail(f"npm cannot fetch {name}: {made.stderr[:300]}")
        pytest.skip(f"npm cannot fetch {name}; is the registry in reach?")
    unpacked = HERE / f"{name}.{os.getpid()}"
    with tarfile.open(HERE / made.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(unpacked, filter="data")
    try:
        unpacked.rename(home)
    except OSError:  # another worker was faster
        shutil.rmtree(unpacked)
    return home / "package"


def resources_in(folder: Path) -> dict[str, dict]:
    found = {}
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if "resourceType" in content:
            found[path.name] = content
    return found


def by_patient(resources: dict[str, dict]) -> dict[str, list[dict]]:
    """Resources by the reference of the patient whom they are about."""
    found: dict[str, list[dict]] = defaultdict(list)
    for content in resources.values():
        subject = content.get("subject") or content.get("patient") or {}
        reference = subject.get("reference") if isinstance(subject, dict) else None
        if content["resourceType"] == "Patient":
            reference = f"Patient/{content.get('id')}"
        if reference and content["resourceType"] != "Bundle":
            found[reference].append(content)
    return dict(found)
