"""Schedules: one per cadence, one job for all, a run per audience for the window that has just opened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from spotify_pipeline_tests.components.conftest import GOOD
from spotify_pipeline_tests.components.runs import refusal

MONDAY = "spotify_mirror_every_monday_at_06_00_europe_stockholm"
TWO = GOOD.replace("Lapsed subscribers", "Another name")
TABLE = TWO.replace("dbt_model: lapsed_subscribers", "table: crm.people")


def requests_at(definitions: dg.Definitions, schedule: str, when: datetime) -> list[dg.RunRequest]:
    context = dg.build_schedule_context(
        scheduled_execution_time=when,
        repository_def=definitions.get_repository_def(),
        instance=dg.DagsterInstance.ephemeral(),
    )
    return list(definitions.resolve_schedule_def(schedule).evaluate_tick(context).run_requests or [])


def test_audiences_of_one_cadence_share_a_schedule_and_all_share_one_job(load: Callable[..., dg.Definitions]) -> None:
    definitions = load(
        {
            "one": GOOD,
            "two": TWO,
            "daily": GOOD.replace("Lapsed", "Daily").replace("every: week, on: monday", "every: day"),
            "by_hand": GOOD.replace("Lapsed", "By hand").replace(GOOD[GOOD.index("cadence:") :], "cadence: once\n"),
        }
    )
    repository = definitions.get_repository_def()
    schedules = {each.name: each for each in repository.schedule_defs}
    assert sorted(schedules) == [
        "spotify_mirror_every_day_at_06_00_europe_stockholm",
        MONDAY,
        "spotify_watch_audiences",
    ]
    assert schedules[MONDAY].cron_schedule == "0 6 * * 1"
    assert schedules[MONDAY].execution_timezone == "Europe/Stockholm"
    assert {schedules[name].job_name for name in schedules if name != "spotify_watch_audiences"} == {"__ASSET_JOB"}


def test_a_tick_asks_for_each_audience_with_its_segment_for_the_window_that_opens(
    load: Callable[..., dg.Definitions],
) -> None:
    definitions = load({"one": GOOD, "two": TABLE})
    requests = requests_at(definitions, MONDAY, datetime(2026, 11, 23, 6, tzinfo=ZoneInfo("Europe/Stockholm")))
    assert [request.partition_key for request in requests] == ["2026-11-23", "2026-11-23"]
    assert [request.tags["spotify_pipeline/audience"] for request in requests] == ["one", "two"]
    asked = [[key.to_user_string() for key in request.asset_selection or []] for request in requests]
    assert asked == [
        ["segments/lapsed_subscribers", "one/identifiers", "one/customer_list", "one/spotify_audience"],
        # Somebody else writes this table, so there is nothing to build before reading it.
        ["two/identifiers", "two/customer_list", "two/spotify_audience"],
    ]


def test_one_tick_asks_once_however_often_it_is_evaluated(load: Callable[..., dg.Definitions]) -> None:
    definitions = load({"one": GOOD})
    tick = datetime(2026, 11, 23, 6, tzinfo=ZoneInfo("Europe/Stockholm"))
    keys = {request.run_key for _ in range(2) for request in requests_at(definitions, MONDAY, tick)}
    assert keys == {"one:2026-11-23"}


def test_the_watch_job_asks_after_every_audience(load: Callable[..., dg.Definitions]) -> None:
    definitions = load({"one": GOOD, "two": TWO})
    steps = {node.name for node in definitions.resolve_job_def("spotify_watch_audiences").nodes}
    assert steps == {
        "one__spotify_audience_targetable",
        "two__spotify_audience_targetable",
        "one__promises",
        "two__promises",
        "spotify__shop_ads__audience_overlap",
        "spotify__shop_ads__audience_overlap_no_orphans",
        "spotify__shop_ads__authorization_sign_in_lasts",
    }


@pytest.mark.e2e
def test_an_audience_that_starts_later_holds_up_no_other(load: Callable[..., dg.Definitions]) -> None:
    later = TWO.replace("timezone: Europe/Stockholm", "timezone: Europe/Stockholm, start: 2099-01-01")
    definitions = load({"a_later": later, "one": GOOD})
    tick = datetime(2026, 11, 23, 6, tzinfo=ZoneInfo("Europe/Stockholm"))
    assert [request.tags["spotify_pipeline/audience"] for request in requests_at(definitions, MONDAY, tick)] == ["one"]
    assert requests_at(load({"a_later": later}), MONDAY, tick) == []


def test_zones_that_differ_by_a_sign_have_schedules_of_their_own(load: Callable[..., dg.Definitions]) -> None:
    west, east = (yaml.replace("Europe/Stockholm", zone) for yaml, zone in ((GOOD, "Etc/GMT+5"), (TWO, "Etc/GMT-5")))
    schedules = load({"west": west, "east": east}).get_repository_def().schedule_defs
    assert {each.execution_timezone for each in schedules if each.name.startswith("spotify_mirror")} == {
        "Etc/GMT+5",
        "Etc/GMT-5",
    }


def test_two_audiences_may_not_bear_one_name() -> None:
    said = refusal({"one": TABLE, "two": TABLE})
    assert said.startswith("The audiences one and two have the same name, ")


def test_two_audiences_may_not_adopt_the_same_one() -> None:
    adopting = TABLE.replace("name:", "audience_id: ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a\n  name:")
    said = refusal({"one": adopting, "two": adopting.replace("name: ", "name: Other ")})
    assert said.startswith("The audiences one and two have the same audience_id, ce4ff15e")
