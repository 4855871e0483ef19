"""Machines that share a database and a bucket; `make machines` does the same with more lists, and a large one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotify_pipeline_tests.stress.machines.beside import retry_beside
from spotify_pipeline_tests.stress.machines.grant import refresh_together
from spotify_pipeline_tests.stress.machines.killed import kill_large, kill_small
from spotify_pipeline_tests.stress.machines.overtaken import SITUATIONS, stop_at_each
from spotify_pipeline_tests.stress.machines.world import MIB, World, world

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    with world() as ready:
        yield ready


def test_c01_u17_another_machine_continues_an_upload_and_sends_at_most_a_chunk_again(shared: World) -> None:
    killed = kill_small(shared, 5, size=MIB)
    assert killed.right, killed.stories
    assert (killed.trials, killed.broken >= 4) == (5, True)
    assert killed.resumed


def test_u17_a_large_upload_is_continued_where_the_storage_has_it(shared: World) -> None:
    killed = kill_large(shared, size=24 * MIB)
    assert killed.right, killed.stories
    assert killed.resumed == 1


@pytest.mark.parametrize("situation", SITUATIONS)
def test_c10_a_run_that_was_stopped_and_overtaken_writes_nothing(shared: World, situation: str) -> None:
    stopped = stop_at_each(shared, situation, every=17)
    assert stopped.right, stopped.stories
    assert stopped.trials >= 3


@pytest.mark.parametrize("fails_over", [False, True])
def test_c09_a_retry_beside_a_living_run_sends_once(shared: World, fails_over: bool) -> None:
    beside = retry_beside(shared, 2, fails_over=fails_over)
    assert beside.right, beside.stories


def test_o01_two_machines_refresh_one_sign_in_once_for_each_expiry(shared: World) -> None:
    raced = refresh_together(shared, 10)
    assert (raced.calls, raced.answers, raced.dead_grants) == ([1] * 10, [1] * 10, 0)
