"""A hospital's signed overlay in a cluster: the shipped kustomization puts each file where it was signed, and the signature holds there.

A ConfigMap is mounted as the kubelet does it: the files lie in a hidden directory named after the hour, and links lead to them.
"""

import copy
import shutil
import warnings
from datetime import date
from pathlib import Path

import pytest
import yaml

from cdshooks.knowledge.check import check_knowledge
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.sign import add_signature
from cdshooks.settings import SETTINGS

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
WITH_OVERLAY = yaml.safe_load((KUBERNETES / "with-overlay" / "kustomization.yaml").read_text("utf-8"))
DAY, UNTIL = date(2026, 11, 24), date(2027, 5, 21)


def patched(manifest, operations):
    """What kustomize makes of it: each operation adds to the end of a list (RFC 6902)."""
    made = copy.deepcopy(manifest)
    for it in operations:
        *way, end = it["path"].strip("/").split("/")
        assert (it["op"], end) == ("add", "-")
        place = made
        for name in way:
            place = place[int(name) if isinstance(place, list) else name]
        place.append(it["value"])
    return made


(PATCH,) = (yaml.safe_load(it["patch"]) for it in WITH_OVERLAY["patches"])
DEPLOYMENT = patched(yaml.safe_load((KUBERNETES / "base" / "deployment.yaml").read_text("utf-8")), PATCH)
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
(GENERATED,) = WITH_OVERLAY["configMapGenerator"]
SOURCES = dict(it.split("=") for it in GENERATED["files"])
"""Key -> file beside the kustomization."""
VOLUMES = {it["name"]: it for it in POD["volumes"]}
PLACES = {it["key"]: it["path"] for it in VOLUMES["overlay"]["configMap"]["items"]}
"""Key -> file in the pod."""


def mounted(files, place, hour="2026_12_01_02_03_04.123456789"):
    """A ConfigMap's volume as the kubelet lays it out; ``files``: path in the volume -> content."""
    place.mkdir()
    for path, content in files.items():
        (place / f"..{hour}" / path).parent.mkdir(parents=True, exist_ok=True)
        (place / f"..{hour}" / path).write_bytes(content)
    (place / "..data").symlink_to(f"..{hour}")
    for name in {Path(it).parts[0] for it in files}:
        (place / name).symlink_to(f"..data/{name}")
    return place


@pytest.fixture
def overlay(tmp_path):
    """The files that the kustomization names, of the documented example, signed."""
    made = tmp_path / "overlay"
    for it in set(SOURCES.values()) - {"overlay/signatures.yaml"}:
        (tmp_path / it).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "docs" / "example-overlay" / Path(it).relative_to("overlay"), tmp_path / it)
    known = load_knowledge(made).manifest
    add_signature(
        made,
        reviewer="Dr A. Example, medical oncology",
        signed=DAY,
        until=UNTIL,
        version=known.version,
        content_hash=known.content_hash,
    )
    return made


def in_pod(overlay):
    return {PLACES[key]: (overlay.parent / source).read_bytes() for key, source in SOURCES.items()}


def test_con_06_the_patched_deployment_obeys_the_schema_and_the_settings_exist():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it reads its own schemas by a way that Python is leaving
        import kubernetes_validate

        kubernetes_validate.validate(DEPLOYMENT, "1.30", strict=True)
    assert WITH_OVERLAY["resources"] == ["../base"]
    settings = {it["name"]: it["value"] for it in CONTAINER["env"]}
    assert {it.removeprefix("CDSHOOKS_").removesuffix("_FILE") for it in settings} <= SETTINGS
    mounts = {it["name"]: it for it in CONTAINER["volumeMounts"]}
    assert settings["CDSHOOKS_KNOWLEDGE_OVERLAY"] == mounts["overlay"]["mountPath"]
    assert settings["CDSHOOKS_SWITCHES"] == f"{mounts['switches']['mountPath']}/switches.yaml"
    assert all(mounts[it]["readOnly"] for it in ("overlay", "switches"))
    assert mounts.keys() == VOLUMES.keys()


def test_each_file_is_put_where_it_was_signed():
    assert GENERATED["name"] == VOLUMES["overlay"]["configMap"]["name"]
    assert {key: f"overlay/{path}" for key, path in PLACES.items()} == SOURCES


def test_a_mounted_overlay_is_the_one_that_was_signed(overlay, tmp_path):
    as_signed, in_cluster = load_knowledge(overlay), load_knowledge(mounted(in_pod(overlay), tmp_path / "mounted"))
    assert as_signed.overlay
    assert in_cluster.overlay == as_signed.overlay
    assert in_cluster.manifest == as_signed.manifest
    assert in_cluster.manifest.signature(DAY) is not None
    assert check_knowledge(tmp_path / "mounted") == check_knowledge(overlay)


@pytest.mark.parametrize("path", ["regimens.yaml", "regimens/own.yaml", "codes/drug_names.csv"])
def test_saf_04_one_changed_file_behind_a_link_and_the_knowledge_is_unsigned_again(overlay, tmp_path, path):
    files = in_pod(overlay)
    files[path] += b"\n" if path.endswith(".csv") else b"# changed\n"
    assert load_knowledge(mounted(files, tmp_path / "mounted")).manifest.signature(DAY) is None


def test_the_hour_of_the_mount_changes_nothing(overlay, tmp_path):
    first = load_knowledge(mounted(in_pod(overlay), tmp_path / "first"))
    later = load_knowledge(mounted(in_pod(overlay), tmp_path / "later", hour="2027_01_02_03_04_05.987654321"))
    assert first.manifest == later.manifest
