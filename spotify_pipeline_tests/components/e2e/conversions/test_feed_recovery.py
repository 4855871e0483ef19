"""What a feed's run makes of lost answers, refusals of everything, another run, and its own death."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from spotify_pipeline.components.conversions.resources import Outboxes
from spotify_pipeline.components.resources import WarehouseResource
from spotify_pipeline.conversions import open_outbox, view_outbox
from spotify_pipeline.sandbox import SandboxServer, read_fault
from spotify_pipeline.state import StateStore, tables
from spotify_pipeline.warehouse import Relation, SegmentReader
from spotify_pipeline_tests.components.feeds import (
    FEED,
    SMALL_BATCHES,
    FeedRuns,
    account,
    add_orders,
    days_ago,
    order,
    received,
    shown,
)
from spotify_pipeline_tests.components.runs import definitions_of, said_by
from spotify_pipeline_tests.home.here import home_here

LONGEST = 90.0
ALL_DELIVERED = {"read": 20, "delivered": 20, "pending": 0, "filtered": 0, "dead": 0}


@pytest.fixture
def runs(load: Callable[..., dg.Definitions], environment: Path) -> FeedRuns:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(20)))
    return FeedRuns(load({"orders": SMALL_BATCHES}))


def test_a01_an_answer_that_is_lost_is_asked_for_again_with_the_same_ids(
    runs: FeedRuns, sandbox: SandboxServer
) -> None:
    sandbox.state.faults.script(read_fault({"operation": "send_events", "nth": 2, "after": [{"do": "cut"}]}))
    assert account(runs.run()) == ALL_DELIVERED
    arrived = received(sandbox)
    assert len(arrived) == 20
    assert sorted(each["times_received"] for each in arrived.values()) == [1] * 15 + [2] * 5  # type: ignore[type-var]
    assert all(each["same_body"] for each in arrived.values())


@pytest.mark.slow
def test_a05_a10_a_run_killed_between_sending_and_noting_it_loses_nothing(
    one_machine: dg.DagsterInstance, environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(20)))
    stalled = {"operation": "send_events", "nth": 3, "after": [{"do": "stall", "seconds": 60}]}
    sandbox.state.faults.script(read_fault(stalled))
    child = subprocess.Popen([sys.executable, "-m", "spotify_pipeline_tests.components.feed_in_child"])
    deadline = time.monotonic() + LONGEST
    while len(received(sandbox)) < 15 and child.poll() is None:
        assert time.monotonic() < deadline, "it did not send"
        time.sleep(0.05)
    child.kill()
    child.wait(LONGEST)

    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        (before,) = outbox.accounts()
    assert before.adds_up
    assert (before.read, sum(before.dead.values())) == (20, 0)
    assert 5 <= before.pending <= 20
    result = FeedRuns(definitions_of({"orders": SMALL_BATCHES})).run()
    assert account(result) == ALL_DELIVERED
    arrived = received(sandbox)
    assert len(arrived) == 20
    assert all(each["same_body"] for each in arrived.values())


def test_a04_when_spotify_refuses_everything_the_run_fails_and_nothing_is_dead(
    runs: FeedRuns, sandbox: SandboxServer
) -> None:
    refusal = {"do": "reply", "status": 400, "body": '{"message": "INVALID_ARGUMENT"}'}
    sandbox.state.faults.script(read_fault({"operation": "send_events", "times": "always", "before": [refusal]}))
    result = runs.run()
    assert not result.success
    assert "Spotify" in said_by(result)
    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        (now,) = outbox.accounts()
    assert (now.pending, dict(now.dead), now.adds_up) == (20, {}, True)
    (failure,) = result.get_step_failure_events()
    assert "spotify_calls" in failure.step_failure_data.user_failure_data.metadata  # type: ignore[union-attr]


def test_a_reading_does_not_wait_long_for_another_run_of_the_feed(runs: FeedRuns, sandbox: SandboxServer) -> None:
    with open_outbox("orders", StateStore.in_home(home_here())):
        result = runs.run(resources={"spotify_outbox": Outboxes(wait_to_read=0)})
    assert not result.success
    assert "Another run holds the outbox of the feed orders" in said_by(result)
    assert received(sandbox) == {}
    assert runs.run().success


def test_only_the_days_of_the_retention_are_known_one_by_one(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    content = FEED + "  retain: {events: 5d}\n  max_age: 3d\n  late_window: 1d\n"
    add_orders(environment, order(1, days_ago(7)), order(2, days_ago(0)))
    runs = FeedRuns(load({"orders": content}))
    first = runs.run(7, 7)
    assert account(first, 7) == {"read": 1, "delivered": 0, "pending": 0, "filtered": 1, "dead": 0}
    assert account(runs.run(), 0)["delivered"] == 1
    again = runs.run(7, 7)
    assert not again.success
    assert "closed: its events were forgotten" in said_by(again)
    assert "validated_events" not in str(shown(again, "validated_events"))
    assert set(received(sandbox)) == {"order-2"}


class Broken(SegmentReader):
    """A warehouse whose answer ends a row before its end, without an error."""

    def batches(self, columns: Sequence[str], *given: Any, **named: Any) -> Iterator[pl.DataFrame]:
        return (batch.head(-1) for batch in super().batches(columns, *given, **named))


class BrokenWarehouse(WarehouseResource):
    @contextmanager
    def segment(self, relation: Relation) -> Generator[SegmentReader]:
        with super().segment(relation) as whole:
            yield Broken(whole.warehouse, relation, whole.spill)


def test_a10_a_partial_read_is_refused_and_nothing_of_it_recorded_or_sent(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    result = runs.run(resources={"spotify_warehouse": BrokenWarehouse()})
    assert "shop.orders has 20 rows for" in said_by(result)
    assert "but 19 were read. Nothing was recorded, and nothing was sent" in said_by(result)
    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        assert list(outbox.accounts()) == []
    assert received(sandbox) == {}
    with StateStore.in_home(home_here()).read() as transaction:
        assert transaction.execute(sa.select(tables.event_body)).first() is None
    assert account(runs.run()) == ALL_DELIVERED
