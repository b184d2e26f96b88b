"""What can be seen from outside of a call: its trace, its counts, its line in the log. Source: OBS-02 to OBS-04, LOG-01."""

import http.server
import json
import os
import subprocess
import sys
import threading

import click
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from cdshooks.app import build_app
from cdshooks.cli.serve import addresses
from cdshooks.settings import Settings, SettingsError, read_settings
from cdshooks.trace import read_trace
from cdshooks.web.tracing import tracing_faults
from tests.web.conftest import FIXTURES, STORY

ROOT = FIXTURES.parent
SERVICE = "/cds-services/her2-later-line"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_obs_03_the_callers_trace_goes_on_with_a_span_of_ours():
    trace = read_trace(PARENT)
    assert (trace.trace_id, trace.parent_id) == (TRACE, "b7ad6b7169203331")
    version, trace_id, span, flags = trace.traceparent.split("-")
    assert (version, trace_id, flags) == ("00", TRACE, "01")
    assert span != "b7ad6b7169203331"
    assert len(span) == 16


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "CANARY",
        PARENT.upper(),
        f"{PARENT}-more",
        f"{PARENT}\n",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_obs_03_a_header_that_is_not_valid_begins_a_new_trace(header):
    trace = read_trace(header)
    assert trace.parent_id is None
    assert trace.trace_id != TRACE
    assert len(trace.trace_id) == 32
    assert read_trace(header).trace_id != trace.trace_id


def test_obs_03_the_log_names_the_trace_and_a_hash_of_the_hook_instance(fire, story_request, caplog):
    with caplog.at_level("INFO", logger="cdshooks"):
        fire(story_request, headers={"traceparent": PARENT})
        fire(story_request)
    first, second = (json.loads(it.message) for it in caplog.records)
    assert first["request"] == TRACE
    assert second["request"] != TRACE
    assert first["hook"] == second["hook"]
    assert story_request["hookInstance"] not in caplog.text


@pytest.mark.parametrize(
    ("sent", "echoed"), [("abc-1.2_3", "abc-1.2_3"), ("a b", None), ("x" * 65, None), ("<script>", None)]
)
def test_obs_03_a_harmless_request_id_comes_back_and_any_other_does_not(client, sent, echoed):
    assert client.get("/healthz", headers={"X-Request-Id": sent}).headers.get("X-Request-Id") == echoed


@pytest.fixture
def count(client):
    def value(name):
        lines = client.get("/metrics").get_data(as_text=True).splitlines()
        return float(next((it.rsplit(" ", 1)[1] for it in lines if it.startswith(f"{name} ")), 0))

    return value


@pytest.mark.parametrize(
    ("change", "outcome"),
    [({}, "cards"), ({"prefetch": {}}, "precondition"), ({"hook": "other"}, "refused")],
)
def test_obs_04_a_call_is_counted_by_what_came_of_it(fire, story_request, count, change, outcome):
    name = f'cds_requests_total{{outcome="{outcome}",service="her2-later-line"}}'
    before = count(name)
    fire(story_request | change)
    assert count(name) == before + 1


def test_obs_04_cards_latency_missing_data_and_another_patients_data_are_counted(
    fire, story_request, count, loaded_knowledge
):
    names = (
        f'cds_cards_total{{indicator="info",kb="{loaded_knowledge.manifest.version}",rule="her2-later-line-options"}}',
        'http_server_request_duration_seconds_count{method="POST",route="/cds-services/<service_id>",status="200"}',
        'cds_incomplete_data_total{query="patient"}',
        "cds_patient_mismatch_total",
        'cds_prefetch_total{key="patient",state="sent"}',
        'cds_prefetch_total{key="patient",state="absent"}',
    )
    before = [count(it) for it in names]
    fire(story_request)
    fire(story_request | {"prefetch": {}})
    story_request["prefetch"]["patient"]["id"] = "another"
    fire(story_request)
    assert [count(it) - was for it, was in zip(names, before, strict=True)] == [1, 1, 1, 1, 2, 1]


def test_obs_04_the_verdict_on_each_option_is_counted(client, fire, story_request):
    def counted():
        lines = client.get("/metrics").get_data(as_text=True).splitlines()
        return sum(float(it.rsplit(" ", 1)[1]) for it in lines if it.startswith("cds_verdicts_total{"))

    before = counted()
    fire(story_request)
    assert counted() - before > 20


def test_obs_04_no_path_or_method_of_a_caller_becomes_a_label(client):
    client.open("/CANARY-PATH", method="CANARY")
    client.post("/cds-services/CANARY-SERVICE", json={})
    assert "CANARY" not in client.get("/metrics").get_data(as_text=True)


def test_obs_04_the_state_and_age_of_the_knowledge_are_told(count):
    assert count('cds_kb_state{state="current"}') == 1
    assert count("cds_kb_age_seconds") > 0


def test_obs_02_the_version_names_code_knowledge_and_python(client, loaded_knowledge):
    told = client.get("/version").get_json()
    assert told["knowledge_hash"] == loaded_knowledge.manifest.content_hash
    assert sorted(told) == ["commit", "knowledge", "knowledge_hash", "python", "version"]
    assert told["commit"] == "unknown"


def test_obs_02_the_image_tells_the_commit_that_it_was_built_from(loaded_knowledge, tmp_path):
    environment = {"CDSHOOKS_DEV": "1", "XDG_STATE_HOME": str(tmp_path), "CDSHOOKS_REVISION": "4c06a4f"}
    told = build_app(read_settings(environment), loaded_knowledge).test_client().get("/version").get_json()
    assert told["commit"] == "4c06a4f"
    assert "CDSHOOKS_REVISION=${REVISION}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    with pytest.raises(SettingsError, match="CDSHOOKS_REVISION must name a commit"):
        read_settings(environment | {"CDSHOOKS_REVISION": "a commit"})


@pytest.mark.parametrize(
    ("host", "port", "metrics", "listens"),
    [
        ("127.0.0.1", 8080, "", ("127.0.0.1:8080",)),
        ("::1", 8080, "", ("[::1]:8080",)),
        ("0.0.0.0", 8080, "10.0.0.5:9464", ("0.0.0.0:8080", "10.0.0.5:9464")),
        ("::", 8080, "[::1]:9464", ("[::]:8080", "[::1]:9464")),
        ("127.0.0.1", 8080, "9464", ("127.0.0.1:8080",)),  # a fault, which the settings tell
    ],
)
def test_obs_02_what_the_service_listens_on(host, port, metrics, listens):
    assert addresses(host, port, metrics) == listens


@pytest.fixture(scope="module")
def apart(loaded_knowledge, tmp_path_factory):
    settings = Settings(
        is_dev=True, is_evaluation=True, metrics_port=9464, state_directory=tmp_path_factory.mktemp("apart")
    )
    return build_app(settings, loaded_knowledge).test_client()


class FakeConnection:
    def __init__(self, address):
        self.getsockname = lambda: address


@pytest.mark.parametrize(
    ("address", "metrics", "discovery"),
    [
        (("127.0.0.1", 8080), 404, 200),
        (("10.0.0.5", 9464), 200, 404),
        (("fd00::5", 9464, 0, 0), 200, 404),
        ("/run/cdshooks.sock", 404, 200),
        (None, 404, 200),
    ],
)
def test_obs_02_the_connection_says_which_address_it_came_to_and_no_header_does(apart, address, metrics, discovery):
    """Of a socket in the file system, gunicorn makes the server's port out of the Host header."""
    told = {"SERVER_PORT": "9464", "HTTP_HOST": "metrics:9464", "HTTP_X_FORWARDED_PORT": "9464"}
    told |= {} if address is None else {"gunicorn.socket": FakeConnection(address)}
    assert apart.get("/metrics", environ_overrides=told).status_code == metrics
    assert apart.get("/cds-services", environ_overrides=told).status_code == discovery
    assert apart.get("/readyz", environ_overrides=told).status_code == 200


def test_obs_02_one_port_for_both_is_refused():
    with pytest.raises(click.UsageError, match="another port"):
        addresses("0.0.0.0", 8080, "127.0.0.1:8080")


@pytest.mark.parametrize("text", ["9464", ":9464", "host:", "host:0", "host:65536", "host:1e3", "::1:9464", "a b:9464"])
def test_obs_02_what_is_no_address_is_told_with_the_other_faults_of_a_start(text):
    with pytest.raises(SettingsError) as told:
        read_settings({"CDSHOOKS_METRICS_BIND": text, "CDSHOOKS_THREADS": "none"})
    assert [it.split()[0] for it in told.value.faults] == ["CDSHOOKS_METRICS_BIND", "CDSHOOKS_THREADS"]


def test_obs_03_without_an_endpoint_nothing_of_opentelemetry_is_loaded():
    code = "import sys, cdshooks.app; sys.exit(any(it.startswith('opentelemetry') for it in sys.modules))"
    environment = {name: it for name, it in os.environ.items() if not name.startswith("OTEL_")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_obs_03_an_endpoint_without_the_library_is_a_fault_of_the_start(monkeypatch):
    assert tracing_faults() == ()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert tracing_faults() == ()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in tracing_faults()[0]


SENDER = """
import json, sys
from cdshooks.app import build_app
from cdshooks.settings import read_settings
app = build_app(read_settings({"CDSHOOKS_DEV": "1", "XDG_STATE_HOME": sys.argv[1]}))
story = json.load(open(sys.argv[3], encoding="utf-8"))
patient = story["context"]["patientId"]
body = json.dumps(story | {"CANARY": 1}).replace(f'"{patient}"', '"CANARY-ID"').replace(f"Patient/{patient}", "Patient/CANARY-ID")
headers = {"traceparent": sys.argv[2], "Content-Type": "application/json"}
with app.test_client() as client:
    assert client.post("/cds-services/her2-later-line", data=body, headers=headers).get_json()["cards"]
from opentelemetry.sdk.trace import TracerProvider
from cdshooks.web import tracing
tracing._tracer.span_processor.force_flush()
"""


def test_obs_03_a_span_of_the_callers_trace_reaches_the_collector_and_names_no_patient(tmp_path):
    received = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
        subprocess.run(
            [sys.executable, "-c", SENDER, str(tmp_path), PARENT, str(STORY)], env=environment, check=True, timeout=60
        )
        collector.shutdown()
    (sent,) = (ExportTraceServiceRequest.FromString(it) for it in received)
    (span,) = sent.resource_spans[0].scope_spans[0].spans
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    assert span.name == "POST /cds-services/<service_id>"
    assert b"CANARY" not in received[0]


_COUNTING_ON_A_FULL_DISK = """
import os, resource, sys
from cdshooks.web import metrics
if worker := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
for _ in range(2):
    metrics.count(metrics.calls, "her2-later-line", "cards")
    metrics.observe(metrics.request_seconds, 0.1, "/healthz", "GET", "200")
    metrics.move(metrics.in_flight, 1)
print("still counting")
"""


def test_obs_04_a_count_that_cannot_be_written_fails_no_call(tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _COUNTING_ON_A_FULL_DISK], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "still counting\n", done.stderr


def test_obs_04_failed_retrievals_and_unknown_drugs_are_counted(fire, story_request, count):
    original = json.loads(json.dumps(story_request))
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    warned = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-found"}]}
    subject = {"reference": f"Patient/{story_request['context']['patientId']}"}
    unknown = (
        {"text": "Zorblaxumab (batch #3)"},
        {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "99999999"}]},
        {"coding": [{"system": "urn:local", "code": "CANARY"}]},
        {"coding": [{"code": "CANARY"}]},
    )
    requests = [
        {"resourceType": "MedicationRequest", "id": f"u{at}", "status": "active", "intent": "order", "subject": subject}
        | {"medicationCodeableConcept": concept}
        for at, concept in enumerate(unknown)
    ]
    story_request["prefetch"]["medicationRequests"].setdefault("entry", []).extend({"resource": it} for it in requests)
    story_request["prefetch"]["procedures"] = failed
    story_request["prefetch"]["allergies"] = {"resourceType": "Bundle", "entry": [{"resource": warned}]}
    names = (
        'cds_prefetch_total{key="procedures",state="failed"}',
        'cds_prefetch_total{key="allergies",state="failed"}',
        'cds_unmapped_codes_total{system="text"}',
        'cds_unmapped_codes_total{system="rxnorm"}',
        'cds_unmapped_codes_total{system="other"}',
    )

    def counted(request):
        before = [count(it) for it in names]
        assert fire(request).status_code == 200
        return [count(it) - was for it, was in zip(names, before, strict=True)]

    as_it_was = counted(original)
    assert [it - was for it, was in zip(counted(story_request), as_it_was, strict=True)] == [1, 0, 1, 1, 2]
