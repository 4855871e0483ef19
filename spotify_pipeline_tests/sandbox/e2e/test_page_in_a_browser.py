"""The page for people in a browser: its buttons work, and nothing is blocked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spotify_pipeline_tests.sandbox.visitor import Visitor

CHROMIUM = Path("/usr/bin/chromium")


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}")
def test_in_a_browser_the_clock_moves_and_consent_goes_back(visitor: Visitor) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
        )
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(visitor.server.url)
        page.get_by_role("button", name="+1 day").click()
        page.get_by_text("24.0 h ahead").wait_for()
        assert complaints == []

        back = f"{visitor.server.url}/callback"
        page.goto(
            f"{visitor.server.url}/authorize?client_id=sandbox-client&response_type=code&redirect_uri={back}&state=abc"
        )
        page.get_by_role("button", name="Agree").click()
        page.wait_for_url(re.compile(r"/callback\?code=[^&]+&state=abc$"))
        browser.close()
