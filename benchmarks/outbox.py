"""The outbox: what a million events cost on their way, here and in another version of the project, as ratios.

    python -m benchmarks.outbox [--events 1000000] [--days 10] [--against DIRECTORY]

DIRECTORY is a checkout, such as `git worktree add DIRECTORY COMMIT` makes. Each version runs in a process of its own,
one after the other, in this environment. Commits wait for the disk: so the processor's seconds say more on a busy
machine than the clock's. The last line is how long another process waited at most that wrote to the same SQLite file
while all events were recorded as one day.
"""

from __future__ import annotations

import argparse
import inspect
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl

from spotify_pipeline.conversions import VERDICTS, Outbox, Settled, State, open_outbox

HERE = Path(__file__).parents[1]
FRAME = 65_536
BATCH = 1_000
FIRST = date(2026, 11, 1)
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(measured(arguments.events, arguments.days)))
        return
    versions = [HERE, *([arguments.against.absolute()] if arguments.against else [])]
    columns = [in_process(each, arguments.events, arguments.days) for each in versions]
    print(f"{arguments.events:,} events, {arguments.days} days: seconds of the clock (of the processor)")
    for name in columns[0]:
        cells = [f"{clock:8.1f} ({processor:6.1f})" for clock, processor in (each[name] for each in columns)]
        ratio = f"{columns[0][name][0] / max(columns[1][name][0], 0.05):6.1f} : 1" if len(columns) > 1 else ""
        print(f"{name:<24}{''.join(cells)}{ratio}")


def in_process(version: Path, events: int, days: int) -> dict[str, tuple[float, float]]:
    command = [sys.executable, __file__, "--alone", "--events", f"{events}", "--days", f"{days}"]
    environment = {**os.environ, "PYTHONPATH": str(version)}
    return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True, cwd=version).stdout)


def measured(events: int, days: int) -> dict[str, tuple[float, float]]:
    """Seconds of each step, of the clock and of the processor."""
    read = {FIRST + timedelta(days=each): frames(each, events // days) for each in range(days)}
    found: dict[str, tuple[float, float]] = {}

    def step(name: str, work: Callable[[], Any]) -> None:
        clock, processor = time.perf_counter(), time.process_time()
        work()
        found[name] = time.perf_counter() - clock, time.process_time() - processor

    def record(outbox: Outbox, of_days: Sequence[date]) -> None:
        for day in of_days:
            outbox.record(day, read[day], at=NOW)

    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as outbox:
        step("record, new", lambda: record(outbox, list(read)))
        step("record a day, pending", lambda: record(outbox, [FIRST]))
        step("claim and settle", lambda: send(outbox))
        step("record, delivered", lambda: record(outbox, list(read)))
        step("account", outbox.accounts)
        found["all"] = tuple(map(sum, zip(*found.values(), strict=True)))
    if not keeps_files():
        found["another waits at most"] = longest_wait(events)
    return found


def longest_wait(events: int) -> tuple[float, float]:
    """Seconds that a process waited at most which writes to the state while a day is recorded."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as outbox:
        outbox.record(FIRST - timedelta(days=1), [], at=NOW)
        day, (begun, ended), waits = frames(0, events), (context.Event(), context.Event()), context.Queue()
        other = context.Process(target=write_beside, args=(folder, begun, ended, waits))
        other.start()
        begun.wait()
        outbox.record(FIRST, day, at=NOW)
        ended.set()
        longest, processor = waits.get()
        other.join()
    return longest, processor


def write_beside(folder: str, begun: Event, ended: Event, waits: Any) -> None:
    from spotify_pipeline.mirror import AlertKind, Alerts
    from spotify_pipeline.state import StateError, StateStore

    alerts, longest, told = Alerts(StateStore.in_home(Path(folder))), 0.0, 0
    while not ended.is_set():
        told, began, written = told + 1, time.perf_counter(), False
        while not written:
            try:
                alerts.state("beside", AlertKind.BLOCKED, [f"{told}"], "Something is wrong.", NOW)
                written = True
            except StateError:  # a run would have failed by now
                continue
        longest = max(longest, time.perf_counter() - began)
        begun.set()
        time.sleep(0.05)
    waits.put((longest, time.process_time()))


def keeps_files() -> bool:
    """Whether this is a version that kept each feed in a file."""
    return "state" not in inspect.signature(open_outbox).parameters


def opened(home: Path) -> AbstractContextManager[Outbox]:
    if keeps_files():
        return open_outbox("bench", home=home)  # type: ignore[call-arg]
    from spotify_pipeline.state import StateStore

    return open_outbox("bench", StateStore.in_home(home))


def send(outbox: Outbox) -> None:
    while batch := outbox.claim(BATCH, 10_000_000):
        outbox.settle(dict.fromkeys((each.number for each in batch), Settled(state=State.DELIVERED)), at=NOW)


def frames(day: int, events: int) -> list[pl.DataFrame]:
    return [frame(day, first, min(FRAME, events - first)) for first in range(0, events, FRAME)]


def frame(day: int, first: int, count: int) -> pl.DataFrame:
    at = datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), UTC)
    ids = [sha256(f"{day}-{first + each}".encode()).hexdigest()[:24] for each in range(count)]
    columns = {"key": ids, "event_id": ids, "body": list(map(body, ids))}
    rest = {"event_name": "PURCHASE", "event_time": at, "state": "pending", "reason": None, "fields": None}
    return pl.DataFrame(columns).with_columns(
        pl.lit(value, dtype=VERDICTS[name]).alias(name) for name, value in rest.items()
    )


def body(event_id: str) -> str:
    event = {
        "event_name": "PURCHASE",
        "event_id": event_id,
        "event_time": "2026-11-15T09:00:00.000Z",
        "user_data": {"hashed_emails": [sha256(event_id.encode()).hexdigest()], "ip_address": "203.0.113.7"},
        "event_details": {"amount": 12.5, "currency": "SEK"},
    }
    return json.dumps(event)


if __name__ == "__main__":
    main()
