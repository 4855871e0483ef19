"""The same where machines share the state and the lists, of some runs; `make leaks` plays all of them so."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline_tests.stress.leaks import conversion_runs, privacy_runs, runs
from spotify_pipeline_tests.stress.leaks.runs import watched

CHOSEN = (
    runs.p08_processes_are_killed,
    privacy_runs.p01_p02_what_people_ask_for,
    conversion_runs.a10_p01_p03_events_in_every_dirt,
)


@pytest.mark.slow
@pytest.mark.parametrize("run", [each.__name__ for each in CHOSEN])
def test_p01_p02_p08_nothing_is_left_in_a_database_or_a_bucket(run: str, tmp_path: Path) -> None:
    watch = watched(run, tmp_path / "deployment", is_shared=True)
    assert sorted(watch.leaks) == []
    assert watch.looks > 3
