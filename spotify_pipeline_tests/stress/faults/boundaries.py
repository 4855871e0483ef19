"""Where a process meets the outside: commits of its state, files of its home, requests, bodies, answers.

The harness counts them by watching: SQLAlchemy's events tell of transactions that changed a table, Python's audit
events of files that are opened for writing, renamed, removed and locked, a transport around the real one of requests.
Nobody lists them by hand, so a new write is swept as soon as it exists. What Python has no event for is the writing
itself: a process is killed before a file is opened and before what comes next, never with a file half written. Files
of the home are written aside and renamed, or in one write; how a database writes its own is in :mod:`.checkpoint`.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from sqlalchemy import event

_CHANGED = "changed by the transaction"
_CHANGE = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE) (?:\w+\.)?(\w+)")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.truncate", "os.chmod", "os.link", "os.symlink", "os.rmdir")


class Boundaries:
    """Names the boundaries that this process passes, and kills it at one of them, or stops it there."""

    def __init__(self, home: Path, kill_at: int | None = None, by: signal.Signals = signal.SIGKILL) -> None:
        self._home = str(home)
        self._kill_at = kill_at
        self._by = by
        self.names: list[str] = []

    def passed(self, name: str) -> None:
        """A boundary: everything before it was done, nothing behind it was begun."""
        self.names.append(name)
        if self._kill_at == len(self.names) - 1:
            os.kill(os.getpid(), self._by)

    def watch_commits(self) -> None:
        """Of every database, from now on. A transaction that only read is no boundary."""
        event.listen(sa.Engine, "before_cursor_execute", _note_change)
        event.listen(sa.Engine, "commit", self._before_commit)
        event.listen(sa.Engine, "rollback", lambda connection: connection.info.pop(_CHANGED, None))
        event.listen(sa.Pool, "checkin", self._behind_commit)

    def _before_commit(self, connection: sa.Connection) -> None:
        if _CHANGED in connection.info:
            self.passed(f"before the commit of {_tables(connection.info)}")

    def _behind_commit(self, _: object, record: Any) -> None:
        if _CHANGED in record.info:  # a connection is given back as soon as its transaction has ended
            changed = _tables(record.info)
            del record.info[_CHANGED]
            self.passed(f"behind the commit of {changed}")

    def watch_files(self) -> None:
        """From now on, for as long as the process lives: an audit hook cannot be taken away."""
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "fcntl.flock":
            self.passed("flock")
        elif event == "open" or event in _CHANGES:
            path = str(arguments[0])
            flags = arguments[2] if event == "open" else _WRITES
            if path.startswith(self._home) and isinstance(flags, int) and flags & _WRITES:
                self.passed(f"{event} {_without_numbers(Path(path).name)}")


class WatchedTransport(httpx.BaseTransport):
    """The network, with boundaries before a request, in its body, and behind its answer."""

    def __init__(
        self, boundaries: Boundaries, body_share: float, on_sent: Callable[[int], None] = lambda _: None
    ) -> None:
        """``on_sent`` is told the length of each part of a body right before it is sent."""
        self._boundaries = boundaries
        self._body_share = body_share
        self._on_sent = on_sent
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {_route(request)}"
        self._boundaries.passed(f"before {asked}")
        length = int(request.headers.get("content-length", "0"))
        if request.method == "PUT" and length:
            at_its_point = partial(self._boundaries.passed, f"in the body of {asked}")
            request.stream = _Body(request.stream, int(length * self._body_share), at_its_point, self._on_sent)
        response = self._network.handle_request(request)
        self._boundaries.passed(f"behind {asked}")
        return response

    def close(self) -> None:
        self._network.close()


class _Body(httpx.SyncByteStream):
    """A body with a point behind so many of its bytes, at which something is called."""

    def __init__(
        self, body: object, first: int, at_its_point: Callable[[], None], on_sent: Callable[[int], None]
    ) -> None:
        assert isinstance(body, httpx.SyncByteStream)
        self._body, self._first, self._at_its_point, self._on_sent = body, first, at_its_point, on_sent

    def __iter__(self) -> Iterator[bytes]:
        left = self._first
        for block in self._body:
            if 0 <= left < len(block):
                self._on_sent(left)
                yield block[:left]
                self._at_its_point()
                self._on_sent(len(block) - left)
                yield block[left:]
            else:
                self._on_sent(len(block))
                yield block
            left -= len(block)


def _note_change(connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
    changed = _CHANGE.match(statement)
    if changed is not None:
        connection.info.setdefault(_CHANGED, set()).add(changed[1])


def _tables(info: Any) -> str:
    return ", ".join(sorted(info[_CHANGED]))


def _route(request: httpx.Request) -> str:
    parts = request.url.path.strip("/").split("/")
    kept = [part for part in parts if not any(letter.isdigit() for letter in part.removeprefix("v3"))]
    return "/".join(kept)


def _without_numbers(name: str) -> str:
    return "".join("#" if letter.isdigit() else letter for letter in name)
