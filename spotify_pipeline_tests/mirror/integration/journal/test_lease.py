"""One run at a time: who waits, for how long, and who lets go."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import stat
import threading
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import MirrorRefused
from spotify_pipeline.mirror.journal.lease import leased
from spotify_pipeline_tests.mirror.deployment import no_pause

_processes = multiprocessing.get_context("forkserver")


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "lapsed.lock"


def test_a_second_run_waits_for_the_first_and_says_once_for_whom(lock: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "spotify_pipeline.mirror")
    with ExitStack() as first:
        first.enter_context(leased(lock, "lapsed", wait=0, sleep=no_pause))
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                first.close()

        with leased(lock, "lapsed", wait=60, sleep=sleep) as lease:
            assert lease.held
    assert len(slept) == 3
    (line,) = caplog.messages
    assert line.startswith(f"Another run is mirroring lapsed (process {os.getpid()}, since 20")


def test_it_gives_up_after_the_time_it_was_given(lock: Path) -> None:
    slept: list[float] = []
    with (
        leased(lock, "lapsed", wait=0, sleep=no_pause),
        pytest.raises(MirrorRefused, match=r"Another run is mirroring lapsed right now\. Nothing was sent by this one"),
        leased(lock, "lapsed", wait=900, sleep=slept.append),
    ):
        pass
    assert sum(slept) == 900


def test_threads_of_one_process_take_turns(lock: Path) -> None:
    inside: list[int] = []
    most: list[int] = []
    pause = threading.Event()

    def sleep(seconds: float) -> None:
        pause.wait(min(seconds, 0.001))

    def run() -> None:
        with leased(lock, "lapsed", wait=60, sleep=sleep):
            inside.append(1)
            most.append(len(inside))
            pause.wait(0.002)
            inside.pop()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def hold(lock: str, there: Connection) -> None:
    with leased(Path(lock), "lapsed", wait=0, sleep=no_pause):
        there.send("held")
        signal.pause()


def test_c11_a_killed_process_lets_go_at_once(lock: Path) -> None:
    here, there = _processes.Pipe()
    process = _processes.Process(target=hold, args=(str(lock), there))
    process.start()
    assert here.recv() == "held"
    with pytest.raises(MirrorRefused), leased(lock, "lapsed", wait=0, sleep=no_pause):
        pass
    process.kill()
    process.join()
    with leased(lock, "lapsed", wait=0, sleep=no_pause) as lease:
        assert lease.held


def test_a_process_forked_while_it_was_held_does_not_keep_the_lock(lock: Path) -> None:
    with leased(lock, "lapsed", wait=0, sleep=no_pause):
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
    try:
        with leased(lock, "lapsed", wait=0, sleep=no_pause) as lease:
            assert lease.held
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_whoever_finds_the_lock_file_removed_or_taken_stops(lock: Path) -> None:
    with leased(lock, "lapsed", wait=0, sleep=no_pause) as first:
        lock.unlink()
        with pytest.raises(MirrorRefused, match="taken lapsed over since this one began, or somebody removed its lock"):
            first.require()
        with leased(lock, "lapsed", wait=0, sleep=no_pause) as second:
            assert second.held
            assert not first.held
        assert not first.held


def test_a_mark_that_is_gone_is_no_obstacle_to_the_next_run(lock: Path) -> None:
    lock.parent.mkdir()
    lock.write_text("not a mark")

    def damage(seconds: float) -> None:
        del seconds
        lock.write_text("damaged while held")

    with (
        leased(lock, "lapsed", wait=0, sleep=no_pause) as lease,
        pytest.raises(MirrorRefused),
        leased(lock, "lapsed", wait=1, sleep=damage),
    ):
        assert lease.held


def test_the_lock_file_is_private_and_no_symlink_is_followed(lock: Path, tmp_path: Path) -> None:
    with leased(lock, "lapsed", wait=0, sleep=no_pause):
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HomeError, match=r"The lock file .* cannot be used"), leased(lock, "x", wait=0, sleep=no_pause):
        pass
    assert not (tmp_path / "elsewhere").exists()
