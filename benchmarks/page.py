"""How long the page takes beside the hook call for the same patient: `python benchmarks/page.py` fails above twice the time."""

from __future__ import annotations

import logging
import statistics
import sys
import tempfile
import time
from datetime import date
from http import HTTPStatus
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cdshooks.app import build_app
from cdshooks.settings import Settings

FIXTURES = Path(__file__).parents[1] / "fhir_fixtures"
STORIES = (
    "after-thp-tdxd-tucatinib-active-brain-metastases",
    "everything-proven-has-been-used",
    "epic-codings-and-dates-in-words",
)
LIMIT, ROUNDS = 2.0, 30


def main() -> int:
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as state:
        settings = Settings(is_dev=True, is_evaluation=True, today=date(2026, 11, 24), state_directory=Path(state))
        client = build_app(settings).test_client()
        ratios = []
        for story in STORIES:
            body = (FIXTURES / story / "request.json").read_bytes()
            page, hook = [], []
            for _ in range(ROUNDS):
                start = time.process_time()
                assert (
                    client.post("/cds-services/her2-later-line", data=body, content_type="application/json").status_code
                    == HTTPStatus.OK
                )
                hook.append(time.process_time() - start)
                start = time.process_time()
                assert client.get(f"/app/stories/{story}").status_code == HTTPStatus.OK
                page.append(time.process_time() - start)
            ratios.append(statistics.median(page) / statistics.median(hook))
            print(
                f"{story}: hook {statistics.median(hook) * 1000:.1f} ms, page {statistics.median(page) * 1000:.1f} ms, "
                f"ratio {ratios[-1]:.2f}"
            )
    print(f"limit {LIMIT}")
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
