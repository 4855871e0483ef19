"""The same where people ask for something; in a file of its own, so that it may be tested beside the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline_tests.stress.leaks import privacy_runs
from spotify_pipeline_tests.stress.leaks.runs import runs_of, watched


@pytest.mark.slow
@pytest.mark.parametrize("run", runs_of(privacy_runs.__name__))
def test_p01_p02_p03_p13_nothing_is_left_of_what_people_ask_for(run: str, tmp_path: Path) -> None:
    watch = watched(run, tmp_path / "deployment")
    assert sorted(watch.leaks) == []
    assert watch.looks > 3
