"""`demo` and `dev` outside this package's repository say where they belong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from spotify_pipeline.cli.demo import demo, dev
from spotify_pipeline.cli.errors import CommandError


@pytest.mark.parametrize("command", [demo, dev])
def test_in_another_project_they_say_what_to_use(
    command: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=r"checkout of spotify-pipeline's repository.*`dg dev`"):
        command()
