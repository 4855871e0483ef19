"""Looks through all that a deployment wrote: again and again while a run goes on, and once more at its end.

That is its directory, and, where machines share the state and the lists, the directory of the database's server and
everything that the bucket was ever given.
"""

from __future__ import annotations

import csv
import io
import os
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa

from spotify_pipeline.mirror import Journal, JournalError
from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline.spotify import TokenStore
from spotify_pipeline.state import StateError, engines
from spotify_pipeline.state.tables import erasure_digest, metadata
from spotify_pipeline_tests.stress.leaks.allowed import leaks
from spotify_pipeline_tests.stress.leaks.canaries import digests
from spotify_pipeline_tests.stress.leaks.needles import (
    Kind,
    needles_of_addresses,
    needles_of_people,
    needles_of_secrets,
)
from spotify_pipeline_tests.stress.leaks.place import Place
from spotify_pipeline_tests.stress.leaks.scanner import Finding, Scanner

PAUSE = 0.03
"""Seconds between two looks."""
SELDOM = 20
"""Every so many looks are at everything; those between are at what may be gone again soon. Dagster deletes nothing."""
PRIVATE = ("home/spill/", "home/dbt/")
"""Where DuckDB and dbt write in the mode of the umask, in directories that only their owner may enter."""


class Watch:
    """A thread that looks at every file that has changed since it last looked, for as long as a ``with`` block lasts.

    It learns each secret the moment the deployment does: tokens and sessions from the state, a token from the file of
    variables, the state's key from its file.
    """

    def __init__(self, place: Place, *, people_ask: bool = False) -> None:
        """``people_ask``: in this run somebody asks to be forgotten, so digests may be in the state."""
        self._place = place
        self._people_ask = people_ask
        self._scanner = Scanner([*needles_of_people(), *needles_of_addresses()], digests())
        self._scanner.add(needles_of_secrets((DEFAULTS.client_secret, DEFAULTS.refresh_token), Kind.TOKEN))
        self._state = place.state
        self._server = place.shared.server if place.shared is not None else None
        self._scanner.add(needles_of_secrets(place.shared.secrets if place.shared is not None else (), Kind.TOKEN))
        self._installed = dict(self._signatures())
        self._known = dict(self._installed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.leaks: set[str] = set()
        """Traces where none may be, and files and directories that others may read."""
        self.seen: set[str] = set()
        """Files that were there at any time, by their path below the deployment's directory."""
        self.files = 0
        self.bytes = 0
        """How much was looked through, each look counted."""
        self.looks = 0
        self.sessions = 0
        """How often the session of an upload was in the state when it was looked at."""

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop looking while it runs."""
        self._over.set()
        self._thread.join()

    def at_the_end(self) -> None:
        """Look at everything once more, when nothing runs any more and every secret is known."""
        self.stop()
        self._learn_from_the_state()
        self._learn_digests()
        self._known.clear()
        if self._place.shared is not None:
            self._look_at_the_tables()
            self._place.shared.checkpoint()
            self._known.update(self._installed)
            self._look_at_the_requests(running=False)
            for key, content in self._place.shared.objects.all().items():
                self._look_at_bytes(f"bucket/{key}", content, running=False)
        engines.close(self._state.place)  # folds the write-ahead log of a file into it
        self._look(self._place.root, running=False)

    def _watch(self) -> None:
        while not self._over.is_set():
            often = (self._place.home, self._place.temporary, self._place.working, self._place.warehouse.parent)
            for folder in often if self.looks % SELDOM else (self._place.root,):
                self._look(folder, running=True)
            self._look_at_the_requests(running=True)
            self.looks += 1
            time.sleep(PAUSE)

    def _look(self, root: Path, *, running: bool) -> None:
        self._learn_from_the_state()
        server = _files(self._server) if self._server is not None and root == self._place.root else ()
        for file in (*_files(root), *server):
            if file == self._place.warehouse:
                continue
            with suppress(FileNotFoundError):
                self._look_at(file, running=running)
        for folder in [self._place.home, *_folders(self._place.home)]:
            with suppress(FileNotFoundError):
                below = any(
                    len(Path(self._name(folder)).parts) > 3 and self._name(folder).startswith(each) for each in PRIVATE
                )
                if not below and stat.S_IMODE(folder.stat().st_mode) != 0o700:
                    self.leaks.add(f"{self._name(folder)}: a directory that others may enter")

    def _look_at(self, file: Path, *, running: bool) -> None:
        state = file.stat()
        name = self._name(file)
        if self._known.get(name) == _signature(state):
            return
        self._known[name] = _signature(state)
        self.seen.add(name)
        excused = name.startswith(PRIVATE)
        if name.startswith("home/") and not excused and stat.S_IMODE(state.st_mode) != 0o600:
            self.leaks.add(f"{name}: a file that others may read")
        self._learn(file, name)
        self.files += 1
        self.bytes += state.st_size
        if running and name.startswith("home/state.sqlite"):
            # By another process: one that closes a database's file loses all the locks that it has on it by SQLite.
            content = subprocess.run(["cat", file], capture_output=True, check=False).stdout
            found = self._scanner.data(content, name)
        else:
            found = self._scanner.file(file, name, decoded=not running)
        self._judge(found | self._in_the_name(name), running=running)

    def _look_at_bytes(self, name: str, content: bytes, *, running: bool) -> None:
        self.seen.add(name)
        self.files += 1
        self.bytes += len(content)
        self._judge(self._scanner.data(content, name) | self._in_the_name(name), running=running)

    def _look_at_the_requests(self, *, running: bool) -> None:
        """At what the bucket was given, also of objects that it never held whole or holds no more."""
        for address, body in self._place.shared.requests() if self._place.shared is not None else ():
            name, _, query = address.partition("?")
            self._look_at_bytes(f"bucket/{name}", body, running=running)
            self._judge(self._scanner.data(query.encode(), "a request to the bucket"), running=running)

    def _look_at_the_tables(self) -> None:
        """At the values of the database, as it gives them."""
        with self._state.read() as transaction:
            for table in metadata.sorted_tables:
                found = self._scanner.rows(transaction.execute(sa.select(table)), f"postgres > table {table.name}")
                self._judge(found, running=False)

    def _judge(self, found: set[Finding], *, running: bool) -> None:
        self.leaks.update(map(str, leaks(found, running=running, people_ask=self._people_ask)))

    def _in_the_name(self, name: str) -> set[Finding]:
        found = self._scanner.data(name.encode(), "the name of a file")
        return {Finding(f"the name of a file in {name.split('/')[0]}", each.kind, each.form, 0) for each in found}

    def _learn(self, file: Path, name: str) -> None:
        with suppress(ValueError, OSError):
            if self._place.env_file.name in file.name:
                values = [line.partition("=")[2] for line in file.read_text().splitlines()]
                self._scanner.add(needles_of_secrets(filter(None, values), Kind.TOKEN))
            elif name.startswith("home/state.key"):
                self._scanner.add(needles_of_secrets([file.read_text()], Kind.TOKEN))

    def _learn_from_the_state(self) -> None:
        if self._state.place.file is not None and not self._state.place.file.exists():
            return
        with suppress(StateError, JournalError):
            stored = TokenStore(self._state).all()
            tokens = [token for each in stored for token in (each.refresh_token, each.access_token) if token]
            self._scanner.add(needles_of_secrets([each.reveal() for each in tokens], Kind.TOKEN))
            journal = Journal(self._state)
            for account, audience in journal.known():
                session = journal.session(audience, account)
                if session is not None:
                    self.sessions += 1
                    query = parse_qs(urlsplit(session.uri.reveal()).query)
                    self._scanner.add(needles_of_secrets(query["upload_id"], Kind.SESSION))
                    self._scanner.add(needles_of_secrets(query["X-Goog-Signature"], Kind.SIGNATURE))

    def _learn_digests(self) -> None:
        lists = self._place.lists
        for path, _ in (stored for audience in lists.audiences() for stored in lists.lists(audience)):
            with path.open("rb") as opened, io.TextIOWrapper(opened, newline="") as text:
                self._scanner.add_digests(cell for row in csv.reader(text) for cell in row if len(cell) == 64)
        if self._people_ask:
            with self._state.read() as transaction:
                asked = transaction.scalars(sa.select(erasure_digest.c.digest)).all()
            assert asked, "nobody asked to be forgotten"
            self._scanner.add_digests(asked, Kind.ASKED)

    def _signatures(self) -> Iterator[tuple[str, tuple[int, int, int]]]:
        """Of what the installation of the server wrote, before anybody was there."""
        for file in _files(self._server) if self._server is not None else ():
            yield self._name(file), _signature(file.stat())

    def _name(self, path: Path) -> str:
        if self._server is not None and path.is_relative_to(self._server):
            return f"postgres/{path.relative_to(self._server).as_posix()}"
        return path.relative_to(self._place.root).as_posix()


def _signature(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_ino, state.st_size, state.st_mtime_ns


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            # A socket or a pipe holds nothing.
            with suppress(FileNotFoundError):
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path


def _folders(root: Path) -> Iterator[Path]:
    for folder, names, _ in os.walk(root):
        yield from (Path(folder, name) for name in names)
