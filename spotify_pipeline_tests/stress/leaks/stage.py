"""One deployment with its sandbox and its watch, in which a run of the leak scan plays."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from spotify_pipeline.sandbox import SandboxConfig, SandboxServer
from spotify_pipeline_tests.stress.leaks.chain_process import Command, Ended, Order, Step, perform
from spotify_pipeline_tests.stress.leaks.place import Place
from spotify_pipeline_tests.stress.leaks.shared import sharing
from spotify_pipeline_tests.stress.leaks.watch import Watch

LONGEST = 300.0
"""Seconds for anything to happen on a machine that others keep busy, too."""

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["spotify_pipeline_tests.stress.leaks.chain_process"])


@dataclass
class Stage:
    """What a run of the scan works with."""

    place: Place
    sandbox: SandboxServer
    watch: Watch
    audiences: dict[str, str]
    _begun: int = field(default=0, init=False)

    def materialize(
        self, *steps: Step | Command, environment: dict[str, str] | None = None, **limits: Any
    ) -> list[Ended]:
        """Run the steps and commands, one after the other, to their end; how each ended.

        A step that Python could not end by itself fails the test.
        """
        process = self.begin(*steps, environment=environment, **limits)
        process.join(LONGEST)
        if process.is_alive():
            # What it was doing, as far as Python knows.
            os.killpg(process.pid or 0, signal.SIGUSR1)
            time.sleep(1)
            self._end(process)
        assert process.exitcode == 0, f"the process ended with {process.exitcode}; see {self.place.printed}"
        noted = (self.place.printed / f"{self._begun}.steps").read_text().splitlines()
        assert len(noted) == len(steps), f"a step has no end; see {self.place.printed}"
        return [Ended(**json.loads(line)) for line in noted]

    def begin(
        self, *steps: Step | Command, environment: dict[str, str] | None = None, **limits: Any
    ) -> ForkServerProcess:
        """Begin to run the steps in a process."""
        self._begun += 1
        order = Order(
            environment={**self.place.environment(self.sandbox), **(environment or {})},
            working=self.place.working,
            printed=self.place.printed / str(self._begun),
            audiences=self.audiences,
            steps=steps,
            env_file=self.place.env_file,
            sandbox=self.sandbox.url,
            **limits,
        )
        process = _processes.Process(target=perform, args=(order,))
        process.start()
        return process

    def kill(self, process: ForkServerProcess, when: Callable[[], bool]) -> None:
        """Kill the process, as by SIGKILL, once ``when`` says so."""
        deadline = time.monotonic() + LONGEST
        while not when():
            assert process.is_alive(), "the process ended before its time to be killed had come"
            assert time.monotonic() < deadline, "the time to kill the process did not come"
            time.sleep(0.002)
        self._end(process)

    def _end(self, process: ForkServerProcess) -> None:
        """End it with the process of the step that it is at."""
        os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()

    def asked(self) -> set[str]:
        """The operations that Spotify was asked for so far."""
        return {str(each["operation"]) for each in self.sandbox.state.requests.after(0)}

    def unfinished(self) -> list[str]:
        """Working files that lie about: spilled rows, lists half built."""
        spilled = [file for file in (self.place.home / "spill").rglob("*") if file.is_file()]
        working = [*(self.place.home / "data").rglob(".*"), *(self.place.home / "scratch").rglob(".*")]
        return sorted(path.relative_to(self.place.root).as_posix() for path in (*spilled, *working))

    def being_built(self, name: str) -> bool:
        """Whether something is written by now of the file with this name."""
        with suppress(FileNotFoundError):
            return any(each.stat().st_size for each in self.place.home.rglob(f".{name}.*.work/**/*") if each.is_file())
        return False


@contextmanager
def staged(
    root: Path,
    views: dict[str, str],
    audiences: dict[str, str],
    *,
    times: int = 1,
    people_ask: bool = False,
    is_shared: bool = False,
) -> Generator[Stage]:
    """A deployment with these views and audiences, watched while the block lasts and looked through at its end.

    ``people_ask``: some ask to be forgotten. ``is_shared``: its state is in PostgreSQL, its lists in a bucket.
    """
    with sharing() if is_shared else nullcontext() as shared:
        place = Place(root, shared)
        place.prepare(views, times=times)
        with (
            SandboxServer(SandboxConfig(minimum_rows=3, keep_event_bodies=True)) as sandbox,
            Watch(place, people_ask=people_ask) as watch,
        ):
            yield Stage(place, sandbox, watch, audiences)
            watch.at_the_end()
