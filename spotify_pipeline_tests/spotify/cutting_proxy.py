"""A relay on a real socket that does something to its client at an exact byte of what the client sends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class CuttingProxy:
    """Relays connections to ``port`` of this machine. Once armed, ``cut`` is called after exactly so many bytes."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._left: int | None = None
        self._cut: Callable[[], None] = lambda: None
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, after: int, cut: Callable[[], None]) -> None:
        """Count from now on: after ``after`` bytes call ``cut``, and let no more through on that connection."""
        with self._lock:
            self._left, self._cut = after, cut

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._upstream))
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target, counted in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._relay, args=(source, target, counted), daemon=True).start()

    def _relay(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while block := source.recv(65_536):
                through, cut = self._allowed(block) if counted else (block, None)
                target.sendall(through)
                if cut is not None:
                    cut()
                    break
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _allowed(self, block: bytes) -> tuple[bytes, Callable[[], None] | None]:
        with self._lock:
            if self._left is None:
                return block, None
            if len(block) < self._left:
                self._left -= len(block)
                return block, None
            through, self._left = block[: self._left], None
            return through, self._cut


@contextmanager
def cutting_proxy(port: int) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
