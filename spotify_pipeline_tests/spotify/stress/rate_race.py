"""Processes that call one sandbox as fast as they may: whose calls are refused, and how much of the limit is used.

    python -m spotify_pipeline_tests.spotify.stress.rate_race [--processes 6] [--seconds 24] [--postgres]

Spotify's limit, 1,500 in 30 seconds, is scaled down to 300 in 4 seconds, the pace with it. The work is uneven, as it
is between runs: all processes have work in the first third of the time, two of them in the rest. Four budgets are
compared: one that all processes share (ours); a fixed part for each (limit / processes); none, but a process that is
refused waits as the 429 asks it to; and none at all.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spotify_pipeline.sandbox import SandboxConfig, SandboxServer
from spotify_pipeline.spotify import (
    CallRecord,
    RateLimited,
    RateLimiter,
    SpotifyAdsClient,
    TokenStore,
)
from spotify_pipeline.spotify.retry import RateLimit
from spotify_pipeline.spotify.retry.rate_file import RateFile
from spotify_pipeline.state import new_key
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.sandbox_settings import settings_at
from spotify_pipeline_tests.spotify.stress.racing_processes import SharedState

LIMIT, WINDOW = 300, 4
PACE = RateLimit(per_second=72, burst=6)  # 72 * 4 + 6 slots, and a late call of each of six processes
UNBOUND = RateLimit(per_second=1e6, burst=1_000)
SHARED, DIVIDED = "one for all processes", "limit / processes for each"
WAITING, NONE = "none, waits after a 429", "none"
_processes = multiprocessing.get_context("spawn")


class NoBudget(RateLimiter):
    """Always gives leave, and learns nothing from an answer."""

    def take(self, within: float) -> float:  # noqa: ARG002
        return 0.0

    def pause(self, seconds: float) -> None: ...

    def record_response(self, allowance: tuple[float, float] | None) -> None: ...

    def may_retry(self) -> bool:
        return False


@dataclass(frozen=True)
class Race:
    """What became of it. ``used`` is the share of the limit that was used while there was work."""

    rate_limiter: str
    answered: int
    refused: int
    used: float


@dataclass(frozen=True)
class _Runner:
    address: str
    directory: Path
    shared: SharedState
    rate_limiter: str
    number: int
    processes: int

    def client(self, observer: Any) -> SpotifyAdsClient:
        settings = settings_at(self.address)
        state = self.shared.store()
        own = self.directory / f"own-{self.number}"
        budgets = {
            SHARED: RateLimiter.of_state(state, "race", limit=PACE),
            DIVIDED: RateLimiter.of_file(own, limit=RateLimit(PACE.per_second / self.processes, 1)),
            WAITING: RateLimiter.of_file(own, limit=UNBOUND),
            NONE: NoBudget(RateFile(own)),
        }
        return SpotifyAdsClient.open(
            settings, TokenStore(state), observer=observer, rate_limiter=budgets[self.rate_limiter]
        )


def run(runner: _Runner, seconds: float, barrier: Any, results: Any) -> None:
    """One process: calls until its work is done, and tells the statuses that it saw and when it was done."""
    statuses: Counter[int | None] = Counter()

    def observe(record: CallRecord) -> None:
        if record.service == "ads-api":
            statuses[record.status] += 1

    with runner.client(observe) as client:
        client.businesses()  # signed in and connected before the time begins
        statuses.clear()
        barrier.wait(120)
        ends = time.monotonic() + (seconds if runner.number < 2 else seconds / 3)
        while time.monotonic() < ends:
            try:
                client.businesses()
            except RateLimited:
                continue
    results.put((statuses, time.monotonic()))


def race(rate_limiter: str, *, processes: int, seconds: float, database: str | None = None) -> Race:
    """Run it once, against a sandbox of its own; with a new ``database``, or else a file, for what processes share."""
    config = SandboxConfig(requests_per_window=LIMIT, window_seconds=WINDOW)
    with tempfile.TemporaryDirectory() as directory, SandboxServer(config) as sandbox:
        barrier, results = _processes.Barrier(processes + 1), _processes.Queue()
        shared = SharedState(Path(directory) / "home", database, new_key())
        shared.store().create()
        runners = [
            _Runner(sandbox.url, Path(directory), shared, rate_limiter, number, processes)
            for number in range(processes)
        ]
        started = [_processes.Process(target=run, args=(each, seconds, barrier, results)) for each in runners]
        for process in started:
            process.start()
        barrier.wait(120)
        began = time.monotonic()
        seen = [results.get(timeout=seconds + 120) for _ in started]
        for process in started:
            process.join(30)
    statuses = sum((each for each, _ in seen), Counter[int | None]())
    took = max(ended for _, ended in seen) - began
    possible = LIMIT / WINDOW * took
    return Race(rate_limiter, statuses[200], statuses[429], statuses[200] / possible)


def main(arguments: Sequence[str] = ()) -> bool:
    """Print the table; whether ours was never refused and used at least 90 % of the limit."""
    options = argparse.ArgumentParser()
    options.add_argument("--processes", type=int, default=6)
    options.add_argument("--seconds", type=float, default=24)
    options.add_argument("--postgres", action="store_true", help="share in a database, not in a file")
    given = options.parse_args(arguments)
    say(f"{given.processes} processes, {given.seconds:.0f} s, limit {LIMIT} in {WINDOW} s")
    say(f"{'budget':<28}{'answered':>10}{'refused (429)':>15}{'of the limit':>14}")
    right = False
    for rate_limiter in (SHARED, DIVIDED, WAITING, NONE):
        with postgres_server.running() if given.postgres else nullcontext() as database:
            outcome = race(rate_limiter, processes=given.processes, seconds=given.seconds, database=database)
        say(f"{rate_limiter:<28}{outcome.answered:>10}{outcome.refused:>15}{outcome.used:>13.0%}")
        if rate_limiter == SHARED:
            right = outcome.refused == 0 and outcome.used >= 0.9
    return right


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
