"""The loopback listener that the browser returns to: RFC 8252 section 7.3.

It accepts exactly one callback: the right path, the right state, one code or one error. Everything else is rejected and
changes nothing, so a page that guesses the port cannot end or take over a sign-in.
"""

from __future__ import annotations

import errno
import hmac
import html
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from socketserver import TCPServer
from urllib.parse import parse_qs, urlsplit

from spotify_pipeline.spotify.errors import SignInFailed
from spotify_pipeline.spotify.secret import Secret

LOOPBACK = "127.0.0.1"
CALLBACK_PATH = "/callback"
_POLL_SECONDS = 0.1
_IDLE_CONNECTION_SECONDS = 5  # browsers open connections that they never use
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Spotify sign-in</title>
<body style="font: 18px/1.5 system-ui, sans-serif; max-width: 34em; margin: 4em auto"><p>{text}</p></body></html>"""


@dataclass(frozen=True, slots=True)
class Callback:
    """The result of the sign-in: a code, or Spotify's error code such as ``access_denied``."""

    code: Secret | None
    error: str | None


class CallbackListener:
    """Listens on 127.0.0.1 only, from construction until :meth:`close`.

    Args:
        port: to listen on; 0 for any that is free.
        state: that the callback must have.

    Raises:
        SignInFailed: the port is in use, or this user may not listen on it.
    """

    def __init__(self, port: int, state: Secret) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._callback: Callback | None = None
        self._answered = threading.Event()
        try:
            self._server = _Server((LOOPBACK, port), self)
        except (OSError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            raise SignInFailed(
                f"Port {port} of this machine {'is in use' if taken else 'cannot be used'}, so the sign-in cannot "
                "return to it.",
                next_step="End what uses it, or choose another port and register its address with your Spotify app.",
            ) from None

    @property
    def redirect_uri(self) -> str:
        """The address to return to. Spotify compares it with those registered for the app."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}{CALLBACK_PATH}"

    def wait(self, *, seconds: float, clock: Callable[[], float]) -> Callback:
        """The callback.

        Raises:
            SignInFailed: none came within ``seconds``.
        """
        deadline = clock() + seconds
        while clock() < deadline:
            self._server.handle_request()
            if self._answered.is_set() and self._callback is not None:
                return self._callback
        raise SignInFailed(f"Nobody finished the sign-in in the browser within {seconds:.0f} seconds.")

    def close(self) -> None:
        self._server.server_close()

    def answered(self, status: HTTPStatus) -> None:
        """Call this when the browser has its page, or is gone: then the accepted callback ends the wait."""
        if status is HTTPStatus.OK:
            self._answered.set()

    def judge(self, target: str, host: str) -> tuple[HTTPStatus, str]:
        """The response to one GET; accepts its callback if it is valid."""
        parts = urlsplit(target)
        if parts.path != CALLBACK_PATH:
            return HTTPStatus.NOT_FOUND, "There is nothing here."
        if host != f"{LOOPBACK}:{self._server.server_address[1]}":  # another name for this machine: DNS rebinding
            return HTTPStatus.BAD_REQUEST, "This is not the address of a sign-in."
        query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=20)
        state, code, error = (_only(query, name) for name in ("state", "code", "error"))
        if state is None or not hmac.compare_digest(state.encode(), self._state.reveal().encode()):
            return (
                HTTPStatus.BAD_REQUEST,
                "This is not the sign-in that was started here. Start again from the terminal.",
            )
        if (code is None) == (error is None):
            return HTTPStatus.BAD_REQUEST, "Spotify's answer is incomplete. Start again from the terminal."
        with self._lock:
            if self._callback is not None:
                return HTTPStatus.BAD_REQUEST, "This sign-in was used already."
            if error is not None:
                shown = error if _ERROR_CODE.fullmatch(error) else "an unknown error"
                self._callback = Callback(None, shown)
                return HTTPStatus.OK, f"Spotify answered: {error[:80]}. You can close this window."
            self._callback = Callback(Secret(code or ""), None)
            return HTTPStatus.OK, "Spotify has answered. You can close this window and return to the terminal."


def _only(query: dict[str, list[str]], name: str) -> str | None:
    values = query.get(name, [])
    return values[0] if len(values) == 1 and values[0] else None


class _Server(ThreadingHTTPServer):
    # A thread for each connection: a browser's idle one must not keep the real one waiting.
    daemon_threads = True
    block_on_close = False
    timeout = _POLL_SECONDS

    def __init__(self, address: tuple[str, int], listener: CallbackListener) -> None:
        super().__init__(address, partial(_Handler, listener))

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer would ask the name service for this machine's full name

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore broken connections; the default would print a traceback."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _IDLE_CONNECTION_SECONDS
    server_version = "spotify-pipeline"
    sys_version = ""

    def __init__(
        self, listener: CallbackListener, request: socket, client_address: tuple[str, int], server: _Server
    ) -> None:
        self._listener = listener
        super().__init__(request, client_address, server)  # serves the request before it returns

    def do_GET(self) -> None:
        try:
            status, words = self._listener.judge(self.path, self.headers.get("Host", ""))
        except ValueError:  # a target or query that cannot be parsed
            status, words = HTTPStatus.BAD_REQUEST, "This request cannot be read."
        try:
            self._show(status, words)
        finally:
            self._listener.answered(status)

    def _show(self, status: HTTPStatus, words: str) -> None:
        body = _PAGE.format(text=html.escape(words)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the request line holds the code and the state."""
