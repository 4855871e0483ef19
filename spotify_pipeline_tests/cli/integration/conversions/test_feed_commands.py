"""`conversions account`, `dead-letters`, `replay`: the outcome of a feed's events, and another try."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from spotify_pipeline.cli.dagster.run import materialize_days
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import chosen_feed
from spotify_pipeline.sandbox import SandboxServer, named_fault
from spotify_pipeline.settings import DAGSTER_SETTINGS
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.cli.mirrored import own_definitions

FEED, DAY = "web_shop", date(2026, 11, 15)


@pytest.fixture
def warehouse(spotify: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse with four orders of a day, one of a category in words; the day was sent."""
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(DAGSTER_SETTINGS, home / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    file = tmp_path / "warehouse" / "warehouse.duckdb"
    file.parent.mkdir()
    monkeypatch.setenv("SPOTIFY_PIPELINE_WAREHOUSE", str(file))
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA events")
        connection.execute("CREATE SCHEMA suppressions")
        connection.execute(
            """CREATE TABLE events.shop_events AS SELECT 'order-' || i AS order_number, 'order_paid' AS event,
            TIMESTAMP '2026-11-15 12:00:00' AS happened_at, 99.50 AS amount, 'SEK' AS currency,
            CASE WHEN i = 3 THEN 'Headphones' ELSE '54' END AS category, 'https://shop.example.com/thanks' AS page,
            'person' || i || '@example.com' AS email, NULL::VARCHAR AS billing_email, NULL::VARCHAR AS phone,
            NULL::VARCHAR AS country, NULL::VARCHAR AS device_id, true AS marketing_consent FROM range(4) t(i)"""
        )
    feed = chosen_feed(own_definitions(), FEED)
    materialize_days(own_definitions(), [feed.validated_key, feed.delivery_key], DAY, DAY)
    return file


@pytest.mark.e2e
def test_a09_a10_a_dead_letter_is_shown_fixed_and_replayed_and_the_account_adds_up(
    run: Run, spotify: SandboxServer, warehouse: Path
) -> None:
    account = run("conversions", "account", FEED)
    assert account.code == 0
    assert account.out.splitlines()[1].split() == ["2026-11-15", "4", "3", "0", "1", "(category_unusable", "1)", "0"]

    letters = run("conversions", "dead-letters", FEED, "--day", "2026-11-15")
    line = letters.out.splitlines()[1].split()
    assert line[:5] == ["2026-11-15", "order-3", "PURCHASE", "category_unusable", "content_category"]
    assert "Headphones" not in letters.out
    assert "example.com" not in letters.out

    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("UPDATE events.shop_events SET category = '54'")
    replayed = run("conversions", "replay", FEED, "--reason", "category_unusable")
    assert (replayed.code, replayed.err) == (0, "")
    assert "1 dead letter of 2026-11-15 is to be judged again." in replayed.out
    assert "0 of these days' events are dead letters now." in replayed.out
    assert {str(each["event_id"]) for each in spotify.state.events.page(0, 10)} == {f"order-{n}" for n in range(4)}
    assert all(each["times_received"] == 1 for each in spotify.state.events.page(0, 10))
    assert run("conversions", "replay", FEED).out == "There are no such dead letters.\n"
    assert "No dead letters." in run("conversions", "dead-letters", FEED).out


@pytest.mark.e2e
def test_a16_what_was_filtered_by_mistake_is_replayed_by_its_reason(
    run: Run, spotify: SandboxServer, warehouse: Path
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "INSERT INTO events.shop_events SELECT * REPLACE ('order-9' AS order_number, false AS marketing_consent)"
            " FROM events.shop_events WHERE order_number = 'order-1'"
        )
    feed = chosen_feed(own_definitions(), FEED)
    materialize_days(own_definitions(), [feed.validated_key, feed.delivery_key], DAY, DAY)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("UPDATE events.shop_events SET marketing_consent = true")
    replayed = run("conversions", "replay", FEED, "--reason", "no_consent")
    assert "1 filtered row of 2026-11-15 is to be judged again." in replayed.out
    assert "0 of these days' rows are filtered for the reason no_consent now." in replayed.out
    assert "order-9" in {str(each["event_id"]) for each in spotify.state.events.page(0, 10)}
    assert run("conversions", "replay", FEED, "--reason", "not_wanted").out == "There are no such filtered rows.\n"


@pytest.mark.e2e
def test_a19_a_day_without_a_consent_is_held_shown_approved_once_and_sent(
    run: Run, spotify: SandboxServer, warehouse: Path
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            """INSERT INTO events.shop_events
            SELECT * EXCLUDE (i) REPLACE ('late-' || i AS order_number, false AS marketing_consent,
            TIMESTAMP '2026-11-16 12:00:00' AS happened_at) FROM events.shop_events, range(30) t(i)
            WHERE order_number = 'order-1'"""
        )
    feed = chosen_feed(own_definitions(), FEED)
    day = date(2026, 11, 16)
    assert run("conversions", "guards", FEED).out == "No day is unlike the days before it.\n"
    refused = run("conversions", "approve", FEED, "--digest", "0" * 12, "--reason", "the banner is new since today")
    assert "No guard holds web_shop now. Nothing was approved." in refused.err
    with pytest.raises(CommandError, match="not one row has consent"):
        materialize_days(own_definitions(), [feed.validated_key, feed.delivery_key], day, day)
    shown = run("conversions", "guards", FEED)
    assert shown.code == 1
    assert "no_consent_at_all" in shown.out
    digest = shown.out.splitlines()[-1].split()[-1]
    wrong = run("conversions", "approve", FEED, "--digest", "0" * 12, "--reason", "the banner is new since today")
    assert f"that is 2026-11-16 (no_consent_at_all), with the digest {digest}" in wrong.err
    given = run("conversions", "approve", FEED, "--digest", digest, "--reason", "the banner is new since today")
    assert (given.code, given.err) == (0, "")
    assert "web_shop may send although 2026-11-16 is unlike the days before it, once" in given.out
    materialize_days(own_definitions(), [feed.validated_key, feed.delivery_key], day, day)
    assert run("conversions", "guards", FEED).code == 0


@pytest.mark.e2e
def test_a21_a_feed_that_stopped_says_what_was_seen_and_is_resumed(
    run: Run, spotify: SandboxServer, warehouse: Path
) -> None:
    assert run("conversions", "resume", FEED).out == "web_shop was not stopped.\n"
    spotify.state.faults.script(named_fault("events_unclear_success", body='{"events_received": 0}'))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "INSERT INTO events.shop_events SELECT * REPLACE ('order-9' AS order_number)"
            " FROM events.shop_events WHERE order_number = 'order-1'"
        )
    feed = chosen_feed(own_definitions(), FEED)
    with pytest.raises(CommandError, match="It is not known whether Spotify took"):
        materialize_days(own_definitions(), [feed.validated_key, feed.delivery_key], DAY, DAY)
    account = run("conversions", "account", FEED)
    assert account.code == 1
    assert 'Spotify answered 200 {"events_received": 0}' in account.out
    assert "spotify-pipeline conversions resume web_shop" in account.out

    resumed = run("conversions", "resume", FEED)
    assert (resumed.code, resumed.err) == (0, "")
    assert 'when Spotify answered 200 {"events_received": 0}' in resumed.out
    assert "The next run sends again: the events of that request, too, with the same ids" in resumed.out
    assert "1 events wait" in resumed.out
    assert run("conversions", "account", FEED).code == 0
    materialize_days(own_definitions(), [feed.validated_key, feed.delivery_key], DAY, DAY)
    assert "order-9" in {str(each["event_id"]) for each in spotify.state.events.page(0, 10)}


@pytest.mark.e2e
def test_dead_letters_can_be_marked_only_and_go_with_the_next_reading(run: Run, warehouse: Path) -> None:
    marked = run("conversions", "replay", FEED, "--later")
    assert marked.out == "1 dead letter of 2026-11-15 is to be judged again.\n"
    assert run("conversions", "account", FEED).out.splitlines()[1].split()[-1] == "0", "it is dead until then"


def test_what_there_is_not_is_said(run: Run) -> None:
    unknown = run("conversions", "account", "unknown")
    assert unknown.code == 1
    assert "The feed unknown has no outbox yet" in unknown.err
    refused = run("conversions", "replay", FEED, "--reason", "boredom")
    assert (refused.code, refused.out) == (1, "")
    assert "No event has the reason boredom. There are: no_event_id" in refused.err
    assert "The project defines no feed unknown. It has: web_shop." in run("conversions", "replay", "unknown").err
