from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.retries import (
    API_CALL,
    RUN,
    TOKENS_HELD,
    UPLOAD_REQUEST,
    WAREHOUSE_HELD,
    RetryPolicy,
)
from spotify_pipeline.spotify.auth.token_provider import LONGEST_RENEWAL
from spotify_pipeline_tests.retries.page import PAGE, as_markdown, policies

ROOT = Path(__file__).parents[2]
POLICY = RetryPolicy(what="A test", pauses=(1, 2, 5), after="Nothing")


def test_the_page_says_what_the_module_says():
    assert as_markdown() == PAGE.stated, "run `python -m spotify_pipeline_tests.retries.page`"


def test_every_policy_is_on_the_page():
    assert [f"`{name}`" for name in policies()] == [
        row.split(" | ")[0].removeprefix("| ") for row in as_markdown().splitlines() if row.startswith("| `")
    ]


def test_the_last_pause_holds_for_all_that_follow():
    assert [POLICY.pause(tried) for tried in (1, 2, 3, 4, 50)] == [1, 2, 5, 5, 5]
    assert replace(POLICY, pauses=()).pause(7) == 0


@given(st.sampled_from(sorted(policies())), st.integers(1, 100), st.floats(0, 1))
def test_chance_only_shortens_a_pause_and_by_no_more_than_its_share(name: str, tried: int, random: float):
    policy = policies()[name]
    longest = policy.pause(tried)
    assert longest * (1 - policy.chance) - 1e-9 <= policy.pause(tried, random) <= longest + 1e-9


@pytest.mark.parametrize(
    ("policy", "within", "slept"),
    [
        (POLICY, 4.0, [1, 2, 5]),
        (POLICY, 0.0, []),
        (replace(POLICY, tries=3), math.inf, [1, 2]),
        (replace(POLICY, tries=1), math.inf, []),
    ],
)
def test_looks_end_with_the_count_or_with_the_time(policy: RetryPolicy, within: float, slept: list[float]):
    pauses: list[float] = []
    looked = iter(range(100))
    last = policy.until(lambda: next(looked), lambda _: False, pauses.append, within=within)
    assert pauses == slept
    assert last == len(slept)


def test_looks_end_with_what_was_waited_for():
    pauses: list[float] = []
    looked = iter([None, None, "there", "more"])
    found: Callable[[str | None], bool] = lambda seen: seen is not None  # noqa: E731
    assert POLICY.until(lambda: next(looked), found, pauses.append) == "there"
    assert pauses == [1, 2]


def test_with_a_clock_the_looks_themselves_count_too():
    times = iter([0.0, 3.0, 9.0, 12.0])
    pauses: list[float] = []
    POLICY.until(lambda: None, bool, pauses.append, within=10.0, clock=lambda: next(times))
    assert pauses == [1, 2]


def test_others_wait_longer_for_the_token_store_than_a_renewal_takes():
    assert TOKENS_HELD.within > LONGEST_RENEWAL


def test_an_upload_outlasts_an_outage_of_ten_minutes_even_with_the_shortest_pauses():
    assert sum(UPLOAD_REQUEST.pause(tried, 0.0) for tried in range(1, UPLOAD_REQUEST.tries)) > 600


def test_a_call_may_wait_longer_than_its_pauses_take():
    assert sum(map(API_CALL.pause, range(1, API_CALL.tries))) < API_CALL.within


def test_the_files_of_others_say_what_the_module_says():
    """Dagster's and dbt's own settings, which are read by them alone."""
    instance = yaml.safe_load((ROOT / "spotify_pipeline" / "settings" / "dagster.yaml").read_text(encoding="utf-8"))
    assert instance["run_retries"]["max_retries"] == RUN.retries
    profiles = yaml.safe_load((ROOT / "dbt_project" / "profiles.yml").read_text(encoding="utf-8"))
    (profile,) = profiles.values()
    assert profile["outputs"]["local"]["retries"]["connect_attempts"] == WAREHOUSE_HELD.tries
