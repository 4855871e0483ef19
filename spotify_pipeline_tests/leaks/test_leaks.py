"""No trace of a thousand people, and no secret, anywhere but where it must be, whatever goes well or wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline_tests.leaks import privacy_runs
from spotify_pipeline_tests.leaks.runs import RUNS, runs_of, watched


@pytest.mark.slow
@pytest.mark.parametrize("run", [name for name in RUNS if name not in runs_of(privacy_runs.__name__)])
def test_p01_p02_p03_p05_p06_p07_p08_nothing_is_left_anywhere(run: str, tmp_path: Path) -> None:
    watch = watched(run, tmp_path / "deployment")
    assert sorted(watch.leaks) == []
    assert watch.looks > 3
