"""Death amid a checkpoint of the state, and what the next runs make of it.

    python -m spotify_pipeline_tests.stress.faults checkpoints

A checkpoint copies what was committed from a database's log into its files. SQLite does it in the process that commits:
one that takes in a large request to be forgotten may write no further than a given byte of a file, and the kernel kills
it at the first page behind that (RLIMIT_FSIZE). The file has grown in parts only then, and its log is whole. PostgreSQL
does it in a process of the server: a checkpoint that takes its time is begun, and its process is sent SIGKILL while it
pauses between two pages, upon which the server ends all sessions and recovers. Before, a sync is killed in the middle
of its upload. Afterwards the state must be sound, hold the request whole, and the next run must converge.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from spotify_pipeline.privacy import ErasureLedger, ErasureRequest
from spotify_pipeline.state import StateStore, engines, faults_of, tables
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.spotify.stress.racing_processes import SharedState
from spotify_pipeline_tests.stress.faults.crash_sweep import (
    PATIENCE_SECONDS,
    STORES,
    World,
    database_of,
    runs_until_success,
    sandbox,
)

KILLS = 8
PEOPLE = 30_000
"""Of the request: their digests fill more pages than a log may have before it is copied."""
BALLAST_BYTES = 32 << 20
"""What the file has before, so that it is longer than its log."""
AT = datetime(2026, 11, 16, tzinfo=UTC)
REQUEST = ErasureRequest(
    id="erasure-2026-11-16-00000000",
    requested_at=AT,
    deadline=AT + timedelta(days=30),
    identifiers=PEOPLE,
    waiting=(),
    rules_version=1,
)


@dataclass(frozen=True)
class Amid:
    """One checkpoint that was broken off.

    Attributes:
        copied: what of it was done: bytes by which the file had grown, of all by which it grows; or pages that wait.
        sound: whether the state has no fault and the request whole.
        runs: until a sync succeeded; None where two did not.
        right: whether audience, bytes and receipts are right then.
    """

    store: str
    copied: str
    broken_off: bool
    sound: bool
    runs: int | None
    right: bool

    @property
    def survived(self) -> bool:
        return self.broken_off and self.sound and self.runs is not None and self.right


_processes = multiprocessing.get_context("forkserver")


def checkpoints(store: str, kills: int = KILLS) -> Iterator[Amid]:
    """Break so many off, each in a world made anew."""
    with tempfile.TemporaryDirectory() as name, sandbox() as server, database_of(store) as database:
        world = World(server, Path(name), "replacement", 1, database)
        break_off = _in_the_server if database else _in_the_process
        world.begin()
        _, names = world.sync_new()
        body = next(at for at, name in enumerate(names) if name.startswith("in the body of"))
        for number in range(kills):
            world.begin()
            world.sync_new(kill_at=body)
            copied, broken_off = break_off(world, (number + 0.5) / kills)
            sound = faults_of(world.store) == [] and _is_whole(world.store)
            runs, _ = runs_until_success(world)
            right = world.right() and world.receipts_right() and len(world.audiences()) == 1
            yield Amid(store, copied, broken_off, sound, runs, right)


def _is_whole(store: StateStore) -> bool:
    ledger = ErasureLedger(store)
    return [each.id for each in ledger.requests()] == [REQUEST.id] and len(ledger.digests()) == PEOPLE


def request(state: SharedState, longest_file: int | None = None) -> None:
    """Take the request in; killed by the kernel where that makes a file longer."""
    if longest_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # which Python ignores
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (longest_file, resource.RLIM_INFINITY))
    digests = [hashlib.sha256(f"{each}".encode()).hexdigest() for each in range(PEOPLE)]
    store = state.store()
    with store.begin() as transaction:
        ErasureLedger(store).take_over(REQUEST, digests, transaction)
    engines.close(store.place)


def _in_the_process(world: World, share: float) -> tuple[str, bool]:
    state = world.state
    file = state.home / "state.sqlite"
    _load(world)
    before, grown = file.stat().st_size, _growth()
    process = _processes.Process(target=request, args=(state, before + int(grown * share)))
    process.start()
    process.join(PATIENCE_SECONDS)
    now, log = file.stat().st_size, file.with_name("state.sqlite-wal")
    copied = f"{now - before:,} of {grown:,} bytes"
    amid = process.exitcode == -signal.SIGXFSZ and before < now < before + grown and log.stat().st_size > 0
    return copied, amid


def _load(world: World) -> None:
    """Make the file long, with nothing left in its log."""
    row = dict.fromkeys(("ad_account_id", "audience", "before_sha256", "after_sha256", "at"), "ballast")
    with world.store.begin() as transaction:
        transaction.execute(tables.comparison.insert().values(**row, content="0" * BALLAST_BYTES))
    engines.close(world.store.place)


@cache
def _growth() -> int:
    """By how much the request makes a file longer."""
    with tempfile.TemporaryDirectory() as name:
        state = SharedState(Path(name))
        state.store().create()
        before = (state.home / "state.sqlite").stat().st_size
        request(state)
        return (state.home / "state.sqlite").stat().st_size - before


def _in_the_server(world: World, share: float) -> tuple[str, bool]:
    """``share`` is of no use: between which pages the server pauses is its own affair."""
    request(world.state)
    assert world.state.database is not None
    return "some of its pages", postgres_server.kill_amid_checkpoint(world.state.database)


def main() -> bool:
    """Print the table; whether all was right."""
    done: list[Amid] = []
    sys.stdout.write(f"{'state':11s} {'copied when it died':30s} broken off  sound  runs  right\n")
    for store in STORES:
        for each in checkpoints(store):
            done.append(each)
            sys.stdout.write(
                f"{store:11s} {each.copied:30s} {each.broken_off!s:>10}  {each.sound!s:>5}  {each.runs!s:>4}  "
                f"{each.right!s:>5}\n"
            )
            sys.stdout.flush()
    return all(each.survived for each in done)
