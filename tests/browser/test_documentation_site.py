"""The documentation site builds without a broken link, is readable, and asks nothing of anyone else."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "documentation"
    built = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs_site.py", "build", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    handler = functools.partial(Quiet, directory=folder / "site")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder / "site", f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_pages_are_shown_and_nothing_is_asked_of_others(site, browser):
    folder, origin = site
    elsewhere, faults = [], []
    page = browser.new_page()
    page.on("request", lambda it: None if it.url.startswith((origin, "data:", "blob:")) else elsewhere.append(it.url))
    page.on("pageerror", lambda it: faults.append(str(it)))
    page.on("response", lambda it: faults.append(it.url) if it.status >= 400 else None)
    for path in ("/", "/tour/", "/reference/line-rules/", "/explanation/safety-case/"):
        assert page.goto(origin + path).status == 200
        assert page.locator("h1").count() == 1
    page.goto(f"{origin}/tour/")
    assert page.locator("article img").evaluate_all("all => all.every(it => it.complete && it.naturalWidth > 300)")
    page.close()
    assert (elsewhere, faults) == ([], [])
    written = {it.parent.name for it in folder.rglob("index.html")}
    assert {"settings", "command-line", "http", "metrics", "criteria", "regimens", "sources"} <= written


def test_the_reference_tells_what_the_code_and_the_knowledge_hold(site):
    folder, _ = site

    def text(page):
        return (folder / "reference" / page / "index.html").read_text("utf-8")

    assert "CDSHOOKS_DEADLINE_MS" in text("settings")
    assert "cdshooks trials draft" in text("command-line")
    assert "/cds-services/&lt;service_id&gt;/feedback" in text("http")
    assert "cds_incomplete_data_total" in text("metrics")
    rules = text("line-rules")
    assert "R10-swap" in rules
    assert "R10 a taxane may replace a taxane within 45 days" in rules
    assert "52.6 vs 42.7" not in text("regimens"), "a figure that nobody verified is shown to nobody"
    assert "17.8 vs 6.9" in text("regimens")
