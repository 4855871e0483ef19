"""The check `parity`: what was delivered against what Spotify says it received. It warns and never fails a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from spotify_pipeline.components.conversions.definitions import WATCH_CONVERSIONS
from spotify_pipeline.conversions import VERDICTS, Settled, State, open_outbox
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.sandbox.store.event_store import Arrival
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.feeds import FEED, FeedRuns, add_orders, days_ago, order
from spotify_pipeline_tests.components.runs import evaluations
from spotify_pipeline_tests.home.here import home_here

TWO = {"orders": FEED, "lines": FEED.replace("order_id", "email")}


def ids(feed: str, hours: int, events: int) -> list[str]:
    return [f"{feed}-{hours}-{number}" for number in range(events)]


def received_earlier(sandbox: SandboxServer, feed: str, hours: int, events: int) -> None:
    """Let Spotify say that it received so many events so many hours ago."""
    at = datetime.now(UTC) - timedelta(hours=hours)
    (connection,) = sandbox.state.capi_connections.all()
    sandbox.state.events.take(
        [Arrival(event_id=each, name="PURCHASE", time=at, digest=b"") for each in ids(feed, hours, events)],
        dataset_id=connection.dataset_id,
        connection_id=connection.id,
        routed=True,
        now=at,
    )


def delivered_earlier(feed: str, hours: int, events: int) -> None:
    """Let the feed's outbox say that so many events were delivered so many hours ago."""
    at = datetime.now(UTC) - timedelta(hours=hours)
    keys = ids(feed, hours, events)
    verdicts = pl.DataFrame(
        {
            "key": keys,
            "event_id": keys,
            "event_name": ["PURCHASE"] * events,
            "event_time": [at] * events,
            "state": ["pending"] * events,
            "reason": [None] * events,
            "fields": [None] * events,
            "body": ["{}"] * events,
        },
        schema=VERDICTS,
    )
    with open_outbox(feed, StateStore.in_home(home_here())) as outbox:
        outbox.record(at.date(), [verdicts], at=at)
        claimed = outbox.claim(events, 1_000_000)
        outbox.settle({each.number: Settled(state=State.DELIVERED) for each in claimed}, at=at)


def watched(definitions: dg.Definitions, feed: str = "orders") -> dg.AssetCheckEvaluation:
    result = definitions.resolve_job_def(WATCH_CONVERSIONS).execute_in_process(raise_on_error=False)
    assert result.success
    (found,) = [each for each in result.get_asset_check_evaluations() if each.asset_key.path[0] == feed]
    return found


@pytest.mark.e2e
def test_events_delivered_a_moment_ago_are_not_compared_yet(
    load: Callable[..., dg.Definitions], environment: Path
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(3)))
    result = FeedRuns(load({"orders": FEED})).run(parity=True)
    parity = evaluations(result, "parity")["delivery"]
    assert parity.passed
    assert "0 events delivered, 0 received" in str(parity.description)


@pytest.mark.e2e
@pytest.mark.usefixtures("environment")
def test_events_that_spotify_does_not_show_are_a_warning_with_bars(load: Callable[..., dg.Definitions]) -> None:
    delivered_earlier("orders", 3, 12)
    parity = watched(load({"orders": FEED}))
    assert not parity.passed
    assert parity.severity is dg.AssetCheckSeverity.WARN
    assert "12 events delivered, 0 received by Spotify" in str(parity.description)
    assert "█" in str(parity.metadata["by hour"].value)


@pytest.mark.e2e
@pytest.mark.usefixtures("environment")
def test_events_that_spotify_shows_agree_hour_by_hour(
    load: Callable[..., dg.Definitions], sandbox: SandboxServer
) -> None:
    delivered_earlier("orders", 5, 7)
    delivered_earlier("orders", 3, 12)
    received_earlier(sandbox, "orders", 5, 7)
    received_earlier(sandbox, "orders", 3, 12)
    parity = watched(load({"orders": FEED}))
    assert parity.passed
    assert "19 events delivered, 19 received by Spotify." in str(parity.description)

    received_earlier(sandbox, "somebody_else", 3, 2)
    parity = watched(load({"orders": FEED}))
    assert not parity.passed
    assert "19 events delivered, 21 received by Spotify" in str(parity.description)
    assert "another sender uses this connection" in str(parity.description)


@pytest.mark.usefixtures("environment")
def test_feeds_that_share_a_connection_are_added_up(load: Callable[..., dg.Definitions]) -> None:
    delivered_earlier("orders", 3, 12)
    delivered_earlier("lines", 3, 8)
    parity = watched(load(TWO), "lines")
    assert "20 events delivered" in str(parity.description)
    assert "the feeds lines and orders together" in str(parity.description)


@pytest.mark.e2e
@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("SPOTIFY_REFRESH_TOKEN", "", "Not compared."),
        ("SPOTIFY_CAPI_CONNECTION_ID", "", "SPOTIFY_CAPI_CONNECTION_ID is not set"),
        ("SPOTIFY_CAPI_CONNECTION_ID", "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a", "sees no data set of the connection"),
    ],
)
def test_without_a_sign_in_or_a_connection_it_warns_that_nothing_was_compared(
    load: Callable[..., dg.Definitions], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    parity = watched(load({"orders": FEED}))
    assert not parity.passed
    assert parity.severity is dg.AssetCheckSeverity.WARN
    assert sentence in str(parity.description)
