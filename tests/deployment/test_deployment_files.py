"""Every deployment file against the schema of its kind, and against what the service really has."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client.metrics import MetricWrapperBase

from cdshooks.cli.main import main
from cdshooks.settings import SETTINGS, port_of_address
from cdshooks.web import metrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
MANIFESTS = [
    it
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml"))
    if path.name != "kustomization.yaml"
    for it in yaml.safe_load_all(path.read_text("utf-8"))
]
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
BOARD = json.loads((DEPLOY / "grafana" / "boards" / "cdshooks.json").read_text("utf-8"))
COUNTED = {
    name
    for it in vars(metrics).values()
    if isinstance(it, MetricWrapperBase)
    for family in it.describe()
    for name in (f"{family.name}_total", family.name, f"{family.name}_bucket", f"{family.name}_count")
} | {"up", "cds_kb_age_seconds", "cds_kb_state", "cds_switched_off", "cds_shadow"}


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def named_metrics(expression):
    return set(re.findall(r"\b(?:cds|http|fhir)_[a-z_]+|\bup\b", expression))


def test_con_05_compose_obeys_the_compose_specification():
    run(
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        str(ROOT / "docker-compose.yml"),
    )


def has_compose():
    # Version 1, as Debian 12 has it, refuses the name of the project.
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(
    not has_compose(), reason="docker compose (version 2) is not installed; the schema is checked above"
)
@pytest.mark.parametrize("profile", ["dev", "prod", "metrics"])
def test_con_05_compose_reads_each_profile(profile):
    run("docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "--profile", profile, "config", "--quiet")


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_con_05_every_service_is_limited_and_gains_no_privilege(name):
    service = COMPOSE["services"][name]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["profiles"]
    # The sandbox's FHIR server is a vendor's image that we do not harden further.
    assert name == "fhir" or "no-new-privileges:true" in service["security_opt"]


def test_con_05_start_order_waits_for_health():
    services = COMPOSE["services"]
    assert services["cdshooks"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert services["proxy"]["depends_on"]["cdshooks"]["condition"] == "service_healthy"
    assert "127.0.0.1" in services["database"]["healthcheck"]["test"]


(CONTAINER,) = (it["spec"]["template"]["spec"]["containers"][0] for it in MANIFESTS if it["kind"] == "Deployment")
UNIT = (DEPLOY / "systemd" / "cdshooks.service").read_text("utf-8")
SERVE = {
    **{name: it["command"] for name, it in COMPOSE["services"].items() if it.get("command", [""])[0] == "serve"},
    "kubernetes": CONTAINER["args"],
    "systemd": re.search(r"^ExecStart=\S+/cdshooks (.+)$", UNIT, re.MULTILINE)[1].split(),
    "image": json.loads(re.search(r"^CMD (.+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)[1]),
}
"""Place -> how the service is started there."""


@pytest.mark.parametrize("words", SERVE.values(), ids=SERVE)
def test_con_05_the_service_does_not_refuse_the_words_with_which_it_is_started(words, monkeypatch):
    """A profile for developers that listened beyond loopback never started: without tokens, the service refuses that."""
    started = []
    monkeypatch.setattr("os.execv", lambda _, arguments: started.append(arguments))
    monkeypatch.setattr("os.environ", dict(os.environ))
    ended = CliRunner().invoke(main, words)
    assert (ended.exit_code, len(started)) == (0, 1), ended.output


def test_obs_02_who_may_read_the_metrics_may_not_call_and_who_calls_may_not_read_them():
    """One port, told alike wherever it stands; in the cluster the ingress reaches the service alone and Prometheus the metrics."""
    (told,) = (it["value"] for it in CONTAINER["env"] if it["name"] == "CDSHOOKS_METRICS_BIND")
    port = port_of_address(told)
    assert port_of_address(COMPOSE["services"]["cdshooks"]["environment"]["CDSHOOKS_METRICS_BIND"]) == port
    assert f"CDSHOOKS_METRICS_BIND=127.0.0.1:{port}\n" in (DEPLOY / "systemd" / "settings.example").read_text("utf-8")
    assert {it["name"]: it["containerPort"] for it in CONTAINER["ports"]} == {"http": 8080, "metrics": port}
    (deployment, policy, service) = (
        next(it for it in MANIFESTS if it["kind"] == kind) for kind in ("Deployment", "NetworkPolicy", "Service")
    )
    assert deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"] == str(port)
    let_in = {
        next(iter(peer["namespaceSelector"]["matchLabels"].values())): [it["port"] for it in rule["ports"]]
        for rule in policy["spec"]["ingress"]
        for peer in rule["from"]
    }
    assert let_in == {"ingress-nginx": [8080], "monitoring": [port]}
    assert [it["port"] for it in service["spec"]["ports"]] == [8080]
    (job,) = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert [it["port"] for it in job["dns_sd_configs"]] == [port]


def test_con_05_no_secret_stands_in_the_compose_file():
    for service in COMPOSE["services"].values():
        for name in service.get("environment", {}):
            assert not re.search("password|database_url|hash_key", name, re.IGNORECASE) or name.endswith("_FILE")
    assert all(set(it) == {"file"} for it in COMPOSE["secrets"].values())


def test_con_05_prepare_writes_every_secret_that_compose_reads(tmp_path):
    place = tmp_path / "compose"
    place.mkdir()
    for name in ("prepare", "clients.example.toml"):
        shutil.copy(DEPLOY / "compose" / name, place / name)
    run(str(place / "prepare"))
    before = {it.name: it.read_bytes() for it in (place / "secrets").iterdir()}
    assert {Path(it["file"]).name for it in COMPOSE["secrets"].values()} == before.keys()
    assert len(before["hash_key"]) >= 16
    run(str(place / "prepare"))  # a second time changes nothing
    assert before == {it.name: it.read_bytes() for it in (place / "secrets").iterdir()}


def test_con_04_settings_in_deployment_files_are_settings_of_the_service():
    (deployment,) = (it for it in MANIFESTS if it["kind"] == "Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    named = {it["name"] for it in container["env"]}
    for service in COMPOSE["services"].values():
        named |= {it for it in service.get("environment", {}) if it.startswith("CDSHOOKS_")}
    assert {it.removeprefix("CDSHOOKS_").removesuffix("_FILE") for it in named} <= SETTINGS


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda it: it["kind"])
def test_con_06_manifests_obey_the_schema_of_kubernetes(manifest):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it reads its own schemas by a way that Python is leaving
        import kubernetes_validate

        kubernetes_validate.validate(manifest, "1.30", strict=True)


def test_con_06_pods_meet_the_restricted_profile():
    (deployment,) = (it for it in MANIFESTS if it["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["resources"]["limits"]
    # The drain and what is in flight end before the kubelet kills.
    assert pod["terminationGracePeriodSeconds"] > 5 + 30


def test_con_06_kustomization_names_every_manifest():
    base = DEPLOY / "kubernetes" / "base"
    named = yaml.safe_load((base / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert sorted(named) == sorted(it.name for it in base.glob("*.yaml") if it.name != "kustomization.yaml")


@pytest.mark.parametrize("rule", RULES, ids=lambda it: it["alert"])
def test_obs_05_each_alert_reads_metrics_of_the_service_and_has_a_runbook_entry(rule):
    assert named_metrics(rule["expr"]) <= COUNTED
    assert f"### {rule['alert']}\n" in (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"


@pytest.mark.parametrize("panel", BOARD["panels"], ids=lambda it: it["title"])
def test_obs_05_each_panel_reads_metrics_of_the_service(panel):
    for target in panel["targets"]:
        assert named_metrics(target["expr"])
        assert named_metrics(target["expr"]) <= COUNTED


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_obs_05_each_alert_fires_on_its_fault_and_none_on_a_healthy_service(monkeypatch):
    monkeypatch.chdir(DEPLOY / "prometheus")
    run("promtool", "check", "rules", "alerts.yml")
    run("promtool", "test", "rules", "alerts_test.yml")
