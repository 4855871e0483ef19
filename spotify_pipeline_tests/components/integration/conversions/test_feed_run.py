"""A feed, run by Dagster against a local Spotify: what a person in the UI sees, and what Spotify gets."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import dagster as dg
import pytest

from spotify_pipeline.conversions import open_outbox, view_outbox
from spotify_pipeline.privacy import ErasureLedger, read_identifiers
from spotify_pipeline.sandbox import SandboxConfig, SandboxServer
from spotify_pipeline.sandbox.faults import named_fault
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.feeds import (
    FEED,
    FeedRuns,
    account,
    add_orders,
    days_ago,
    order,
    partition,
    received,
    shown,
)
from spotify_pipeline_tests.components.runs import change_people, checks, digest, evaluations, said_by
from spotify_pipeline_tests.home.here import home_here

OPTED_OUT = FEED + "  opt_out: {column: opted_out, policy: POLICY}\n"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxConfig(minimum_rows=3, keep_event_bodies=True)) as server:
        yield server


@pytest.fixture
def runs(load: Callable[..., dg.Definitions], environment: Path) -> FeedRuns:
    add_orders(environment)
    return FeedRuns(load({"orders": FEED}))


def logged(runs: FeedRuns, result: dg.ExecuteInProcessResult) -> str:
    """Everything that Dagster keeps of a run."""
    return "\n".join(str(each) for each in runs.instance.all_logs(result.run_id))


def test_a06_a10_a12_dirty_events_are_delivered_filtered_or_dead_and_all_accounted_for(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    today, far = days_ago(0), datetime.now(UTC) + timedelta(days=40)
    add_orders(
        environment,
        *(order(number, today) for number in range(1, 31)),
        order(1, today, total=7),
        order(31, today, agreed=False),
        order(32, today, agreed=None),
        order(33, today, email="not an address"),
        order(34, today, total=None),
        order(35, far),
        order(36, None),
        order(37, today, order_id=None),
        order(38, days_ago(1)),
    )
    result = runs.run()
    assert result.success
    assert account(result) == {"read": 38, "delivered": 30, "pending": 0, "filtered": 3, "dead": 5}
    assert set(received(sandbox)) == {f"order-{number}" for number in range(1, 31)}
    assert checks(result) == {
        "validated_events:accounts_add_up": True,
        "validated_events:rows_are_read": True,
        "delivery:accounts_add_up": True,
        "delivery:no_dead_letters": False,
        "delivery:guards": True,
        "delivery:answers_are_known": True,
    }
    warned = evaluations(result, "no_dead_letters")["delivery"]
    assert warned.severity is dg.AssetCheckSeverity.WARN
    assert "5 events cannot be sent as they are" in str(warned.description)
    assert "spotify-pipeline conversions dead-letters orders" in str(warned.description)
    day = shown(result, "delivery")[partition(0)]
    assert "| filtered: no consent | fewer than 20 |" in str(day["account"])
    assert "| dead: time in future | 1 |" in str(day["account"])
    letters = {record.data["event_id"]: record.data for record in day["dead letters"].records}  # type: ignore[attr-defined]
    assert (letters["order-33"]["reason"], letters["order-33"]["fields"]) == ("no_identifier", "hashed_emails")


@pytest.mark.e2e
def test_no_value_of_an_event_stands_in_what_dagster_keeps_of_a_run(runs: FeedRuns, environment: Path) -> None:
    today = days_ago(0)
    add_orders(environment, order(1, today), order(2, today, total=None), order(3, today, order_id="a@example.com"))
    add_orders(environment, order(4, today, order_id="b@example.com", total=None))
    result = runs.run()
    kept = logged(runs, result)
    assert result.success
    assert "example.com" not in kept
    assert digest("person1@example.com") not in kept


@pytest.mark.e2e
def test_a10_a_backfill_of_three_days_is_one_run_with_an_account_for_each_day(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(number % 3)) for number in range(9)), order(9, days_ago(5)))
    add_orders(environment, order(10, days_ago(1), agreed=False))
    result = runs.run(2, 0)
    assert result.success
    assert [account(result, day)["read"] for day in (0, 1, 2)] == [3, 4, 3]
    assert [account(result, day)["delivered"] for day in (0, 1, 2)] == [3, 3, 3]
    assert len(received(sandbox)) == 9
    assert set(shown(result, "validated_events")) == {partition(day) for day in (0, 1, 2)}


@pytest.mark.e2e
def test_a04_a_refused_token_fails_the_run_loses_nothing_and_the_next_run_sends(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(5)))
    with monkeypatch.context() as wrong:
        wrong.setenv("SPOTIFY_CAPI_TOKEN", "some-other-token")
        result = runs.run()
        assert not result.success
        assert "SPOTIFY_CAPI_TOKEN" in said_by(result)
        assert "some-other-token" not in logged(runs, result)
    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        (before,) = outbox.accounts()
    assert (before.pending, before.dead, before.adds_up) == (5, {}, True)
    assert account(runs.run()) == {"read": 5, "delivered": 5, "pending": 0, "filtered": 0, "dead": 0}
    assert len(received(sandbox)) == 5


@pytest.mark.e2e
def test_a_run_without_a_token_says_which_variable_to_set_and_one_with_nothing_to_send_needs_none(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIFY_CAPI_TOKEN")
    assert runs.run().success
    add_orders(environment, order(1, days_ago(0)))
    assert "SPOTIFY_CAPI_TOKEN is not set" in said_by(runs.run())
    assert received(sandbox) == {}


@pytest.mark.e2e
def test_a07_events_that_come_late_are_found_and_those_known_are_not_sent_again(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, order(1, days_ago(2)), order(2, days_ago(0)))
    runs.run(3, 0)
    add_orders(environment, order(3, days_ago(2, hour=5)))
    result = runs.run(3, 0)
    assert shown(result, "delivery")[partition(2)]["sent by this run"] == 1
    assert account(result, 2) == {"read": 2, "delivered": 2, "pending": 0, "filtered": 0, "dead": 0}
    assert {each["times_received"] for each in received(sandbox).values()} == {1}


@pytest.mark.e2e
def test_a10_rows_that_are_gone_from_the_warehouse_stay_in_the_account(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(4)))
    runs.run()
    change_people(environment, "DELETE FROM shop.orders")
    result = runs.run()
    assert result.success
    assert account(result) == {"read": 4, "delivered": 4, "pending": 0, "filtered": 0, "dead": 0}
    assert len(received(sandbox)) == 4


@pytest.mark.e2e
def test_a20_two_refused_events_a_run_wait_and_the_check_says_so_until_there_are_enough_to_tell(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    everything = [f"order-{number}" for number in range(10)]
    sandbox.state.rejected_events.replace_all(event_ids=everything)
    add_orders(environment, *(order(number, days_ago(1)) for number in range(2)))
    result = runs.run(1)
    assert result.success
    assert account(result, 1) == {"read": 2, "delivered": 0, "pending": 2, "filtered": 0, "dead": 0}
    assert checks(result)["delivery:no_dead_letters"] is False
    assert "refused 2 events and accepted no other" in str(
        evaluations(result, "no_dead_letters")["delivery"].description
    )
    add_orders(environment, *(order(number, days_ago(0)) for number in range(2, 4)))
    result = runs.run()
    assert not result.success
    assert "Spotify refused each of 4 events" in said_by(result)
    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        assert [(each.pending, each.dead) for each in outbox.accounts()] == [(2, {}), (2, {})]


@pytest.mark.e2e
def test_a21_an_unknown_success_stops_the_feed_and_every_run_says_so_until_it_is_resumed(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(5)))
    sandbox.state.faults.script(named_fault("events_unclear_success", body='{"events_received": 0}'))
    result = runs.run()
    assert not result.success
    assert '200 {"events_received": 0}' in said_by(result)
    assert_stop_is_checked(result)
    for _ in range(2):
        result = runs.run()
        assert not result.success
        assert "The feed is stopped" in said_by(result)
        assert_stop_is_checked(result)
    with view_outbox("orders", StateStore.in_home(home_here())) as outbox:
        assert [(each.pending, each.delivered) for each in outbox.accounts()] == [(5, 0)]
    with open_outbox("orders", StateStore.in_home(home_here())) as outbox:
        assert outbox.resume()
    result = runs.run()
    assert account(result)["delivered"] == 5
    assert checks(result)["delivery:answers_are_known"]


def assert_stop_is_checked(result: dg.ExecuteInProcessResult) -> None:
    assert checks(result)["delivery:answers_are_known"] is False
    sentence = str(evaluations(result, "answers_are_known")["delivery"].description)
    assert 'Spotify answered 200 {"events_received": 0}' in sentence
    assert "spotify-pipeline conversions resume orders" in sentence


@pytest.mark.e2e
def test_a21_a_feed_that_stopped_fails_its_check_though_nothing_waits(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    runs = FeedRuns(load({"orders": FEED + "  delivery: {guarantee: at_most_once}\n"}))
    add_orders(environment, *(order(number, days_ago(0)) for number in range(5)))
    sandbox.state.faults.script(named_fault("events_unclear_success", body='{"events_received": 0}'))
    assert not runs.run().success
    result = runs.run()
    assert account(result) == {"read": 5, "delivered": 0, "pending": 0, "filtered": 0, "dead": 5}
    assert_stop_is_checked(result)


@pytest.mark.e2e
def test_a02_a09_a_poisoned_event_is_one_dead_letter_without_values_and_its_replay_arrives_once(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(50)))
    sandbox.state.rejected_events.replace_all(event_ids=["order-7"])
    result = runs.run()
    assert result.success
    assert account(result) == {"read": 50, "delivered": 49, "pending": 0, "filtered": 0, "dead": 1}
    (letter,) = shown(result, "delivery")[partition(0)]["dead letters"].records  # type: ignore[attr-defined]
    assert (letter.data["event_id"], letter.data["reason"]) == ("order-7", "refused")
    assert "person7" not in str(letter.data)

    sandbox.state.rejected_events.clear()
    assert account(runs.run())["dead"] == 1
    with open_outbox("orders", StateStore.in_home(home_here())) as outbox:
        assert sum(outbox.replay().values()) == 1
    again = runs.run()
    assert account(again) == {"read": 50, "delivered": 50, "pending": 0, "filtered": 0, "dead": 0}
    assert checks(again)["delivery:no_dead_letters"]
    assert {each["times_received"] for each in received(sandbox).values()} == {1}


@pytest.mark.e2e
@pytest.mark.parametrize("policy", ["flag", "drop"])
def test_a11_who_opted_out_is_flagged_or_dropped_by_policy(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer, policy: str
) -> None:
    add_orders(environment, order(1, days_ago(0)), order(2, days_ago(0), opted_out=True))
    result = FeedRuns(load({"orders": OPTED_OUT.replace("POLICY", policy)})).run()
    arrived = {key: cast("dict[str, object]", each["body"]) for key, each in received(sandbox).items()}
    if policy == "flag":
        assert arrived["order-2"]["opt_out_targeting"] is True
        assert arrived["order-1"].get("opt_out_targeting") is not True
    else:
        assert set(arrived) == {"order-1"}
        assert account(result)["filtered"] == 1


@pytest.mark.e2e
def test_people_on_a_suppression_list_are_not_sent(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(3)))
    change_people(environment, "CREATE TABLE crm.never AS SELECT 'PERSON1@example.com' AS email")
    content = FEED + "  suppress: [{table: crm.never}]\n"
    result = FeedRuns(load({"orders": content})).run()
    assert set(received(sandbox)) == {"order-0", "order-2"}
    assert account(result)["filtered"] == 1


@pytest.mark.e2e
def test_w22_a_suppression_of_unusable_values_stops_a_feed_too(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, order(1, days_ago(0)))
    change_people(environment, "CREATE TABLE crm.never AS SELECT '{PERSON' || i || '}' AS email FROM range(50) r(i)")
    change_people(environment, "INSERT INTO crm.never VALUES ('person1@example.com')")
    result = FeedRuns(load({"orders": FEED + "  suppress: [{table: crm.never}]\n"})).run()
    assert not result.success
    assert "Of the email values of the suppression list crm.never (in email), 50 of 51 are unusable" in said_by(result)
    assert received(sandbox) == {}


def test_w22_suppressions_of_a_feed_that_can_match_nobody_are_refused(mistake: Callable[..., str]) -> None:
    said = mistake(FEED + "  suppress: [{table: crm.never, identifiers: {phone: phone}}]\n", "orders")
    assert "attributes.suppress.0: crm.never would keep nobody out: it knows people by phone only" in said


@pytest.mark.e2e
def test_who_asks_to_be_forgotten_between_reading_and_sending_is_not_sent(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(0)) for number in range(3)))
    assert runs.run(0, 0, "validated_events").success
    now = datetime.now(UTC)
    ErasureLedger(StateStore.in_home(home_here())).record(
        read_identifiers(io.BytesIO(b"person1@example.com")),
        requested_at=now,
        deadline=now + timedelta(days=30),
        waiting=(),
    )
    result = runs.run(0, 0, "delivery")
    assert set(received(sandbox)) == {"order-0", "order-2"}
    assert account(result) == {"read": 3, "delivered": 2, "pending": 0, "filtered": 1, "dead": 0}


@pytest.mark.e2e
def test_a_missing_column_is_said_with_the_feed_and_nothing_is_recorded(
    load: Callable[..., dg.Definitions], environment: Path
) -> None:
    add_orders(environment, order(1, days_ago(0)))
    runs = FeedRuns(load({"orders": FEED.replace("event_time: ordered_at", "event_time: bought_at")}))
    assert "has no column bought_at, which event_time of the feed orders names" in said_by(runs.run())


@pytest.mark.e2e
def test_a14_columns_of_other_types_hold_the_same_events_and_people(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer
) -> None:
    add_orders(environment, *(order(number, days_ago(0), agreed=number != 2) for number in range(1, 4)))
    for change in (
        "ALTER TABLE shop.orders ALTER email TYPE VARCHAR[] USING [email, 'x' || email]",
        "ALTER TABLE shop.orders ALTER agreed TYPE DOUBLE USING agreed::INTEGER",
        "ALTER TABLE shop.orders ALTER order_id TYPE JSON USING to_json(order_id)",
    ):
        change_people(environment, change)
    result = runs.run()
    assert result.success
    assert account(result) == {"read": 3, "delivered": 2, "pending": 0, "filtered": 1, "dead": 0}
    assert set(received(sandbox)) == {"order-1", "order-3"}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("ALTER agreed TYPE DATE USING '2026-01-01'::DATE", "shop.orders.agreed holds DATE, which can never say yes"),
        ("ALTER email TYPE INTEGER[] USING [1]", "shop.orders.email holds INTEGER[], of which no identifier"),
    ],
)
def test_a14_a_column_that_can_hold_nobody_stops_the_feed(
    runs: FeedRuns, environment: Path, sandbox: SandboxServer, change: str, sentence: str
) -> None:
    add_orders(environment, order(1, days_ago(0)))
    change_people(environment, f"ALTER TABLE shop.orders {change}")
    assert sentence in said_by(runs.run())
    assert not received(sandbox)
