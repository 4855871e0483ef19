"""Runs the sandbox on a port: in a thread for tests and the demo, or as a command."""

from __future__ import annotations

import errno
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import uvicorn

from spotify_pipeline.sandbox.app import create_app
from spotify_pipeline.sandbox.config import DEFAULT_PORT, SandboxConfig, SandboxError
from spotify_pipeline.sandbox.http import RawConnectionProtocol
from spotify_pipeline.sandbox.store import SandboxState

LOOPBACK = "127.0.0.1"
_START_SECONDS = 15.0
_STOP_SECONDS = 5


class SandboxServer:
    """A sandbox in a thread of this process, for as long as a ``with`` block lasts.

    ``port`` 0 takes any free port. Without ``state_directory`` everything is forgotten at the end.

    Raises:
        SandboxError: the port is taken, or the state directory cannot be used.
    """

    def __init__(
        self,
        config: SandboxConfig | None = None,
        *,
        port: int = 0,
        state_directory: Path | None = None,
        host: str = LOOPBACK,
    ) -> None:
        self._config = config
        self._requested_port = port
        self._state_directory = state_directory
        self._host = host
        self._running: tuple[uvicorn.Server, threading.Thread] | None = None
        self._state: SandboxState | None = None
        self.port = port

    @property
    def url(self) -> str:
        """The origin of everything, without a slash at the end."""
        return f"http://{self._host}:{self.port}"

    @property
    def state(self) -> SandboxState:
        """What the running sandbox knows."""
        if self._state is None:
            raise SandboxError("the sandbox is not running; enter its with block first.")
        return self._state

    def start(self) -> SandboxServer:
        """Start listening, and return once requests are answered."""
        listener = _listen(self._host, self._requested_port)
        try:
            self._state = SandboxState.open(self._config, self._state_directory)
        except SandboxError:
            listener.close()
            raise
        self.port = int(listener.getsockname()[1])
        server = _server(self._state)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="spotify-sandbox", daemon=True
        )
        thread.start()
        self._running = (server, thread)
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise SandboxError("the sandbox did not start; see the log above.")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Finish the requests under way, stop listening, and write everything down."""
        if self._running is not None:
            server, thread = self._running
            if self._state is not None:
                self._state.faults.release()
            server.should_exit = True
            thread.join()
            self._running = None
        if self._state is not None:
            self._state.close()
            self._state = None

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def serve(
    port: int = DEFAULT_PORT,
    state_directory: Path | None = None,
    *,
    host: str = LOOPBACK,
    config: SandboxConfig | None = None,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Run the sandbox until it is interrupted. ``announce`` is called with its URL once the port is its own.

    Raises:
        SandboxError: the port is taken, or the state directory cannot be used.
    """
    listener = _listen(host, port)
    try:
        state = SandboxState.open(config, state_directory)
    except SandboxError:
        listener.close()
        raise
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if announce is not None:
            announce(f"http://{host}:{listener.getsockname()[1]}")
        _server(state).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # uvicorn has shut down in good order by now, and raises the signal again for us
    finally:
        state.close()
        listener.close()
        signal.signal(signal.SIGTERM, before)


def _server(state: SandboxState) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            create_app(state),
            http=RawConnectionProtocol,
            log_config=None,  # the process's own logging stays as it is
            log_level="warning",
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SandboxError(
                f"port {port} is in use by another program: stop that program, or choose another port."
            ) from None
        raise SandboxError(f"the sandbox cannot listen on {host}, port {port}: {error.strerror}.") from None
    except OverflowError:
        listener.close()
        raise SandboxError(f"Invalid port {port}: choose one between 1 and 65535.") from None
    return listener
