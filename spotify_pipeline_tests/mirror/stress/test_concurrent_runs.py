"""Several processes that mirror one audience at once, to one sandbox, with one home."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from spotify_pipeline.home import HOME_VARIABLE
from spotify_pipeline.mirror import AudienceMirror, Journal, MirrorRefused
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.spotify import SpotifyAdsClient, TokenStore, UploadProgress
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList
from spotify_pipeline_tests.mirror.deployment import NOW
from spotify_pipeline_tests.mirror.fake_spotify import QUANTUM
from spotify_pipeline_tests.mirror.machine import SPEC, THREE_CHUNKS, Listed
from spotify_pipeline_tests.sandbox_settings import settings_at

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])

UPLOAD = {
    "new_upload_url": "U",
    "replacement_upload_url": "U",
    "start_upload": "S",
    "put_upload": "P",
    "create_audience": "C",
}


@dataclass(frozen=True)
class Run:
    """What one process is to mirror, and with what."""

    url: str
    home: Path
    listed: Listed
    killed_after_first_chunk: bool = False


def mirror(run: Run, there: Connection) -> None:
    """One process: says when it is ready, waits for the word, mirrors, and says what came of it."""
    os.environ[HOME_VARIABLE] = str(run.home)
    settings = settings_at(run.url, upload_chunk_bytes=QUANTUM)

    def die(progress: UploadProgress) -> None:
        if progress.stored >= QUANTUM:
            os.kill(os.getpid(), signal.SIGKILL)

    state = StateStore.in_home(run.home)
    with SpotifyAdsClient.open(settings, TokenStore(state)) as client:
        mirroring = AudienceMirror(client, Journal(state), clock=lambda: NOW, sleep=look_often)
        there.send("ready")
        there.recv()
        try:
            on_progress = die if run.killed_after_first_chunk else None
            guard = Allow(run.listed[1], SPEC.ad_account_id, min_rows=ENOUGH)
            outcome = mirroring.mirror(SPEC, *run.listed, guard=guard, on_progress=on_progress)
            there.send((str(outcome.action), outcome.recovered))
        except MirrorRefused as refused:
            there.send(("refused", str(refused)))


def look_often(seconds: float) -> None:
    """A pause in which another process may end, and no longer."""
    time.sleep(min(seconds, 0.01))


class Started:
    """A process of :func:`mirror`."""

    def __init__(self, run: Run) -> None:
        self._here, there = _processes.Pipe()
        self._process = _processes.Process(target=mirror, args=(run, there), daemon=True)
        self._process.start()
        there.close()
        assert self._here.recv() == "ready"

    def go(self) -> None:
        self._here.send("go")

    def result(self) -> tuple[str, str | None]:
        """What was done and why, or ("killed", None)."""
        try:
            assert self._here.poll(60), "a process did not end"
            return self._here.recv()
        except EOFError:
            self._process.join()
            assert self._process.exitcode == -signal.SIGKILL
            return "killed", None

    def end(self) -> None:
        self._process.kill()
        self._process.join()


@pytest.fixture
def started(sandbox: SandboxServer, tmp_path: Path) -> Iterator[list[Started]]:
    del sandbox, tmp_path
    processes: list[Started] = []
    yield processes
    for process in processes:
        process.end()


@pytest.mark.parametrize("count", [2, 5, 8])
def test_f33_c09_processes_take_turns_and_the_newest_list_wins(
    sandbox: SandboxServer, tmp_path: Path, build_list: BuildList, started: list[Started], count: int
) -> None:
    lists = [build_list(range(4_100 + 10 * day), f"2026-11-{day:02d}") for day in range(1, count + 1)]
    order = random.Random(count).sample(lists, count)
    started += [Started(Run(sandbox.url, tmp_path / "home", listed)) for listed in order]
    for process in started:
        process.go()
    results = {listed[1].snapshot: process.result() for listed, process in zip(order, started, strict=True)}

    for snapshot, (done, why) in results.items():
        assert done in ("created", "replaced", "refused"), (snapshot, done)
        if done == "refused":
            assert f"for {snapshot} was built before the one Spotify has" in str(why)
    newest = lists[-1]
    assert results[newest[1].snapshot][0] in ("created", "replaced")
    assert [done for done, _ in results.values()].count("created") == 1

    (audience,) = sandbox.state.audiences.all()
    received = sandbox.state.received_lists.of(audience.id)
    assert received[-1].sha256 == newest[1].sha256
    assert sandbox.state.list_file(received[-1].id).read_bytes() == newest[0].read_bytes()
    sizes = [each.size for each in received]
    assert sizes == sorted(set(sizes)), "an older list landed after a newer one"
    assert uploads_in_the_log(sandbox) == len(received)


def test_c09_c11_a_killed_run_blocks_nobody_and_an_older_list_does_not_take_its_place(
    sandbox: SandboxServer, tmp_path: Path, build_list: BuildList, started: list[Started]
) -> None:
    older, newest = build_list(range(4_100), "2026-11-16"), build_list(THREE_CHUNKS, "2026-11-23")
    killed = Started(Run(sandbox.url, tmp_path / "home", newest, killed_after_first_chunk=True))
    waiting = Started(Run(sandbox.url, tmp_path / "home", older))
    started += [killed, waiting]
    killed.go()
    assert killed.result() == ("killed", None)
    waiting.go()
    done, why = waiting.result()
    assert (done, "was built before another (2026-11-23) whose sending was begun" in str(why)) == ("refused", True)
    again = Started(Run(sandbox.url, tmp_path / "home", newest))
    started.append(again)
    again.go()
    done, recovered = again.result()
    assert done == "created"
    assert str(recovered).startswith("An upload that was broken off was continued at byte 262,144")
    (audience,) = sandbox.state.audiences.all()
    assert [each.sha256 for each in sandbox.state.received_lists.of(audience.id)] == [newest[1].sha256]


def uploads_in_the_log(sandbox: SandboxServer) -> int:
    """How many uploads the sandbox saw, each of them whole before the next was begun."""
    asked = [UPLOAD.get(str(each["operation"]), "") for each in sandbox.state.requests.after(0)]
    log = "".join(asked)
    assert re.fullmatch(r"(USP+C?)*", log), log
    return log.count("U")
