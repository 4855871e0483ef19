"""What waits is judged again before it is sent, whichever run sends it; at most once means once, whoever retries."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.resources import SpotifyConversions
from spotify_pipeline.conversions import view_outbox
from spotify_pipeline.privacy import ErasureLedger, read_identifiers
from spotify_pipeline.sandbox import SandboxServer, read_fault
from spotify_pipeline.spotify import CallRecord, ConversionsClient
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.feeds import FEED, SMALL_BATCHES, FeedRuns, add_orders, days_ago, order, received
from spotify_pipeline_tests.components.runs import change_people, said_by
from spotify_pipeline_tests.examples import in_test_rest
from spotify_pipeline_tests.home.here import home_here

SUPPRESSED = FEED + "  suppress: [{table: crm.never}]\n"


def forget(person: int) -> None:
    ledger, now = ErasureLedger(StateStore.in_home(home_here())), datetime.now(UTC)
    (given,) = read_identifiers(io.BytesIO(f"person{person}@example.com\n".encode()))
    ledger.record([given], requested_at=now, deadline=now + timedelta(days=30), waiting=[])


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE shop.orders SET agreed = false WHERE order_id = 'order-1'", "no_consent"),
        ("INSERT INTO crm.never VALUES ('person1@example.com')", "suppressed"),
        ("forget", "erased"),
        in_test_rest("UPDATE shop.orders SET agreed = NULL WHERE order_id = 'order-1'", "no_consent"),
        in_test_rest("DELETE FROM shop.orders WHERE order_id = 'order-1'", "withdrawn"),
        in_test_rest("UPDATE shop.orders SET total = NULL WHERE order_id = 'order-1'", "amount_missing"),
    ],
)
@pytest.mark.parametrize("assets", [("delivery",), in_test_rest(("validated_events", "delivery"))])
def test_a17_what_waits_is_judged_again_by_a_run_that_does_not_read_its_day(
    load: Callable[..., dg.Definitions],
    environment: Path,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    reason: str,
    assets: tuple[str, ...],
) -> None:
    add_orders(environment, *(order(number, days_ago(2)) for number in range(3)))
    change_people(environment, "CREATE TABLE crm.never (email VARCHAR)")
    runs = FeedRuns(load({"orders": SUPPRESSED}))
    with monkeypatch.context() as wrong:
        wrong.setenv("SPOTIFY_CAPI_TOKEN", "some-other-token")
        assert not runs.run(2).success
    if change == "forget":
        forget(1)
    else:
        change_people(environment, change)
    assert runs.run(0, None, *assets).success
    assert set(received(sandbox)) == {"order-0", "order-2"}
    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        (old, *_) = outbox.accounts()
    assert {**old.filtered, **old.dead} == {reason: 1}
    assert (old.read, old.delivered, old.adds_up) == (3, 2, True)


@pytest.mark.e2e
def test_a17_an_event_that_became_too_old_while_it_waited_is_not_sent(
    load: Callable[..., dg.Definitions],
    environment: Path,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_orders(environment, order(1, days_ago(3)), order(2, days_ago(1)))
    with monkeypatch.context() as wrong:
        wrong.setenv("SPOTIFY_CAPI_TOKEN", "some-other-token")
        assert not FeedRuns(load({"orders": FEED + "  max_age: 10d\n"})).run(3, 0).success
    assert FeedRuns(load({"orders": FEED + "  max_age: 2d\n  late_window: 1d\n"})).run(0).success
    assert set(received(sandbox)) == {"order-2"}


class ForgettingWhileSending(SpotifyConversions):
    """Somebody asks to be forgotten while the first batch is on its way."""

    @contextmanager
    def client(
        self, feed: FeedDefinition, on_call: Callable[[CallRecord], None] | None = None
    ) -> Generator[ConversionsClient]:
        with super().client(feed, on_call) as client:
            yield _Forgetting(client)  # type: ignore[misc]


class _Forgetting:
    def __init__(self, client: ConversionsClient) -> None:
        self._client = client
        self._sent = 0

    def send(self, bodies: Sequence[str]) -> None:
        self._client.send(bodies)
        self._sent += 1
        if self._sent == 1:
            forget(17)


@pytest.mark.e2e
def test_a17_who_is_forgotten_while_a_delivery_is_under_way_is_in_none_of_its_later_batches(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(20)))
    runs = FeedRuns(load({"orders": SMALL_BATCHES}))
    assert runs.run(resources={"spotify_conversions": ForgettingWhileSending()}).success
    assert set(received(sandbox)) == {f"order-{number}" for number in range(20)} - {"order-17"}
    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        (account,) = outbox.accounts()
    assert (account.delivered, account.filtered) == (19, {"erased": 1})


@pytest.mark.e2e
def test_a18_at_most_once_a_lost_answer_costs_one_batch_and_the_step_is_not_tried_again(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(20)))
    once = FEED + "  delivery: {batch: 5, guarantee: at_most_once}\n"
    cut = {"operation": "send_events", "times": "always", "after": [{"do": "cut"}]}
    sandbox.state.faults.script(read_fault(cut))
    result = FeedRuns(load({"orders": once})).run()
    assert not result.success
    assert "5 events" in said_by(result)
    assert "unconfirmed" in said_by(result)
    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        (account,) = outbox.accounts()
    assert (account.pending, account.dead, account.adds_up) == (15, {"unconfirmed": 5}, True)
    assert {each["times_received"] for each in received(sandbox).values()} == {1}
