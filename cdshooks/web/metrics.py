"""What is counted, for Prometheus; no label holds a patient, a card or a free text. Source: OBS-04.

Under several workers each writes its own files in ``PROMETHEUS_MULTIPROC_DIR``, which ``cdshooks.gunicorn_settings`` sets
before this module is imported; a scrape sums them, those of workers that have ended included.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets of OpenTelemetry's HTTP conventions, so that both tell the same."""

request_seconds = Histogram(
    "http_server_request_duration_seconds",
    "Time from the first byte of a request to its answer.",
    ("route", "method", "status"),
    buckets=_SECONDS,
)
calls = Counter("cds_requests_total", "Hook calls by what came of them.", ("service", "outcome"))
cards = Counter("cds_cards_total", "Cards shown, by topic.", ("rule", "indicator", "kb"))
silenced = Counter("cds_cards_silenced_total", "Cards held back because they were answered already.", ("rule",))
verdicts = Counter("cds_verdicts_total", "Options judged for a patient, by verdict.", ("verdict",))
prefetch = Counter("cds_prefetch_total", "Prefetch keys by what was sent for them.", ("key", "state"))
unmapped_codes = Counter(
    "cds_unmapped_codes_total",
    "Drugs of a record that are not known, by their code system; by words alone.",
    ("system",),
)
feedback = Counter("cds_feedback_total", "Answers to cards, each counted once.", ("rule", "outcome", "reason"))
auth_failures = Counter("cds_auth_failures_total", "Callers that did not prove who they are.", ("reason",))
patient_mismatches = Counter("cds_patient_mismatch_total", "Calls refused because a resource was another patient's.")
incomplete_data = Counter("cds_incomplete_data_total", "Required data that was not to be had.", ("query",))
fhir_seconds = Histogram(
    "fhir_client_request_duration_seconds", "Time of a query to a FHIR server.", ("query", "status"), buckets=_SECONDS
)
fhir_circuit = Gauge(
    "fhir_circuit_state",
    "1 while a FHIR server is not asked, for it has failed.",
    ("base",),
    multiprocess_mode="livemax",
)
in_flight = Gauge("cds_inflight", "Calls being answered now.", multiprocess_mode="livesum")
canaries = Counter("cds_canaries_total", "Canaries evaluated, by what came of them.", ("outcome",))
canary_failures = Counter("cds_canary_failures_total", "Canaries that came out wrong: calls get 503.")
withheld = Counter("cds_withheld_total", "Calls not answered because of a fault found or a kill switch.", ("reason",))
store_failures = Counter("cds_store_failures_total", "Work on the store that failed.", ("operation",))


_UNWRITABLE = (OSError, ValueError, TypeError)
"""What a file of counts raises that cannot grow on a full disk, and thereafter, left closed by that."""


def count(counter: Counter, *labels: str, times: int = 1) -> None:
    """Add to a counter; a count that cannot be kept is lost, for no hook call may fail over it."""
    with suppress(*_UNWRITABLE):
        (counter.labels(*labels) if labels else counter).inc(times)


def observe(histogram: Histogram, seconds: float, *labels: str) -> None:
    """Add a time to a histogram, under the same promise."""
    with suppress(*_UNWRITABLE):
        histogram.labels(*labels).observe(seconds)


def move(gauge: Gauge, by: int) -> None:
    """Raise or lower a gauge, under the same promise."""
    with suppress(*_UNWRITABLE):
        gauge.inc(by)


def open_files() -> None:
    """Make this worker's files while there is room for them: later counts are written into the room they hold."""
    move(in_flight, 0)
    count(patient_mismatches, times=0)
    count(canary_failures, times=0)
    with suppress(*_UNWRITABLE):
        request_seconds.labels("/healthz", "GET", "200")


class _State:
    """Read at each scrape: age grows by itself, and a switch is a file that any process may read."""

    def __init__(self, age_seconds: float, state: str, off: Iterable[tuple[str, str]], *, is_shadow: bool) -> None:
        self._age_seconds, self._state, self._off, self._is_shadow = age_seconds, state, off, is_shadow

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "cds_kb_age_seconds", "Time since the knowledge was last reviewed.", value=self._age_seconds
        )
        state = GaugeMetricFamily("cds_kb_state", "1 for the state the knowledge is in.", labels=("state",))
        state.add_metric((self._state,), 1)
        yield state
        off = GaugeMetricFamily("cds_switched_off", "1 for what a kill switch has turned off.", labels=("kind", "name"))
        for kind, name in self._off:
            off.add_metric((kind, name), 1)
        yield off
        yield GaugeMetricFamily("cds_shadow", "1 while no card is shown.", value=float(self._is_shadow))


def scrape(
    *, knowledge_age_seconds: float, knowledge_state: str, off: Iterable[tuple[str, str]], is_shadow: bool
) -> bytes:
    """All metrics of all workers, in the text format of Prometheus."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # its authors typed the rest
    inner = CollectorRegistry()
    inner.register(_State(knowledge_age_seconds, knowledge_state, off, is_shadow=is_shadow))
    return generate_latest(registry) + generate_latest(inner)
