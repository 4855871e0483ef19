"""`rollback`: an older list goes live again, in a run that Dagster keeps; and `--demo` where there is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.settings import DAGSTER_SETTINGS
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.cli.mirrored import AUDIENCE, Mirrored, newest_partition
from spotify_pipeline_tests.components.runs import digest, digests_at_spotify
from spotify_pipeline_tests.on_disk import on_disk

WHY = ("--reason", "The new segment lost a join", "--by", "Kim")


def before(partition: str) -> str:
    """The month before, in the same spelling."""
    month = date.fromisoformat(f"{partition[:7]}-01") - timedelta(days=1)
    return f"{month:%Y-%m}{partition[7:]}"


@pytest.fixture
def dagster_home(tmp_path: Path, mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(DAGSTER_SETTINGS, home / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home


def rename(mirrored: Mirrored, old: str, new: str) -> None:
    """As if the newest partition had been another."""
    manifest = on_disk(mirrored.store.list_path(AUDIENCE, old)).with_name("manifest.json")
    manifest.write_text(manifest.read_text().replace(f'"snapshot": "{old}"', f'"snapshot": "{new}"'))
    manifest.parent.rename(on_disk(mirrored.store.list_path(AUDIENCE, new)).parent)


@pytest.mark.e2e
def test_p13_an_older_list_goes_live_again_without_who_was_forgotten(
    run: Run, mirrored: Mirrored, spotify: SandboxServer, dagster_home: Path
) -> None:
    newest = newest_partition()
    older = before(newest)
    assert mirrored.run(2000).success
    rename(mirrored, newest, older)
    assert mirrored.run(1900).success
    run("forget", stdin=b"reader1999@example.com")
    ran = run("rollback", AUDIENCE, older, *WHY)
    assert (ran.code, ran.err) == (0, "")
    assert f"{AUDIENCE} is back on the list of {older}. The run is " in ran.out
    live = digests_at_spotify(spotify, name="Newsletter readers")
    assert len(live) == 1999
    assert digest("reader1998@example.com") in live
    assert digest("reader1999@example.com") not in live
    with dg.DagsterInstance.get() as instance:
        (kept,) = instance.get_runs()
    assert kept.run_id in ran.out
    assert '"cause": "rollback"' in run("receipts", "show", AUDIENCE, "3").out


@pytest.mark.e2e
def test_a_rollback_that_fails_is_one_sentence(run: Run, mirrored: Mirrored, dagster_home: Path) -> None:
    ran = run("rollback", AUDIENCE, newest_partition(), *WHY)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: There is no customer list for snapshot")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody", "2026-10", *WHY), "The project defines no audience nobody."),
        ((AUDIENCE, "no such month", *WHY), f"{AUDIENCE}/spotify_audience has no partition no such month."),
        ((AUDIENCE, "2026-10", "--reason", "because"), "Give a reason of at least 10 characters"),
    ],
)
def test_what_cannot_be_gone_back_to_is_said(
    run: Run, dagster_home: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    ran = run("rollback", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: {sentence}")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("dagster_home", "sentence"),
    [
        (None, "Set DAGSTER_HOME to the directory that your Dagster uses"),
        (
            "/no/such/directory",
            "Dagster's storage cannot be opened (DagsterInvariantViolationError). Nothing was sent.",
        ),
    ],
)
def test_a_rollback_needs_the_storage_of_dagster(
    run: Run, mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch, dagster_home: str | None, sentence: str
) -> None:
    if dagster_home is not None:
        monkeypatch.setenv("DAGSTER_HOME", dagster_home)
    ran = run("rollback", AUDIENCE, newest_partition(), *WHY)
    assert ran.code == 1
    assert ran.err.startswith(f"error: {sentence}")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.e2e
def test_demo_settings_need_a_demo(tmp_path: Path) -> None:
    """In a folder where nobody ran a demo."""
    command = [sys.executable, "-c", "from spotify_pipeline.cli import main; main()", "--demo", "receipts", "verify"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "error: There is no demo yet. Run `make demo` first.\n"
