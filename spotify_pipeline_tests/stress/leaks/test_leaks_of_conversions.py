"""The same where events are sent; in a file of its own, so that it may be tested beside the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline_tests.stress.leaks import conversion_runs
from spotify_pipeline_tests.stress.leaks.runs import runs_of, watched


@pytest.mark.slow
@pytest.mark.parametrize("run", runs_of(conversion_runs.__name__))
def test_a09_p01_p02_p03_nothing_is_left_of_events(run: str, tmp_path: Path) -> None:
    watch = watched(run, tmp_path / "deployment")
    assert sorted(watch.leaks) == []
    assert watch.looks > 3
