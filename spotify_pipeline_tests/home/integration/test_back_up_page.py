"""The commands of docs/how-to/back-up-and-restore.md do what the page says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from textwrap import dedent

import spotify_pipeline
from spotify_pipeline.home import atomic_private_file

PAGE = Path(spotify_pipeline.__file__).parents[1] / "docs" / "how-to" / "back-up-and-restore.md"


def test_w20_what_is_backed_up_as_the_page_says_is_there_again_and_private(tmp_path: Path) -> None:
    back_up, restore = (
        dedent(each) for each in re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    )
    home, backups = tmp_path / "the home", tmp_path / "backups"
    backups.mkdir()
    environment = {**os.environ, "SPOTIFY_PIPELINE_HOME": str(home), "BACKUPS": str(backups)}

    def shell(commands: str) -> None:
        subprocess.run(["bash", "-euo", "pipefail", "-c", commands], env=environment, check=True, umask=0o022)

    files = (
        "journal/account/lapsed.json",
        "receipts/account/lapsed/000001.json",
        "state.sqlite",
        "tokens.json",
    )
    for name in (*files, "spill/of-a-query", "rate/key"):
        with atomic_private_file(home / name) as file:
            file.write(name.encode())
    shell(back_up)
    (home / files[0]).write_text("damaged")
    shell(restore)
    assert sorted(str(each.relative_to(home)) for each in home.rglob("*") if each.is_file()) == sorted(files)
    assert [(home / each).read_text() for each in files] == list(files)
    assert {each.stat().st_mode & 0o777 for each in (home, *home.rglob("*"))} == {0o600, 0o700}
    assert (home.with_name("the home.before") / files[0]).read_text() == "damaged"
    assert {each.stat().st_mode & 0o777 for each in backups.iterdir()} == {0o600}
