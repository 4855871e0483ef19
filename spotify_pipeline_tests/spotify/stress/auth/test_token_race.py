"""Several processes and one token store, against a service that rotates and punishes reuse: O01, O02, O03."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from spotify_pipeline.spotify import TokenStore
from spotify_pipeline.state import new_key
from spotify_pipeline_tests.spotify.stress.racing_processes import SharedState
from spotify_pipeline_tests.spotify.stress.token_race import PROCESSES, TRIALS, Killed, TokenRace, token_race

FORKS = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SharedState:
    home = tmp_path_factory.mktemp("race") / "home"
    database = request.getfixturevalue("postgres") if request.param == "postgres" else None
    return SharedState(home, database, new_key())


@pytest.fixture(scope="module")
def race(shared: SharedState) -> Iterator[TokenRace]:
    with token_race(shared) as ready:
        yield ready


def test_o01_processes_at_expiry_make_one_token_call_and_no_dead_grant(race: TokenRace):
    raced = race.race()
    assert (PROCESSES, len(raced.calls)) == (8, TRIALS)
    assert raced.calls == [1] * TRIALS
    assert raced.answers == [1] * TRIALS  # all got the same token
    assert (raced.rotations, raced.dead_grants) == (TRIALS, 0)


def test_o01_service_of_the_race_ends_the_grant_of_processes_that_refresh_each_for_itself(race: TokenRace):
    raced = race.race_each_for_itself(3)
    assert (raced.calls, raced.dead_grants) == ([PROCESSES] * 3, 3)


def judge(killed: Killed) -> None:
    assert killed.outcomes["died silently"] == 0
    assert max(killed.calls) <= 2  # stored and previous, each once, of all the others together
    assert killed.calls_afterwards == 0  # once told to sign in, nobody asks again


def test_o03_process_killed_at_a_random_moment_of_a_renewal_leaves_a_token_or_a_clear_stop(race: TokenRace):
    killed = race.kill_at_random(20)
    judge(killed)
    assert killed.outcomes.total() == 20


def test_o03_process_killed_before_each_touch_of_a_renewal_leaves_a_token_or_a_clear_stop(race: TokenRace):
    killed = race.kill_at_each_touch()
    judge(killed)
    # Only from the service's answer until its content is written is the new token nowhere but in the killed process.
    assert killed.outcomes["sign in"] > 0
    assert killed.outcomes["went on"] > 3 * killed.outcomes["sign in"]


def hold_the_lock(shared: SharedState, holding: Any) -> None:
    with TokenStore(shared.store()).exclusive():
        holding.set()
        time.sleep(600)


def never(seconds: float) -> None:
    raise AssertionError(f"it was waited for, {seconds} s")


def test_o02_killed_process_frees_the_lock_at_once(shared: SharedState, race: TokenRace):
    del race  # which has made the state
    holding = FORKS.Event()
    holder = FORKS.Process(target=hold_the_lock, args=(shared, holding))
    holder.start()
    assert holding.wait(60)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with TokenStore(shared.store()).exclusive(sleep=never if shared.database is None else time.sleep, within=1):
        pass
