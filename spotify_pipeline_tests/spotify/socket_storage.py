"""A storage on a real socket, for what only a real connection shows: how many bytes of a file arrive."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class SocketStorage:
    """Opens a session for each POST, counts the bytes of each PUT, and answers a whole file with 200 and its length."""

    def __init__(self, on_body: Callable[[int], None], early: bytes | None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._on_body = on_body
        self._early = early
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.received: list[int] = []
        self.ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
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
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if self._early is not None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(self._early), self._early))
        self._on_body(count)
        while count < length and (block := connection.recv(min(65_536, length - count))):
            count += len(block)
            self._on_body(count)
        self.received.append(count)
        self.ended.set()
        if count == length and self._early is None:
            stored = f"x-goog-stored-content-length: {count}\r\n".encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + stored + b"\r\n")
        return count == length


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
    on_body: Callable[[int], None] = lambda _: None, *, early: bytes | None = None
) -> Iterator[SocketStorage]:
    """``early``: answer 200 with this body as soon as a PUT begins, then take its bytes and throw them away."""
    storage = SocketStorage(on_body, early)
    try:
        yield storage
    finally:
        storage.close()
