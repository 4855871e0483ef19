from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from pathlib import Path
from unittest.mock import Mock

import pytest

import spotify_pipeline
from spotify_pipeline.home import HomeError
from spotify_pipeline.locks import exclusive, lock_directory
from spotify_pipeline.retries import RetryPolicy
from spotify_pipeline_tests.spotify.forks import fork_that_waits

POLICY = RetryPolicy(what="A lock", pauses=(0.5,), within=2, after="An error")


class Held(Exception):
    pass


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "some.lock"


def test_one_at_a_time_holds_it_and_the_next_waits_as_its_policy_says(file: Path):
    slept: list[float] = []
    with exclusive(file), pytest.raises(Held), exclusive(file, POLICY, busy=Held(), sleep=slept.append):
        pytest.fail("both hold it")
    assert slept == [0.5, 0.5, 0.5, 0.5]


def test_it_is_taken_as_soon_as_it_is_free(file: Path):
    first = exclusive(file)
    first.__enter__()
    looked: list[float] = []

    def sleep(seconds: float) -> None:
        looked.append(seconds)
        first.__exit__(None, None, None)

    with exclusive(file, POLICY, busy=Held(), sleep=sleep):
        assert looked == [0.5]


@pytest.mark.parametrize("within", [0.0, 1.0])
def test_a_caller_may_wait_for_less_or_more(file: Path, within: float):
    slept: list[float] = []
    held = exclusive(file, POLICY, busy=Held(), within=within, sleep=slept.append)
    with exclusive(file), pytest.raises(Held), held:
        pytest.fail("both hold it")
    assert sum(slept) == within


def test_it_is_free_after_an_error(file: Path):
    with pytest.raises(ZeroDivisionError), exclusive(file):
        raise ZeroDivisionError
    with exclusive(file, POLICY, busy=Held(), within=0):
        pass


def test_it_is_free_after_its_holder_was_killed(file: Path):
    readable, writable = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            with exclusive(file):
                os.write(writable, b"held")
                signal.pause()
        finally:
            os._exit(1)
    assert os.read(readable, 4) == b"held"
    with pytest.raises(Held), exclusive(file, POLICY, busy=Held(), within=0):
        pytest.fail("both hold it")
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    with exclusive(file, POLICY, busy=Held(), within=0):
        pass


def test_it_is_free_though_a_process_that_was_forked_meanwhile_lives_on(file: Path):
    with exclusive(file):
        end = fork_that_waits()
    try:
        with exclusive(file, POLICY, busy=Held(), within=0):
            pass
    finally:
        end()


def test_a_file_may_be_changed_while_it_is_locked(file: Path):
    with exclusive(file) as descriptor:
        os.pwrite(descriptor, b"12", 0)
    with exclusive(file) as descriptor:
        assert os.pread(descriptor, 10, 0) == b"12"


def test_file_and_directory_are_private_whatever_the_umask(file: Path):
    before = os.umask(0)
    try:
        with exclusive(file):
            pass
    finally:
        os.umask(before)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, file.parent)] == [0o600, 0o700]


def test_a_link_is_not_followed(file: Path, tmp_path: Path):
    file.parent.mkdir()
    file.symlink_to(tmp_path / "victim")
    with (
        pytest.raises(HomeError, match=r"some\.lock .* It is a symbolic link: remove it"),
        exclusive(file),
    ):
        pytest.fail("a link was followed")
    assert not (tmp_path / "victim").exists()


def test_a_directory_in_its_place_is_told(file: Path):
    file.mkdir(parents=True)
    with pytest.raises(HomeError, match=r"some\.lock cannot be used \(Is a directory\)"), exclusive(file):
        pytest.fail("a directory was locked")


@pytest.mark.parametrize("busy", [None, Held()])
def test_a_disk_without_locks_is_told_with_the_cure(file: Path, busy: Held | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=OSError(errno.ENOLCK, "no locks")))
    with (
        pytest.raises(HomeError, match="put SPOTIFY_PIPELINE_HOME on a local"),
        exclusive(file, POLICY, busy=busy),
    ):
        pytest.fail("it counts as locked")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_descriptor_stays_open(file: Path):
    before = descriptors()
    with exclusive(file), pytest.raises(Held), exclusive(file, POLICY, busy=Held(), within=0):
        pytest.fail("both hold it")
    assert descriptors() == before


def test_a_directory_is_locked_by_one_until_it_is_closed(tmp_path: Path):
    first = lock_directory(tmp_path)
    assert first is not None
    assert lock_directory(tmp_path) is None
    os.close(first)
    second = lock_directory(tmp_path)
    assert second is not None
    os.close(second)


def test_what_is_no_directory_is_not_locked(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    assert [lock_directory(tmp_path / name) for name in ("file", "link", "nothing")] == [None, None, None]


def test_nothing_else_locks_files():
    """But the sandbox, which shares nothing with the client."""
    package = Path(spotify_pipeline.__file__).parent
    users = [file for file in package.rglob("*.py") if "import fcntl" in file.read_text(encoding="utf-8")]
    assert sorted(str(file.relative_to(package)) for file in users) == [
        "locks.py",
        "sandbox/store/state_directory.py",
    ]
