"""Four searches of 100 ms each, asked as one call asks them, against one: they should cost hardly more (aim: at most 1.3 times).

The FHIR server runs in a process of its own, over loopback. Printed: medians in milliseconds, and their ratio.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from cdshooks.ehr.searches import query_for
from cdshooks.ehr.source import Completeness
from cdshooks.fetching.addresses import policy_for, read_base
from cdshooks.fetching.server import FhirServer, FhirSession

ROOT = Path(__file__).parents[1]
STORY = ROOT / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
DELAY_MS, ROUNDS, AIM = 100, 15, 1.3
KEYS = ("conditions", "observations", "medicationRequests", "procedures")


class _Deaf:
    def asked(self, key: str, status: str, seconds: float) -> None: ...

    def lacking(self, keys: tuple[str, ...], because: str) -> None:
        raise AssertionError(f"{keys}: {because}")

    def rests(self, base: str, *, is_resting: bool) -> None: ...


def main() -> None:
    command = [
        sys.executable,
        "scripts/fhir_server.py",
        "--port",
        "0",
        "--delay-ms",
        str(DELAY_MS),
        "--page-size",
        "1000",
    ]
    with subprocess.Popen([*command, str(STORY)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        base = read_base(process.stdout.readline().decode().strip())
        assert base is not None
        server = FhirServer(base, policy_for(base, ()), _Deaf())
        try:
            measure(server)
        finally:
            server.close()
            process.kill()


def measure(server: FhirServer) -> None:
    patient = json.loads(STORY.read_text(encoding="utf-8"))["context"]["patientId"]
    taken: dict[int, list[float]] = {1: [], len(KEYS): []}
    for number in range(ROUNDS + 1):
        for count, times in taken.items():
            queries = [query_for(key, patient) for key in KEYS[:count]]
            began = time.perf_counter()
            answers = FhirSession(server=server, token=None, until=time.monotonic() + 5).fetch(queries)
            if number:  # the first round opens the connections
                times.append((time.perf_counter() - began) * 1000)
            assert all(it.completeness is Completeness.WHOLE for it in answers)
    one, four = (statistics.median(it) for it in taken.values())
    print(f"one search of {DELAY_MS} ms    {one:7.1f} ms")
    print(f"four side by side      {four:7.1f} ms")
    print(f"ratio                  {four / one:7.2f}    aim: at most {AIM}")


if __name__ == "__main__":
    main()
