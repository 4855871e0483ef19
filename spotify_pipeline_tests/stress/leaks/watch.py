"""Looks through a deployment's directory: again and again while a run goes on, and once more at its end."""

from __future__ import annotations

import csv
import json
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline.spotify import TokenStore
from spotify_pipeline.state import StateError, StateStore
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

    It learns each secret the moment the deployment does: tokens from the token store and from the file of variables,
    sessions from the journal.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._scanner = Scanner([*needles_of_people(), *needles_of_addresses()], digests())
        self._scanner.add(needles_of_secrets((DEFAULTS.client_secret, DEFAULTS.refresh_token), Kind.TOKEN))
        self._known: dict[str, tuple[int, int, int]] = {}
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
        """Look at every file once more, when nothing runs any more and every secret is known."""
        self.stop()
        self._learn_digests()
        self._known.clear()
        self._look(self._place.root, running=False)

    def _watch(self) -> None:
        while not self._over.is_set():
            often = (self._place.home, self._place.temporary, self._place.working, self._place.warehouse.parent)
            for folder in often if self.looks % SELDOM else (self._place.root,):
                self._look(folder, running=True)
            self.looks += 1
            time.sleep(PAUSE)

    def _look(self, root: Path, *, running: bool) -> None:
        for file in _files(root):
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
        signature = (state.st_ino, state.st_size, state.st_mtime_ns)
        if self._known.get(name) == signature:
            return
        self._known[name] = signature
        self.seen.add(name)
        excused = name.startswith(PRIVATE)
        if name.startswith("home/") and not excused and stat.S_IMODE(state.st_mode) != 0o600:
            self.leaks.add(f"{name}: a file that others may read")
        self._learn(file, name)
        self.files += 1
        self.bytes += state.st_size
        found = self._scanner.file(file, name, decoded=not running) | self._in_the_name(name)
        self.leaks.update(map(str, leaks(found, running=running)))

    def _in_the_name(self, name: str) -> set[Finding]:
        found = self._scanner.data(name.encode(), "the name of a file")
        return {Finding(f"the name of a file in {name.split('/')[0]}", each.kind, each.form, 0) for each in found}

    def _learn(self, file: Path, name: str) -> None:
        with suppress(ValueError, OSError, StateError):
            if name.startswith("home/state.sqlite"):
                stored = TokenStore(StateStore.in_home(file.parent)).all()
                tokens = [token for each in stored for token in (each.refresh_token, each.access_token) if token]
                self._scanner.add(needles_of_secrets([each.reveal() for each in tokens], Kind.TOKEN))
            elif self._place.env_file.name in file.name:
                values = [line.partition("=")[2] for line in file.read_text().splitlines()]
                self._scanner.add(needles_of_secrets(filter(None, values), Kind.TOKEN))
            elif ".session" in file.name:
                query = parse_qs(urlsplit(json.loads(file.read_bytes())["uri"]).query)
                self._scanner.add(needles_of_secrets(query["upload_id"], Kind.SESSION))
                self._scanner.add(needles_of_secrets(query["X-Goog-Signature"], Kind.SIGNATURE))

    def _learn_digests(self) -> None:
        for file in _files(self._place.home / "data" / "customer_lists"):
            if file.suffix == ".csv":
                with file.open(newline="") as opened:
                    self._scanner.add_digests(cell for row in csv.reader(opened) for cell in row if len(cell) == 64)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._place.root).as_posix()


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
