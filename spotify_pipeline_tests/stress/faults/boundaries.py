"""Where a process meets the outside: files of its home, requests, bodies, answers.

The harness counts them by watching: Python's audit events tell of files that are opened for writing, renamed, removed
and locked; a transport around the real one tells of requests. Nobody lists them by hand, so a new write is swept as
soon as it exists. What Python has no event for is the writing itself: a process is killed before a file is opened and
before what comes next, never with a file half written. Files of the home are written aside and renamed, or in one
write.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.truncate", "os.chmod", "os.link", "os.symlink", "os.rmdir")


class Boundaries:
    """Names the boundaries that this process passes, and kills it at one of them."""

    def __init__(self, home: Path, kill_at: int | None = None) -> None:
        self._home = str(home)
        self._kill_at = kill_at
        self.names: list[str] = []

    def passed(self, name: str) -> None:
        """A boundary: everything before it was done, nothing behind it was begun."""
        if self._kill_at == len(self.names):
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)

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

    def __init__(self, boundaries: Boundaries, body_share: float) -> None:
        self._boundaries = boundaries
        self._body_share = body_share
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {_route(request)}"
        self._boundaries.passed(f"before {asked}")
        length = int(request.headers.get("content-length", "0"))
        if request.method == "PUT" and length:
            request.stream = _Body(request.stream, self._boundaries, asked, int(length * self._body_share))
        response = self._network.handle_request(request)
        self._boundaries.passed(f"behind {asked}")
        return response

    def close(self) -> None:
        self._network.close()


class _Body(httpx.SyncByteStream):
    """A body with a boundary behind so many of its bytes."""

    def __init__(self, body: object, boundaries: Boundaries, asked: str, first: int) -> None:
        assert isinstance(body, httpx.SyncByteStream)
        self._body, self._boundaries, self._asked, self._first = body, boundaries, asked, first

    def __iter__(self) -> Iterator[bytes]:
        left = self._first
        for block in self._body:
            if 0 <= left < len(block):
                yield block[:left]
                self._boundaries.passed(f"in the body of {self._asked}")
                yield block[left:]
            else:
                yield block
            left -= len(block)


def _route(request: httpx.Request) -> str:
    parts = request.url.path.strip("/").split("/")
    kept = [part for part in parts if not any(letter.isdigit() for letter in part.removeprefix("v3"))]
    return "/".join(kept)


def _without_numbers(name: str) -> str:
    return "".join("#" if letter.isdigit() else letter for letter in name)
