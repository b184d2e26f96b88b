"""An EHR launches the page in a real browser: signed in, shown, loaded again, and worth nothing in another browser."""

from __future__ import annotations

import socket
import threading

import pytest
from werkzeug.serving import make_server

from cdshooks.knowledge.load import load_knowledge
from tests.browser.conftest import Silent
from tests.smart_samples import launched_app, running_ehr

pytestmark = pytest.mark.browser


@pytest.fixture
def launched(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    with running_ehr(origin) as ehr, launched_app(load_knowledge(), tmp_path, ehr, origin) as app:
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Silent)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield origin, ehr
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_launch_ends_on_the_page_and_its_cookie_opens_nothing_elsewhere(browser, launched):
    origin, ehr = launched
    mine = browser.new_context()
    page, faults = mine.new_page(), []
    page.on("console", lambda it: faults.append(it.text) if it.type in {"error", "warning"} else None)
    page.goto(f"{origin}/launch?iss={ehr}&launch=good")
    assert page.url == f"{origin}/app#options"
    assert "3 metastatic lines" in page.inner_text("body")
    assert page.evaluate("document.cookie") == ""
    assert page.reload().status == 200
    assert faults == []

    strangers = browser.new_context()
    assert strangers.new_page().goto(f"{origin}/app").status == 401
    thiefs = browser.new_context(user_agent="Another Browser")
    thiefs.add_cookies(mine.cookies())
    assert thiefs.new_page().goto(f"{origin}/app").status == 401
    assert page.reload().status == 401
    for it in (mine, strangers, thiefs):
        it.close()
