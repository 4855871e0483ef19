"""A person sends a day of events from the Dagster UI, and reads there what became of them."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline_tests.components.feeds import add_orders, days_ago, order, partition, received
from spotify_pipeline_tests.dagster_ui import web_server

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 120_000
"""Milliseconds for a page on a machine that others keep busy."""
DEFINITIONS = """
from spotify_pipeline_tests.components.feeds import FEED
from spotify_pipeline_tests.components.runs import definitions_of

defs = definitions_of({"orders": FEED})
"""
# Without the daemon nothing would take a run out of a queue.
INSTANCE = """
run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}
telemetry: {enabled: false}
nux: {enabled: false}
"""


def dagster_ui(folder: Path) -> AbstractContextManager[str]:
    """Dagster's web server over one feed; its address."""
    (folder / "dagster").mkdir()
    (folder / "dagster" / "dagster.yaml").write_text(INSTANCE)
    (folder / "feed_definitions.py").write_text(DEFINITIONS)
    return web_server(
        Path(sys.executable).parent,
        "-f",
        str(folder / "feed_definitions.py"),
        environment={**os.environ, "DAGSTER_HOME": str(folder / "dagster"), "PYTHONPATH": os.pathsep.join(sys.path)},
        folder=folder,
    )


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}")
def test_a_day_is_sent_from_the_browser_and_its_account_is_read_there(
    environment: Path, sandbox: SandboxServer, tmp_path: Path
) -> None:
    yesterday = days_ago(1, hour=12)
    orders = [order(number, yesterday) for number in range(7)]
    orders += [order(7, yesterday, agreed=False), order(8, yesterday, email="nobody")]
    add_orders(environment, *orders)
    from playwright.sync_api import expect, sync_playwright

    with dagster_ui(tmp_path) as url, sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"],
        )
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{url}/locations/feed_definitions.py/asset-groups/orders")
        page.get_by_role("button", name="Materialize all").first.click()
        dialog = page.get_by_role("dialog")
        chosen = dialog.get_by_role("textbox").first
        chosen.fill(partition(1))
        chosen.press("Enter")
        dialog.get_by_role("button", name=re.compile("^Launch")).click()
        deadline = time.monotonic() + PATIENCE / 1000
        while len(received(sandbox)) < 7 and time.monotonic() < deadline:
            page.wait_for_timeout(500)
        assert sorted(received(sandbox)) == [f"order-{number}" for number in range(7)]

        page.goto(f"{url}/assets/orders/delivery?view=partitions&partition={partition(1)}")
        expect(page.get_by_text("sent by this run")).to_be_visible(timeout=PATIENCE)
        shown = re.sub(r"\s+", " ", page.inner_text("body"))
        for line in ("read 9", "delivered 7", "pending 0"):
            assert line in shown, shown
        assert "example.com" not in shown

        page.goto(f"{url}/assets/orders/delivery?view=checks&checkDetail=accounts_add_up")
        expect(page.get_by_text("9 read = 7 delivered")).to_be_visible(timeout=PATIENCE)
        browser.close()
