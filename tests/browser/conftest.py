"""One service, one Chromium and one page for all tests of a worker."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import date

import pytest
from playwright.sync_api import sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from cdshooks.app import build_app
from cdshooks.settings import Settings

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)


class Silent(WSGIRequestHandler):
    def log(self, *_):
        pass


@pytest.fixture(scope="session")
def origin(tmp_path_factory):
    settings = Settings(
        is_dev=True,
        is_evaluation=True,
        today=date(2026, 11, 24),
        max_body_mb=1,
        state_directory=tmp_path_factory.mktemp("state"),
    )
    app = build_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["cdshooks.fetching"].close()


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no Chromium, and in CI these tests always run")
        pytest.skip("needs Debian's chromium: apt-get install chromium fonts-dejavu-core")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


class Watched:
    """A page with everything that should not happen on it."""

    def __init__(self, page, origin):
        self.page, self.origin, self.faults = page, origin, []
        page.on("console", lambda it: self.faults.append(it.text) if it.type in {"error", "warning"} else None)
        page.on("pageerror", lambda it: self.faults.append(str(it)))
        page.on("request", lambda it: None if it.url.startswith((origin, "data:")) else self.faults.append(it.url))

    def open(self, path, width, scheme):
        self.faults.clear()
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme, media="screen")
        return self.page.goto(self.origin + path)


@pytest.fixture(scope="session")
def watched(browser, origin):
    page = browser.new_page()
    yield Watched(page, origin)
    page.close()
