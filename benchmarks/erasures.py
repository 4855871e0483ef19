"""The ledger of erasures: milliseconds per question and per request, by how many requests were ever made.

    python -m benchmarks.erasures [--requests 200 20000] [--rounds 5]

Each is timed by its best round, on SQLite in a temporary directory, each change durable when it returns. Of however
many requests, 50 wait for the audience that is asked about. The alternative is one JSON file of all requests, as many
tools keep such a list: it is read as a whole for each question, and written as a whole, durably, for each request.

The first four must not grow with the number of requests. The fifth counts them. The rest reads them all, which a
build does once.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.privacy import ErasureLedger, GivenIdentifier
from spotify_pipeline.state import StateStore, tables

NOW = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
WAITING = 50
PEOPLE = 2
Timed = dict[str, float]
Request = dict[str, str | int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, nargs="+", default=[200, 20_000])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    measured: list[Timed] = []
    for count in arguments.requests:
        with tempfile.TemporaryDirectory() as folder:
            measured.append(of_the_ledger(Path(folder), count, arguments.rounds))
            measured[-1] |= of_one_file(Path(folder), count, arguments.rounds)
    print(f"{'milliseconds, with so many requests:':<48}" + "".join(f"{each:>10,}" for each in arguments.requests))
    for name in measured[0]:
        print(f"{name:<48}" + "".join(f"{each[name] * 1000:>10.2f}" for each in measured))


def digests(number: int) -> list[str]:
    return [hashlib.sha256(f"{number}/{each}".encode()).hexdigest() for each in range(PEOPLE)]


def of_the_ledger(folder: Path, count: int, rounds: int) -> Timed:
    store = StateStore.in_home(folder / "home")
    fill(store, count)
    ledger = ErasureLedger(store)
    fresh = itertools.count(count)

    def record() -> None:
        given = GivenIdentifier(line=1, given_as="email", digests=tuple(digests(next(fresh))))
        ledger.record([given], requested_at=NOW, deadline=NOW + timedelta(days=30), waiting=["other"])

    someone = [digest for number in range(0, count, count // 10) for digest in digests(number)]
    watched = ledger.watched_digests()
    watched()
    return {
        "record a request": best(record, rounds),
        f"{WAITING} requests that wait for an audience": best(lambda: ledger.waiting("lapsed"), rounds),
        f"the requests of {len(someone)} digests": best(lambda: ledger.requests_with(someone), rounds),
        "an audience is done": best(lambda: ledger.done("lapsed", decided_at=NOW - timedelta(days=9)), rounds),
        "has anything changed": best(watched, rounds),
        "all digests, checked to be whole": best(ledger.digests, rounds),
        "all requests": best(ledger.requests, rounds),
    }


def fill(store: StateStore, count: int) -> None:
    ids = [f"erasure-2026-11-16-{number:08x}" for number in range(count)]
    request = {
        "deadline": NOW + timedelta(days=30),
        "in_force_at": NOW,
        "identifiers": 1,
        "digests": PEOPLE,
        "rules_version": 2,
    }
    rows = [{**request, "id": each, "requested_at": NOW + timedelta(seconds=number)} for number, each in enumerate(ids)]
    held = [{"request": each, "digest": digest} for number, each in enumerate(ids) for digest in digests(number)]
    with store.begin() as transaction:
        transaction.execute(tables.erasure.insert(), rows)
        transaction.execute(tables.erasure_digest.insert(), held)
        waiting = [{"request": each, "audience": "lapsed"} for each in ids[:: max(1, count // WAITING)][:WAITING]]
        transaction.execute(tables.erasure_waiting.insert(), waiting)


def of_one_file(folder: Path, count: int, rounds: int) -> Timed:
    file = folder / "requests.json"
    request: Request = {"requested_at": NOW.isoformat(), "deadline": NOW.isoformat(), "identifiers": 1, "waiting": ""}

    def write(requests: list[Request]) -> None:
        with atomic_private_file(file) as opened:
            opened.write(json.dumps(requests, indent=1).encode())

    def read() -> list[Request]:
        return json.loads(file.read_bytes())

    write([{**request, "id": f"erasure-2026-11-16-{number:08x}"} for number in range(count)])
    return {
        "one JSON file: record a request": best(lambda: write([*read(), request]), rounds),
        "one JSON file: requests that wait": best(lambda: [each for each in read() if each["waiting"]], rounds),
    }


def best(run: Callable[[], object], rounds: int) -> float:
    times: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
