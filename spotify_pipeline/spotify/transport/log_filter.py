"""httpx and httpcore say nothing of our calls in any log: they would show signed URLs and sessions."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)
_speaking: ContextVar[bool] = ContextVar("spotify_pipeline_speaking", default=False)


class _SilentWhileWeSpeak(logging.Filter):
    """Drops what they log about our calls, at any level; calls of other code are logged as before."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return not _speaking.get()


_silence = _SilentWhileWeSpeak()
for _name in _LOGGERS:
    # A filter and not a level: Dagster and others set levels again later.
    logging.getLogger(_name).addFilter(_silence)


@contextmanager
def http_logs_muted() -> Generator[None]:
    """Inside the block, this context's HTTP calls are not logged by the libraries that make them."""
    token = _speaking.set(True)
    try:
        yield
    finally:
        _speaking.reset(token)


@contextmanager
def http_logs_unmuted() -> Generator[None]:
    """Inside the block, calls are logged as usual: somebody else's code runs there, in the midst of a call of ours."""
    token = _speaking.set(False)
    try:
        yield
    finally:
        _speaking.reset(token)
