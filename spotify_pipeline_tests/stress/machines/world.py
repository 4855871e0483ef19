"""What the machines share: a database, a bucket, a Spotify. Nothing else: each home is one machine's alone."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from spotify_pipeline.mirror import AudienceSpec, Journal, ReceiptBook
from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer
from spotify_pipeline.state import new_key
from spotify_pipeline_tests import bucket_server, postgres_server
from spotify_pipeline_tests.stress.machines.machine_process import FEWEST_ROWS, Ended, Run, Shared, run
from spotify_pipeline_tests.stress.machines.snapshots import ROW_BYTES, Snapshot

PATIENCE = 300.0
"""Seconds for anything to happen on a machine that others keep busy, too."""
MIB = 1 << 20
QUANTUM = 256 << 10

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["spotify_pipeline_tests.stress.machines.machine_process", "psycopg", "obstore"])


class Machine:
    """A machine: it has a home that no other sees, and does one run at a time, each in a process of its own."""

    def __init__(self, shared: Shared, root: Path) -> None:
        self._shared = shared
        self.home = Path(tempfile.mkdtemp(prefix="machine-", dir=root))
        self._process: Any = None
        self._here: Connection | None = None
        self._sent = _processes.RawValue("q", 0)

    def begin(self, target: AudienceSpec, snapshot: Snapshot, **how: Any) -> None:
        """Begin a run; it has the list when this returns. ``how``: further fields of ``Run``."""
        given = Run(self._shared, self.home, target, snapshot, **{"chunk_bytes": QUANTUM, **how})
        self._here, there = _processes.Pipe(duplex=False)
        self._process = _processes.Process(target=run, args=(given, there, self._sent), daemon=True)
        self._process.start()
        there.close()
        assert self._said() == "begins"

    @property
    def bytes_sent(self) -> int:
        """Of lists, that it has sent or was about to send, killed or not."""
        return self._sent.value

    def end(self) -> Ended | None:
        """Wait for the end of the run; None where it was killed."""
        said: object = ""
        while not isinstance(said, Ended):
            try:
                said = self._said()
            except EOFError:
                self._process.join(PATIENCE)
                assert self._process.exitcode == -signal.SIGKILL, f"it ended with {self._process.exitcode}"
                return None
        self._process.join(PATIENCE)
        assert self._process.exitcode == 0, f"it ended with {self._process.exitcode}"
        return said

    def sync(self, target: AudienceSpec, snapshot: Snapshot, **how: Any) -> Ended | None:
        self.begin(target, snapshot, **how)
        return self.end()

    def stored_at_least(self, count: int) -> None:
        """Wait until the storage has acknowledged so many bytes of the run's list."""
        while (said := self._said()) is not None:
            assert isinstance(said, int), "it ended before"
            if said >= count:
                return

    def is_stopped(self) -> bool:
        """Wait until the run is stopped; False where it ended before."""
        deadline = time.monotonic() + PATIENCE
        stat = Path(f"/proc/{self._process.pid}/stat")
        while self._process.is_alive():
            if stat.read_text().rpartition(")")[2].split()[0] == "T":
                return True
            assert time.monotonic() < deadline, "it neither stopped nor ended"
            time.sleep(0.002)
        return False

    def stop(self) -> None:
        """Stop a run wherever it is."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Continue a run that was stopped."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.join(PATIENCE)

    def is_lost(self) -> None:
        """The machine is gone with its disk; whatever it did is killed."""
        if self._process is not None and self._process.is_alive():
            self.kill()
        shutil.rmtree(self.home)

    def _said(self) -> object:
        assert self._here is not None
        assert self._here.poll(PATIENCE), "a run neither went on nor ended"
        return self._here.recv()


class World:
    """A database, a bucket and a Spotify, and what is in them."""

    def __init__(self, shared: Shared, server: SandboxServer, root: Path) -> None:
        self.shared = shared
        self.server = server
        self.root = root
        self._own = shared.state(root / "watching")
        self._own.create()
        self._lists = 0

    def machine(self) -> Machine:
        return Machine(self.shared, self.root)

    def snapshot(self, size: int) -> Snapshot:
        """A list of about so many bytes that is newer than all before."""
        self._lists += 1
        return Snapshot(self._lists, size // ROW_BYTES)

    def audience(self, name: str) -> AudienceSpec:
        return replace(_TARGET, audience=name, name=name)

    def watch(self) -> None:
        """Forget the requests so far, of which the log keeps only so many."""
        self.server.state.requests.clear()

    def asked(self, *operations: str) -> list[dict[str, object]]:
        """The requests of these kinds since, each once it was answered or broken off."""
        return [each for each in self.server.state.requests.after(0) if each["operation"] in operations]

    def received(self, target: AudienceSpec) -> list[str]:
        """The SHA-256 of each list that arrived for an audience, in order; of the newest, by the bytes that it has."""
        ours = self._named(target)
        lists = [received for each in ours for received in self.server.state.received_lists.of(each.id)]
        if not lists:
            return []
        *before, newest = sorted(lists, key=lambda each: each.completed_at)
        content = self.server.state.list_file(newest.id).read_bytes()
        return [*(each.sha256 for each in before), hashlib.sha256(content).hexdigest()]

    def audiences(self, target: AudienceSpec) -> int:
        """How many there are at Spotify by this name."""
        return len(self._named(target))

    def texts(self, target: AudienceSpec) -> list[tuple[str, str | None]]:
        """Name and description of each of them."""
        return [(each.name, each.description) for each in self._named(target)]

    def _named(self, target: AudienceSpec) -> list[Any]:
        return [each for each in self.server.state.audiences.all() if each.name == target.name]

    def state_of(self, target: AudienceSpec) -> object:
        """All that the state says of an audience."""
        return (Journal(self._own).read(target.audience, target.ad_account_id), self.receipts(target))

    def receipts(self, target: AudienceSpec) -> list[str]:
        """The lists that the receipts of an audience say were sent, in order."""
        book = ReceiptBook(self._own)
        return [str(each.file_sha256) for each in book.read(target.audience, target.ad_account_id)]

    def receipts_are_whole(self) -> bool:
        return all(each.whole for each in ReceiptBook(self._own).verify())

    def end_sessions(self) -> None:
        """As a failover of the database does it."""
        postgres_server.end_sessions(self.shared.database)


_TARGET = AudienceSpec(audience="", name="", description="Of many machines", ad_account_id=DEFAULTS.ad_account_id)


@contextmanager
def world() -> Generator[World]:
    """A world of its own, for as long as the block lasts."""
    with ExitStack() as opened:
        root = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="machines-")))
        database = opened.enter_context(postgres_server.running())
        buckets = opened.enter_context(bucket_server.running())
        config = SandboxConfig(minimum_rows=FEWEST_ROWS, reuse_revokes_grant=True, requests_per_window=1_000_000)
        server = opened.enter_context(SandboxServer(config))
        objects = bucket_server.Objects(buckets, f"lists-{secrets.token_hex(6)}")
        shared = Shared(database, new_key(), objects.url, bucket_server.variables(buckets), server.url)
        yield World(shared, server, root)
