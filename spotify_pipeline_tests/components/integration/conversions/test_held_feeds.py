"""A mistake before a feed holds its delivery, is seen, and is fixed or approved; nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline.components.conversions.guards import FEEDS
from spotify_pipeline.conversions import view_outbox
from spotify_pipeline.mirror import Approval, ApprovalSource, ApprovalStore
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.feeds import FEED, FeedRuns, account, add_orders, days_ago, order, received
from spotify_pipeline_tests.components.runs import change_people, checks, evaluations, said_by
from spotify_pipeline_tests.home.here import home_here

SUPPRESSED = FEED + "  suppress: [{table: crm.never}]\n"


@pytest.fixture
def runs(load: Callable[..., dg.Definitions], environment: Path) -> FeedRuns:
    """A feed whose day before yesterday was sent, and yesterday's orders."""
    add_orders(environment, *(order(number, days_ago(2)) for number in range(20)))
    change_people(environment, "CREATE TABLE crm.never (email VARCHAR)")
    feed = FeedRuns(load({"orders": SUPPRESSED}))
    assert account(feed.run(2), 2)["delivered"] == 20
    add_orders(environment, *(order(number, days_ago(1)) for number in range(20, 40)))
    return feed


def suppress_most(environment: Path) -> None:
    change_people(environment, "INSERT INTO crm.never SELECT email FROM shop.orders WHERE order_id < 'order-38'")


@pytest.mark.e2e
def test_a19_a_suppression_list_that_holds_everybody_holds_the_feed_and_is_mended(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    suppress_most(environment)
    result = runs.run(1)
    assert not result.success
    assert checks(result)["delivery:guards"] is False
    shown = str(evaluations(result, "guards")["delivery"].description)
    assert "The delivery of orders is held." in shown
    assert "90% of the rows with consent are of suppressed people; usual are 0%" in shown
    assert "Nothing was sent; 2 events wait." in shown
    assert "spotify-pipeline conversions approve orders --digest" in said_by(result)
    assert len(received(sandbox)) == 20
    change_people(environment, "DELETE FROM crm.never")
    again = runs.run(1)
    assert again.success
    assert checks(again)["delivery:guards"] is True
    assert account(again, 1) == {"read": 20, "delivered": 20, "pending": 0, "filtered": 0, "dead": 0}


def names(paid: str) -> str:
    return FEED.replace("{value: PURCHASE}", f"{{column: event, names: {{paid: {paid}}}}}")


@pytest.mark.e2e
def test_a16_a19_names_that_ignore_by_mistake_hold_the_feed_and_nothing_is_lost_once_they_are_corrected(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(number // 20 + 1)) for number in range(40)))
    change_people(environment, "ALTER TABLE shop.orders ADD COLUMN event VARCHAR DEFAULT 'paid'")
    assert FeedRuns(load({"orders": names("PURCHASE")})).run(2).success
    held = FeedRuns(load({"orders": names("ignore")})).run(1)
    assert "[not_wanted]" in said_by(held)
    assert len(received(sandbox)) == 20
    again = FeedRuns(load({"orders": names("PURCHASE")})).run(1)
    assert account(again, 1) == {"read": 20, "delivered": 20, "pending": 0, "filtered": 0, "dead": 0}


@pytest.mark.e2e
def test_a16_consent_that_is_loaded_a_day_late_loses_nothing(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    """Of a day with few rows no guard speaks: it is judged again all the same, as long as it is in the window."""
    add_orders(environment, *(order(number, days_ago(1), agreed=None) for number in range(5)))
    runs = FeedRuns(load({"orders": FEED}))
    assert account(runs.run(1), 1) == {"read": 5, "delivered": 0, "pending": 0, "filtered": 5, "dead": 0}
    change_people(environment, "UPDATE shop.orders SET agreed = true")
    assert account(runs.run(3, 0), 1) == {"read": 5, "delivered": 5, "pending": 0, "filtered": 0, "dead": 0}
    assert len(received(sandbox)) == 5


@pytest.mark.e2e
def test_a19_another_run_is_held_too_until_somebody_approves_once(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    suppress_most(environment)
    held = runs.run(1)
    assert not held.success
    assert not runs.run(0).success
    digest = evaluations(held, "guards")["delivery"].metadata["approve"].value
    now = datetime.now(UTC)
    approval = Approval(
        audience="orders",
        ad_account_id=FEEDS,
        file_sha256=str(digest),
        reason="the list is right",
        approved_by="Anna",
        approved_at=now.isoformat(),
        expires_at=(now + timedelta(hours=1)).isoformat(),
        source=ApprovalSource.COMMAND,
    )
    ApprovalStore(StateStore.in_home(home_here())).give(approval)
    result = runs.run(1)
    assert result.success
    assert "Approved by Anna: the list is right" in str(evaluations(result, "guards")["delivery"].description)
    assert {"order-38", "order-39"} <= set(received(sandbox))
    assert runs.run(1).success, "what was approved is usual for that day"
    add_orders(environment, *(order(number, days_ago(0), total=None) for number in range(50, 70)))
    other = runs.run(0)
    assert not other.success
    assert "[dead]" in said_by(other)


@pytest.mark.e2e
def test_a19_a_load_that_did_not_run_holds_the_feed(runs: FeedRuns, environment: Path, sandbox: SandboxServer) -> None:
    change_people(environment, "DELETE FROM shop.orders WHERE order_id >= 'order-20'")
    add_orders(environment, order(90, days_ago(0)))
    result = runs.run(1, 0)
    assert not result.success
    assert "has no row at all, and the days before it have. Did the load run?" in said_by(result)
    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        assert sum(each.pending for each in outbox.accounts()) == 1
    assert "order-90" not in received(sandbox)


def test_a19_limits_are_stated_in_the_yaml_and_no_guard_is_turned_off(load: Callable[..., dg.Definitions]) -> None:
    load({"orders": FEED + "  guards: {max_dead_rise: 35%, min_events: 50}\n"})
    with pytest.raises(Exception) as caught:
        load({"orders": FEED + "  guards: {min_events: null}\n"})
    assert "a guard cannot be turned off" in str(innermost_mistake(caught.value))
