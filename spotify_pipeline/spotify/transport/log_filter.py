"""Keeps httpx and httpcore from logging our calls: their lines would show signed URLs and sessions."""

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
_muted: ContextVar[bool] = ContextVar("spotify_pipeline_muted", default=False)


class _MuteOurCalls(logging.Filter):
    """Drops log lines about our calls, at any level; calls of other code are logged as before."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return not _muted.get()


_filter = _MuteOurCalls()
for _name in _LOGGERS:
    # A filter and not a level: Dagster and others set levels again later.
    logging.getLogger(_name).addFilter(_filter)


@contextmanager
def http_logs_muted() -> Generator[None]:
    """Inside the block, this context's HTTP calls are not logged by the libraries that make them."""
    token = _muted.set(True)
    try:
        yield
    finally:
        _muted.reset(token)


@contextmanager
def http_logs_unmuted() -> Generator[None]:
    """Inside the block, calls are logged as usual: other code runs there, during one of our calls."""
    token = _muted.set(False)
    try:
        yield
    finally:
        _muted.reset(token)
