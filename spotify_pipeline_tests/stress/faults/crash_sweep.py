"""SIGKILL at every boundary of a sync, and what the next runs make of it.

    python -m spotify_pipeline_tests.stress.faults crashes

With the state in SQLite and in PostgreSQL, a sync of a new audience and one of a replacement are first run whole and
their boundaries counted. Then each is run once per boundary and killed there, and run again without a fault until it
succeeds. What Spotify (the sandbox) has then is counted: audiences, their bytes, bytes sent twice, and the receipts in
the state. The seed chooses the list's length, the chunk size and where in a body the process dies. Two processes share
the stores, situations and seeds. Between a rotated token's answer and the commit that keeps it nobody can save it (the
old one is dead already): the next run must say so, and a person signs in, which the harness does and counts.
"""

from __future__ import annotations

import multiprocessing
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror import AudienceSpec, ReceiptBook
from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer
from spotify_pipeline.sandbox.accounts import sign_in
from spotify_pipeline.state import StateStore, engines, new_key
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.spotify.stress.racing_processes import SharedState
from spotify_pipeline_tests.stress.faults.crash_process import MUST_SIGN_IN, Sync, run_sync
from spotify_pipeline_tests.stress.faults.lists import made_list

KIB = 1024
QUANTUM = 256 * KIB
MOST_RUNS = 2
FEWEST_ROWS = 5
PATIENCE_SECONDS = 60.0
PROCESSES = 2
STORES = ("SQLite", "PostgreSQL")
SITUATIONS = ("new audience", "replacement")
Run = tuple[str, str, int]
"""Store, situation and seed."""
TARGET = AudienceSpec(
    audience="lapsed",
    name="Lapsed subscribers",
    description="Cancelled in the last 90 days",
    ad_account_id=DEFAULTS.ad_account_id,
)
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["spotify_pipeline_tests.stress.faults.crash_process"])


@dataclass(frozen=True)
class Crash:
    """One kill, and what stood at Spotify after the runs that followed."""

    run: Run
    boundary: str
    killed: bool
    runs: int | None
    """Runs after the kill until one succeeded; None when two did not."""
    audiences: int
    right_bytes: bool
    old_list_until_then: bool
    """Whether the kill left the audience as it was, or with the new list whole."""
    bytes_sent_twice: int
    chunk_bytes: int
    receipts_right: bool
    """Whether each list that was accepted has one receipt, and the receipts are a chain."""
    signed_in: bool
    """Whether a person had to sign in before the run that succeeded."""

    @property
    def converged(self) -> bool:
        right = self.audiences == 1 and self.right_bytes and self.old_list_until_then and self.receipts_right
        return self.runs is not None and right and self.bytes_sent_twice <= self.chunk_bytes


@dataclass
class Sweep:
    """All kills, and how many boundaries each situation had."""

    boundaries: dict[Run, list[str]] = field(default_factory=dict[Run, list[str]])
    crashes: list[Crash] = field(default_factory=list[Crash])


def in_a_process(sync: Sync) -> tuple[int | None, list[str]]:
    """Run a sync; the exit code of its process and the boundaries that it passed, where it lived to tell."""
    here, there = _processes.Pipe(duplex=False)
    process = _processes.Process(target=run_sync, args=(sync, there))
    process.start()
    there.close()
    try:
        names = here.recv() if here.poll(PATIENCE_SECONDS) else []
    except EOFError:
        names = []
    process.join(PATIENCE_SECONDS)
    if process.exitcode is None:  # it hangs; it must not run beside the next ones
        process.kill()
        process.join()
    here.close()
    return process.exitcode, names


class World:
    """A sandbox, one machine's home and its state, made anew for each kill."""

    def __init__(
        self, server: SandboxServer, folder: Path, situation: str, seed: int, database: str | None = None
    ) -> None:
        """``database``: the URL of one that is this world's alone; None for a file in the home."""
        self._server = server
        self._situation = situation
        self._database = database
        draw = random.Random(seed)
        self._chunk = draw.choice((QUANTUM, 2 * QUANTUM, None))
        self._body_share = draw.random()
        old_rows, new_rows = draw.randint(5, 4_000), draw.randint(QUANTUM // 65, 3 * QUANTUM // 65)
        self._old = made_list(folder, number=1, rows=old_rows)
        self._new = made_list(folder, number=2, rows=new_rows)
        self._folder = folder
        self._homes = 0
        self.state = SharedState(folder)
        self._refresh_token = DEFAULTS.refresh_token

    def begin(self) -> None:
        """Everything as it is just before the sync that may be killed."""
        self._server.state.reset()
        self._refresh_token = DEFAULTS.refresh_token
        self._homes += 1
        self.state = SharedState(self._folder / f"home-{self._homes}", self._database, self._database and new_key())
        if self._database is not None:
            postgres_server.drop_schema(self._database, engines.SCHEMA)
            self.store.create()
        if self._situation == "replacement":
            code, _ = self.sync(self._old)
            assert code == 0, "the sync of the old list failed"
        self._server.state.requests.clear()

    def sync_new(self, kill_at: int | None = None) -> tuple[int | None, list[str]]:
        return self.sync(self._new, kill_at)

    def sync(self, listed: tuple[Path, Manifest], kill_at: int | None = None) -> tuple[int | None, list[str]]:
        file, manifest = listed
        return in_a_process(
            Sync(
                origin=self._server.url,
                client=(DEFAULTS.client_id, DEFAULTS.client_secret),
                refresh_token=self._refresh_token,
                target=TARGET,
                min_rows=FEWEST_ROWS,
                state=self.state,
                file=file,
                manifest=manifest,
                chunk_bytes=self._chunk,
                body_share=self._body_share,
                kill_at=kill_at,
            )
        )

    def sign_in(self) -> None:
        """What a person does on the consent page."""
        self._refresh_token = sign_in(self._server.state, public_client=True)[1]

    def audiences(self) -> list[str]:
        return [each.id for each in self._server.state.audiences.all()]

    def stored(self) -> list[str | None]:
        """The SHA-256 of the newest list of each audience."""
        lists = [self._server.state.received_lists.of(each) for each in self.audiences()]
        return [received[-1].sha256 if received else None for received in lists]

    def whole(self) -> bool:
        """Whether each audience has the old list or the new one, and a replaced audience is still there."""
        known = {self._new[1].sha256, self._old[1].sha256}
        return set(self.stored()) <= known and len(self.audiences()) >= (self._situation == "replacement")

    def right(self) -> bool:
        return self.stored() == [self._new[1].sha256]

    @property
    def store(self) -> StateStore:
        return self.state.store()

    def receipts_right(self) -> bool:
        book = ReceiptBook(self.store)
        lists = [each.file_sha256 for each in book.read(TARGET.audience, TARGET.ad_account_id)]
        expected = [self._old[1].sha256] * (self._situation == "replacement") + [self._new[1].sha256]
        return lists == expected and all(each.whole for each in book.verify())

    def sent_twice(self) -> int:
        """Bytes of the new list beyond its size that the storage was sent."""
        asked = self._server.state.requests.after(0)
        sent = sum(int(str(each["body_bytes"])) for each in asked if each["operation"] == "put_upload")
        return max(0, sent - self._new[1].bytes)

    @property
    def chunk_bytes(self) -> int:
        return self._chunk or self._new[1].bytes


def sweep(seeds: range, situations: tuple[str, ...] = SITUATIONS, *, store: str = "SQLite", every: int = 1) -> Sweep:
    """Kill at every boundary, or at every second, third ... and amid each upload, for every situation and seed."""
    result = Sweep()
    with tempfile.TemporaryDirectory() as name, sandbox() as server, database_of(store) as database:
        for situation in situations:
            for seed in seeds:
                folder = Path(name) / f"{situation.replace(' ', '-')}-{seed}"
                folder.mkdir()
                world = World(server, folder, situation, seed, database)
                world.begin()
                code, names = world.sync_new()
                assert code == 0, "a sync without a fault failed"
                assert world.right()
                run = (store, situation, seed)
                result.boundaries[run] = names
                chosen = [at for at, name in enumerate(names) if at % every == 0 or name.startswith("in the body of")]
                result.crashes += [_crash(world, run, names, at) for at in chosen]
    return result


@contextmanager
def database_of(store: str) -> Iterator[str | None]:
    """The URL of a database of its own, or None for a file in the home."""
    if store == "SQLite":
        yield None
        return
    with postgres_server.running() as url:
        yield url


def _crash(world: World, run: Run, names: list[str], at: int) -> Crash:
    world.begin()
    code, _ = world.sync_new(kill_at=at)
    whole = world.whole()
    runs, signed_in = runs_until_success(world)
    return Crash(
        run=run,
        boundary=names[at],
        killed=code == -signal.SIGKILL,
        runs=runs,
        audiences=len(world.audiences()),
        right_bytes=world.right(),
        old_list_until_then=whole,
        bytes_sent_twice=world.sent_twice(),
        chunk_bytes=world.chunk_bytes,
        receipts_right=world.receipts_right(),
        signed_in=signed_in,
    )


def runs_until_success(world: World) -> tuple[int | None, bool]:
    """How many it took, None where more would be needed; and whether a person had to sign in."""
    signed_in = False
    for run in range(1, MOST_RUNS + 1):
        code, _ = world.sync_new()
        if code == 0:
            return run, signed_in
        if code == MUST_SIGN_IN:
            world.sign_in()
            signed_in = True
    return None, signed_in


@contextmanager
def sandbox() -> Iterator[SandboxServer]:
    """Spotify, for lists as short as these."""
    with SandboxServer(SandboxConfig(minimum_rows=FEWEST_ROWS)) as server:
        yield server


def table(result: Sweep) -> str:
    heads = ("kills", "1 run", "2 runs", "sign-in", "lost", "doubled", "receipts wrong", "most bytes sent twice")
    lines = [f"{'state':11s} {'situation':14s} {'seed':>4s} {'  '.join(heads)}"]
    for run in result.boundaries:
        crashes = [each for each in result.crashes if each.run == run]
        figures = (
            len(crashes),
            sum(each.runs == 1 for each in crashes),
            sum(each.runs == 2 for each in crashes),
            sum(each.signed_in for each in crashes),
            sum(not (each.right_bytes and each.old_list_until_then) for each in crashes),
            sum(each.audiences > 1 for each in crashes),
            sum(not each.receipts_right for each in crashes),
            max(each.bytes_sent_twice for each in crashes),
        )
        cells = (f"{figure:{len(head)},d}" for head, figure in zip(heads, figures, strict=True))
        store, situation, seed = run
        lines.append(f"{store:11s} {situation:14s} {seed:4d} {'  '.join(cells)}")
    lines += [f"not right: {each}" for each in result.crashes if not each.converged]
    return "\n".join(lines)


def _sweep_of(run: Run) -> Sweep:
    store, situation, seed = run
    return sweep(range(seed, seed + 1), (situation,), store=store)


def main(seeds: int = 3) -> bool:
    """Print the table; whether all was right."""
    runs = [(store, situation, seed) for store in STORES for situation in SITUATIONS for seed in range(seeds)]
    result = Sweep()
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        for swept in pool.map(_sweep_of, runs):
            result.boundaries |= swept.boundaries
            result.crashes += swept.crashes
    sys.stdout.write(table(result) + "\n")
    return all(each.converged and each.killed for each in result.crashes)
