"""The commands of docs/how-to/back-up-and-restore.md do what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import spotify_pipeline
from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.state import StateStore, tables

PAGE = Path(spotify_pipeline.__file__).parents[1] / "docs" / "how-to" / "back-up-and-restore.md"


@pytest.mark.e2e
def test_w20_what_is_backed_up_as_the_page_says_is_there_again_and_private(tmp_path: Path) -> None:
    back_up, restore = (
        dedent(each) for each in re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    )
    home, backups = tmp_path / "the home", tmp_path / "backups"
    backups.mkdir()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "SPOTIFY_PIPELINE_HOME": str(home), "BACKUPS": str(backups), "PATH": path}

    def shell(commands: str) -> None:
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], env=environment, cwd=tmp_path, check=True, umask=0o022
        )

    state = StateStore.in_home(home)
    with state.begin() as transaction:
        transaction.execute(tables.alert.insert().values(audience="lapsed", kind="blocked", content="{}"))
    with atomic_private_file(home / "data" / "customer_lists" / "list.csv") as file:
        file.write(b"a list")
    shell(back_up)
    (home / "data" / "customer_lists" / "list.csv").write_text("damaged")
    (home / "state.sqlite").write_bytes(b"damaged")
    shell(restore)
    with StateStore.in_home(home).read() as transaction:
        assert [each.audience for each in transaction.execute(tables.alert.select())] == ["lapsed"]
    assert (home / "data" / "customer_lists" / "list.csv").read_text() == "a list"
    assert {each.stat().st_mode & 0o777 for each in (home, *home.rglob("*"))} == {0o600, 0o700}
    assert {each.stat().st_mode & 0o777 for each in backups.iterdir()} == {0o600}
