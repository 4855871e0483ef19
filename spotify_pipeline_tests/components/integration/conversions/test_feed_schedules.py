"""When a feed runs: a range of days a tick, one run at a time, and what an update of its events starts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from spotify_pipeline.components.conversions.config.schedule import FeedScheduleConfig
from spotify_pipeline.components.conversions.definitions import WATCH_CONVERSIONS, find_feeds
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.resources import Outboxes
from spotify_pipeline.components.conversions.schedules import FEED_TAG, PROJECT_TAG, RANGE_END_TAG, RANGE_START_TAG
from spotify_pipeline.conversions import open_outbox, view_outbox
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.feeds import FEED, FeedRuns, account, add_orders, days_ago, order, partition
from spotify_pipeline_tests.components.runs import PROJECT
from spotify_pipeline_tests.home.here import home_here

TICK = datetime(2026, 11, 20, 0, 30, tzinfo=ZoneInfo("Europe/Stockholm"))
IN_STOCKHOLM = FEED + "  timezone: Europe/Stockholm\n"
ON_UPDATE = FEED.replace("{every: hour}", "on_update")
EVENTS = dg.AssetKey(["shop", "orders"])


Tick = Callable[..., dg.RunRequest | str]


@pytest.fixture
def instance(environment: Path) -> Iterator[dg.DagsterInstance]:
    """On disk, as a schedule opens its instance anew."""
    (environment / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(environment / "dagster")) as instance:
        yield instance


@pytest.fixture
def tick(instance: dg.DagsterInstance) -> Tick:
    """`tick(definitions, when)`: what the schedule asks for at that time, or why it does not."""

    def ticked(definitions: dg.Definitions, when: datetime = TICK) -> dg.RunRequest | str:
        with dg.build_schedule_context(
            scheduled_execution_time=when,
            repository_def=definitions.get_repository_def(),
            instance=instance,
            resources={"spotify_outbox": Outboxes()},
        ) as context:
            data = definitions.resolve_schedule_def("spotify_send_orders").evaluate_tick(context)
            return data.run_requests[0] if data.run_requests else str(data.skip_message)

    return ticked


def days_of(request: dg.RunRequest | str) -> tuple[str, str]:
    assert isinstance(request, dg.RunRequest)
    return request.tags[RANGE_START_TAG], request.tags[RANGE_END_TAG]


@pytest.mark.e2e
def test_a_tick_reads_from_the_late_window_to_today_in_its_zone(
    load: Callable[..., dg.Definitions], tick: Tick, instance: dg.DagsterInstance
) -> None:
    request = tick(load({"orders": IN_STOCKHOLM}))
    assert isinstance(request, dg.RunRequest)
    assert days_of(request) == ("2026-11-17", "2026-11-20")
    assert request.asset_selection == [dg.AssetKey(["orders", each]) for each in ("validated_events", "delivery")]
    assert request.partition_key is None
    assert request.run_key == f"orders:{TICK.isoformat()}"
    assert request.tags[FEED_TAG] == "orders"


@pytest.mark.e2e
def test_the_first_day_is_never_passed(load: Callable[..., dg.Definitions], tick: Tick) -> None:
    definitions = load({"orders": IN_STOCKHOLM.replace("start: 2026-01-01", "start: 2026-11-19")})
    assert days_of(tick(definitions)) == ("2026-11-19", "2026-11-20")
    assert "orders starts on 2026-11-19" in str(tick(definitions, TICK - timedelta(days=3)))


@pytest.mark.e2e
def test_a_tick_reaches_back_to_the_oldest_day_that_still_waits(
    load: Callable[..., dg.Definitions], environment: Path, tick: Tick
) -> None:
    add_orders(environment, order(1, days_ago(9)))
    definitions = load({"orders": FEED})
    FeedRuns(definitions).run(9, 9, "validated_events")
    now = datetime.now(UTC)
    assert days_of(tick(definitions, now)) == (partition(9), partition(0))
    with open_outbox("orders", StateStore.in_home(home_here())):  # as a run that delivers has it
        assert days_of(tick(definitions, now)) == (partition(9), partition(0))


def due(feed: FeedDefinition, now: datetime) -> tuple[date, date] | None:
    with view_outbox(feed.name, StateStore.in_home(home_here())) as outbox:
        return feed.due(now, outbox.pending_days(), outbox.accounts())


def read(first: int, last: int, at: datetime | None = None) -> None:
    """Read these days, so many days ago, now or at some other time: none has an event."""
    at = at or datetime.now(UTC)
    with open_outbox("orders", StateStore.in_home(home_here()), clock=lambda: at) as outbox:
        for days in range(first, last - 1, -1):
            outbox.record(days_ago(days).date(), [], at=at)


def days(first: int, last: int) -> tuple[date, date]:
    return days_ago(first).date(), days_ago(last).date()


@pytest.fixture
def feed(load: Callable[..., dg.Definitions], environment: Path) -> FeedDefinition:
    assert environment
    return find_feeds(load({"orders": FEED}))[0]


@pytest.mark.e2e
def test_a10_days_on_which_nothing_ran_are_made_up_for(feed: FeedDefinition) -> None:
    now = datetime.now(UTC)
    assert feed.due(now) == days(3, 0)
    read(12, 7)
    assert due(feed, now) == days(9, 0)
    read(6, 0)
    assert due(feed, now) == days(3, 0)
    assert due(feed, now + timedelta(days=7)) == days(3, -7)
    assert due(feed, now + timedelta(days=90)) == days(-60, -90)


@pytest.mark.parametrize(("old", "first"), [([20], "the backfill"), ([20, 19], "the schedule")])
def test_a24_a_backfilled_old_day_does_not_make_the_next_run_read_every_day_since(
    feed: FeedDefinition, old: list[int], first: str
) -> None:
    now = datetime.now(UTC)
    if first == "the schedule":
        read(3, 0)
    for day in old:
        read(day, day)
    assert due(feed, now) == days(3, 0)
    if first == "the backfill":
        read(3, 0)
    # Today was not read to its end yet.
    assert due(feed, now + timedelta(days=1)) == days(3, -1)


def test_a24_a_backfill_within_or_of_a_gap_hides_nothing_of_it(feed: FeedDefinition) -> None:
    read(3, 0)
    read(20, 20)
    # Nothing ran for ten days, but the day before yesterday.
    later = datetime.now(UTC) + timedelta(days=10)
    read(-8, -8, later)
    read(2, 2, later)
    assert due(feed, later) == days(3, -10)


@pytest.mark.e2e
def test_no_second_run_of_a_feed_is_asked_for_while_one_is_under_way(
    load: Callable[..., dg.Definitions], tick: Tick, instance: dg.DagsterInstance
) -> None:
    definitions = load({"orders": FEED})
    run = instance.create_run_for_job(
        definitions.resolve_implicit_global_asset_job_def(),
        tags={FEED_TAG: "orders", PROJECT_TAG: PROJECT},
        status=dg.DagsterRunStatus.STARTED,
    )
    assert f"Run {run.run_id[:8]} of orders is still under way" in str(tick(definitions))
    instance.report_run_canceled(run)
    assert isinstance(tick(definitions), dg.RunRequest)


@pytest.mark.e2e
def test_a_run_of_another_project_s_feed_of_that_name_holds_up_nobody(
    load: Callable[..., dg.Definitions], tick: Tick, instance: dg.DagsterInstance
) -> None:
    definitions = load({"orders": FEED})
    job = definitions.resolve_implicit_global_asset_job_def()
    tags = {FEED_TAG: "orders", PROJECT_TAG: "book_ads"}
    instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    assert isinstance(tick(definitions), dg.RunRequest)


@pytest.mark.e2e
def test_a_run_whose_process_died_days_ago_does_not_stop_a_feed(
    load: Callable[..., dg.Definitions], tick: Tick, instance: dg.DagsterInstance
) -> None:
    definitions = load({"orders": FEED})
    job = definitions.resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(
        job, tags={FEED_TAG: "orders", PROJECT_TAG: PROJECT}, status=dg.DagsterRunStatus.STARTED
    )
    assert "still under way" in str(tick(definitions))
    with sqlite3.connect(Path(instance.root_directory) / "history" / "runs.db") as runs:
        runs.execute("UPDATE runs SET create_timestamp = datetime('now', '-25 hours')")
    assert isinstance(tick(definitions), dg.RunRequest)
    assert run.run_id


@pytest.mark.e2e
def test_what_a_tick_asks_for_runs_as_one_run_with_the_feeds_own_checks(
    load: Callable[..., dg.Definitions], environment: Path, tick: Tick, instance: dg.DagsterInstance
) -> None:
    add_orders(environment, *(order(number, days_ago(number)) for number in range(5)))
    definitions = load({"orders": FEED})
    request = tick(definitions, datetime.now(UTC))
    assert isinstance(request, dg.RunRequest)
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(request.asset_selection or ()), asset_check_selection=set(request.asset_check_keys or ())
    )
    result = job.execute_in_process(instance=instance, tags=request.tags)
    assert [account(result, day)["delivered"] for day in range(4)] == [1, 1, 1, 1]
    assert {each.check_name for each in result.get_asset_check_evaluations()} == {
        "accounts_add_up",
        "rows_are_read",
        "no_dead_letters",
        "guards",
        "answers_are_known",
    }


@pytest.mark.e2e
def test_an_update_of_the_events_starts_one_run_and_waits_for_the_one_under_way(
    load: Callable[..., dg.Definitions], tick: Tick, instance: dg.DagsterInstance
) -> None:
    definitions = load({"orders": ON_UPDATE})
    sensor = definitions.resolve_sensor_def("spotify_send_orders")
    cursor: str | None = None

    def look() -> list[dg.RunRequest]:
        nonlocal cursor
        context = dg.build_sensor_context(
            instance=instance,
            cursor=cursor,
            repository_def=definitions.get_repository_def(),
            resources={"spotify_outbox": Outboxes()},
        )
        data = sensor.evaluate_tick(context)
        cursor = data.cursor or cursor
        return list(data.run_requests or [])

    assert look() == []
    instance.report_runless_asset_event(dg.AssetMaterialization(EVENTS))
    (request,) = look()
    assert (request.tags[FEED_TAG], request.tags[RANGE_END_TAG]) == ("orders", partition(0))
    assert look() == []
    run = instance.create_run_for_job(
        definitions.resolve_implicit_global_asset_job_def(), tags=request.tags, status=dg.DagsterRunStatus.STARTED
    )
    instance.report_runless_asset_event(dg.AssetMaterialization(EVENTS))
    assert look() == []
    instance.report_run_canceled(run)
    assert len(look()) == 1


@pytest.mark.parametrize(
    ("stated", "cron", "words"),
    [
        ({"every": "hour"}, "0 * * * *", "every hour"),
        ({"every": "15 minutes"}, "*/15 * * * *", "every 15 minutes"),
        ({"every": "day"}, "0 6 * * *", "every day at 06:00"),
        ({"every": "day", "at": "16:30"}, "30 16 * * *", "every day at 16:30"),
        ({"every": "day", "at": 16 * 60 + 30}, "30 16 * * *", "every day at 16:30"),
        ({"every": "on_update"}, None, "whenever the events' asset was materialized"),
        ({"every": "by_hand"}, None, "by hand"),
    ],
)
def test_each_schedule_as_cron_and_in_words(stated: dict[str, object], cron: str | None, words: str) -> None:
    config = FeedScheduleConfig.model_validate(stated)
    assert (config.cron(), config.in_words()) == (cron, words)


def test_a_feed_by_hand_has_no_schedule_and_parity_is_watched_all_the_same(load: Callable[..., dg.Definitions]) -> None:
    repository = load({"orders": FEED.replace("{every: hour}", "by_hand")}).get_repository_def()
    assert {each.name for each in repository.schedule_defs} == {"spotify_watch_audiences", WATCH_CONVERSIONS}
    assert {each.name for each in repository.sensor_defs} == {"spotify_alerts"}


@pytest.mark.e2e
def test_a_tick_has_the_model_of_the_events_built_first(
    load: Callable[..., dg.Definitions], tick: Tick, instance: dg.DagsterInstance
) -> None:
    model = """
    type: spotify_pipeline.ConversionFeed
    attributes:
      events: {dbt_model: active_listeners, consent_column: marketing_consent}
      event_name: {value: VIEW}
      event_id: {columns: [customer_id, last_listened_at]}
      event_time: last_listened_at
      identifiers: {email: email}
    """
    request = tick(load({"orders": model}))
    assert isinstance(request, dg.RunRequest)
    built = [key.path[-1] for key in request.asset_selection or ()]
    assert built == ["active_listeners", "validated_events", "delivery"]
    checked = {key.name for key in request.asset_check_keys or ()}
    assert {"accounts_add_up", "no_dead_letters", "unique_active_listeners_customer_id"} <= checked
    assert "parity" not in checked


def test_days_that_are_due_are_those_of_the_feeds_zone(load: Callable[..., dg.Definitions]) -> None:
    (feed,) = find_feeds(load({"orders": IN_STOCKHOLM}))
    late_evening = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    assert feed.due(late_evening) == (date(2026, 11, 17), date(2026, 11, 20))
    assert feed.due(late_evening, [date(2025, 1, 1)]) == (date(2026, 1, 1), date(2026, 11, 20))
    assert feed.due(datetime(2025, 12, 31, 12, tzinfo=UTC)) is None
    assert feed.day("2026-11-20", late_evening).is_open
    assert feed.forgets_before(late_evening) == date(2026, 11, 20) - timedelta(days=180)
