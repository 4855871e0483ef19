"""A durable line: milliseconds until what a run must not forget is on the disk, by where it is kept.

    python -m benchmarks.state [--lines 300]

A line is an audience's entry in the journal, as it is written before each write to Spotify: under a fence, in a
transaction of its own. It is written to SQLite, to PostgreSQL on this machine (from the wheel of the test lock, with
its flushes to disk), and to one JSON file that is replaced as a whole and flushed, with its directory: the plain way to
keep such a line. The three take turns, so that all meet the same disk. Medians, and the slowest in twenty.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.mirror.journal import Journal, JournalEntry
from spotify_pipeline.state import Place, StateStore
from spotify_pipeline_tests import postgres_server

ACCOUNT = "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a"
Write = Callable[[JournalEntry], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=300)
    lines = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as folder, postgres_server.running(durable=True) as url:
        home = Path(folder) / "home"
        ways = {
            "SQLite": to_state(StateStore.in_home(home)),
            "PostgreSQL": to_state(StateStore(Place.of(url, home), home)),
            "one JSON file": to_file(Path(folder) / "entry.json"),
        }
        times = in_turns(ways, lines)
    former = statistics.median(times["one JSON file"])
    for way, seconds in times.items():
        median, slow = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        print(f"{way:<16}{median * 1000:8.2f} ms {slow * 1000:8.2f} ms {median / former:6.2f} : 1")


def to_state(store: StateStore) -> Write:
    store.create()
    journal, fence = Journal(store), store.next_fence("audience lapsed")

    def write(entry: JournalEntry) -> None:
        with store.writing(fence) as transaction:
            journal.put(transaction, "lapsed", entry)

    return write


def to_file(file: Path) -> Write:
    def write(entry: JournalEntry) -> None:
        with atomic_private_file(file) as opened:
            opened.write(json.dumps(asdict(entry)).encode())

    return write


def in_turns(ways: dict[str, Write], lines: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(lines):
        entry = JournalEntry(ad_account_id=ACCOUNT, audience_id=f"{number:032x}", snapshot="2026-11-16")
        for way, write in ways.items():
            began = time.perf_counter()
            write(entry)
            times[way].append(time.perf_counter() - began)
    return times


if __name__ == "__main__":
    main()
