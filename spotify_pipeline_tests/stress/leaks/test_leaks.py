"""No trace of a thousand people, and no secret, anywhere but where it must be, whatever goes well or wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline_tests.stress.leaks import runs
from spotify_pipeline_tests.stress.leaks.runs import RUNS, watched


@pytest.mark.slow
@pytest.mark.parametrize("run", [name for name, run in RUNS.items() if run.play.__module__ == runs.__name__])
def test_p01_p02_p03_p05_p06_p07_p08_nothing_is_left_anywhere(run: str, tmp_path: Path) -> None:
    watch = watched(run, tmp_path / "deployment")
    assert sorted(watch.leaks) == []
    assert watch.looks > 3
