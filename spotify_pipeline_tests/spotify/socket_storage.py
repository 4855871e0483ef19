"""A storage on a real socket, for what only a real connection shows: how many bytes of a file arrive."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PLACE = re.compile(rb"content-range: bytes (?:(\d+)-(\d+)|\*)/(\d+)")
_LENGTH = re.compile(rb"content-length: (\d+)")


class SocketStorage:
    """One object. Opens a session for each POST, counts the bytes of each PUT, and says how far the object is.

    It throws the bytes away, so of the finished object it states the length alone.
    """

    def __init__(self, on_body: Callable[[int], None], early: bytes | None, stall_after: int | None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._on_body = on_body
        self._early = early
        self._stall_after = stall_after
        self._over = threading.Event()
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.received: list[int] = []
        self.stored = 0
        self.ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while True:
                head, rest = _head(connection)
                if head.startswith(b"POST"):
                    location = f"Location: http://{self.host}/session\r\n".encode()
                    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n" + location + b"\r\n")
                elif not head.startswith(b"PUT") or not self._take_body(connection, head, len(rest)):
                    return

    def _take_body(self, connection: socket.socket, head: bytes, count: int) -> bool:
        first, length, total = _place(head)
        if self._early is not None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(self._early), self._early))
        self._on_body(count)
        while count < length and (block := connection.recv(min(65_536, length - count))):
            count += len(block)
            self._on_body(count)
            if self._stall_after is not None and count >= self._stall_after:
                self._stall_after, self.stored = None, first + count
                self._over.wait()  # the connection stays open, and nothing more is read from it
                return False
        if length:
            self.received.append(count)
            self.stored = first + count
            self.ended.set()
        if count == length and self._early is None:
            status, stated = b"308 Resume Incomplete", b"Range: bytes=0-%d\r\n" % (self.stored - 1)
            if self.stored == total:
                status, stated = b"200 OK", b"x-goog-stored-content-length: %d\r\n" % total
            connection.sendall(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n%b\r\n" % (status, stated))
        return count == length


def _place(head: bytes) -> tuple[int, int, int]:
    """The first byte of a body in its file, its length, and the size of that file."""
    length = _LENGTH.search(head.lower())
    place = _PLACE.search(head.lower())
    assert length is not None
    if place is None:
        return 0, int(length[1]), int(length[1])
    return int(place[1] or 0), int(length[1]), int(place[3])


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    seen = b""
    while b"\r\n\r\n" not in seen:
        block = connection.recv(65_536)
        if not block:
            return b"", b""
        seen += block
    head, _, rest = seen.partition(b"\r\n\r\n")
    return head, rest


@contextmanager
def socket_storage(
    on_body: Callable[[int], None] = lambda _: None, *, early: bytes | None = None, stall_after: int | None = None
) -> Iterator[SocketStorage]:
    """A storage for one test.

    Args:
        on_body: told how many bytes of a body have arrived.
        early: answer 200 with this body as soon as a PUT begins, then take its bytes.
        stall_after: stop reading, once, after so many bytes of a body, and answer nothing.
    """
    storage = SocketStorage(on_body, early, stall_after)
    try:
        yield storage
    finally:
        storage.close()
