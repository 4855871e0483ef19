"""`state`: the state as a whole, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.state import StateStore, tables
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.customer_list.snapshots import WEEKS, materialize


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def kept(home: Path) -> StateStore:
    """A state that holds something."""
    state = StateStore.in_home(home)
    with state.begin() as transaction:
        transaction.execute(tables.alert.insert().values(audience="lapsed", kind="blocked", content="{}"))
    return state


def test_a_state_is_checked(run: Run, kept: StateStore) -> None:
    checked = run("state", "check")
    assert (checked.code, checked.err) == (0, "")
    assert checked.out == f"ok    the state in {kept.place}: it can be read, and its locks hold\n"


def test_a_damaged_state_fails_the_check(run: Run, home: Path) -> None:
    home.mkdir()
    (home / "state.sqlite").write_bytes(b"no database" * 99)
    (home / "state.sqlite").chmod(0o600)
    checked = run("state", "check")
    assert checked.code == 1
    assert checked.out.startswith("FAIL  ")


def test_a_backup_is_written_and_restored(run: Run, kept: StateStore, tmp_path: Path) -> None:
    written = run("state", "backup", str(tmp_path / "monday.sqlite"))
    assert (written.code, written.err) == (0, "")
    assert "  alert: 1\n" in written.out
    for each in kept.home.glob("state.sqlite*"):
        each.unlink()
    lost = run("state", "check")
    assert (lost.code, "is gone" in lost.out) == (1, True)
    restored = run("state", "restore", str(tmp_path / "monday.sqlite"), "--yes")
    assert (restored.code, restored.err) == (0, "")
    assert run("state", "check").code == 0


def test_nobody_s_state_is_replaced_without_a_word(run: Run, kept: StateStore, tmp_path: Path) -> None:
    run("state", "backup", str(tmp_path / "monday.sqlite"))
    asked = run("state", "restore", str(tmp_path / "monday.sqlite"), stdin=b"n\n")
    assert asked.code == 1
    assert not list(kept.home.glob("state.sqlite.before-*"))


def test_a_state_is_moved_and_the_first_one_names_the_second(run: Run, kept: StateStore) -> None:
    moved = run("state", "move", "sqlite:///state.sqlite", "sqlite:///other.sqlite")
    assert (moved.code, moved.err) == (0, "")
    assert "Set SPOTIFY_PIPELINE_STATE to it" in moved.out
    closed = run("state", "check")
    assert (closed.code, "was moved to" in closed.out) == (1, True)


def test_p05_a_password_on_the_command_line_is_refused_and_not_repeated(run: Run) -> None:
    refused = run("state", "move", "sqlite:///state.sqlite", "postgresql://me:geheim@db.example.com/x")
    assert refused.code == 1
    assert "environment variable" in refused.err
    assert "geheim" not in refused.err


def test_a_variable_that_is_not_set_is_named(run: Run) -> None:
    refused = run("state", "move", "sqlite:///state.sqlite", "NEW_STATE")
    assert (refused.code, "NEW_STATE is not set" in refused.err) == (1, True)


def test_a_key_is_printed_and_changed(run: Run, kept: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.require_key()
    assert "key in the home" not in run("state", "new-key").out
    changed = run("state", "change-key")
    assert (changed.code, changed.err) == (0, "")
    assert "`state.key` in the home" in changed.out
    key = run("state", "new-key").out.strip()
    monkeypatch.setenv("SPOTIFY_PIPELINE_NEW_KEY", key)
    assert run("state", "change-key").code == 0
    assert run("state", "check").code == 0


def test_a_file_has_nothing_to_upgrade_or_create(run: Run, kept: StateStore) -> None:
    assert "There is nothing to do" in run("state", "upgrade").out
    assert run("state", "create").out == f"There already: the state in {kept.place}.\n"


@pytest.mark.e2e
def test_a_state_moves_to_a_database_that_machines_share(
    run: Run, kept: StateStore, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.require_key()
    monkeypatch.setenv("NEW_STATE", empty_database)
    moved = run("state", "move", "sqlite:///state.sqlite", "NEW_STATE")
    assert (moved.code, moved.err) == (0, "")
    monkeypatch.setenv("SPOTIFY_PIPELINE_STATE", empty_database)
    monkeypatch.setenv("SPOTIFY_PIPELINE_KEY", (kept.home / "state.key").read_text())
    assert run("state", "check").code == 0
    assert run("state", "create").out.startswith("There already")


def test_lists_are_moved_to_another_directory(run: Run, home: Path, tmp_path: Path) -> None:
    folder = SnapshotStore.in_home(home)
    materialize(folder, "lapsed", WEEKS[0])
    list_before = folder.stored("lapsed", WEEKS[0])[0].read_bytes()
    moved = run("state", "move-lists", str(home / "data"), "elsewhere")
    assert (moved.code, moved.err) == (0, "")
    assert moved.out == (
        f"Moved, and verified: 1 lists and 1 files of identifiers of 1 audiences, to {tmp_path / 'elsewhere'}.\n"
        "Set SPOTIFY_PIPELINE_LISTS to it wherever this project runs. Nothing of them is left in "
        f"{home / 'data'}.\n"
    )
    assert folder.audiences() == []
    assert SnapshotStore(tmp_path / "elsewhere").stored("lapsed", WEEKS[0])[0].read_bytes() == list_before


def test_lists_are_moved_to_nothing_else(run: Run, home: Path) -> None:
    refused = run("state", "move-lists", str(home / "data"), "ftp://somewhere/lists")
    assert refused.code == 1
    assert "no folder that lists can be in" in refused.err
