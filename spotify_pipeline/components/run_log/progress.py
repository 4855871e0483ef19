"""Progress of an upload or a delivery, as lines of the run's log: often enough to see it move, few enough to read."""

from __future__ import annotations

import time
from collections.abc import Callable

from spotify_pipeline.spotify import CallRecord, UploadProgress

LONGEST_SILENCE = 10.0
"""Seconds after which a line is said although less than a tenth of the file has gone."""
_UNITS = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


class UploadProgressLog:
    """Says the first progress of an upload, the last, and between them one each tenth of the file or ten seconds.

    An upload that begins again, or goes back, says so by its lines: they count from where the storage stands.
    """

    def __init__(self, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._said_tenth: int | None = None
        self._said_at = 0.0

    def __call__(self, progress: UploadProgress) -> None:
        """Take note of where the upload stands, and say it if it is time to."""
        tenth = progress.stored * 10 // max(progress.size, 1)
        if tenth != self._said_tenth or self._clock() - self._said_at >= LONGEST_SILENCE:
            self._said_tenth, self._said_at = tenth, self._clock()
            self._say(progress_line(progress))


def progress_line(progress: UploadProgress) -> str:
    """One line, such as `Uploaded 312 of 1,024 MiB (30 %), 25.1 MiB/s, 28 s left.`"""
    unit, factor = next(((name, each) for name, each in _UNITS if progress.size >= 2 * each), ("bytes", 1))
    percent = progress.stored * 100 // max(progress.size, 1)
    said = f"Uploaded {progress.stored // factor:,} of {progress.size // factor:,} {unit} ({percent} %)"
    if progress.rate > 0:
        said += f", {_rate(progress.rate)}"
    if progress.stored >= progress.size:
        return f"{said}, in {_duration(progress.seconds)}."
    return said + ("." if progress.remaining is None else f", {_duration(progress.remaining)} left.")


def _rate(bytes_per_second: float) -> str:
    unit, factor = ("MiB", 1 << 20) if bytes_per_second >= 1 << 20 else ("KiB", 1 << 10)
    return f"{bytes_per_second / factor:,.1f} {unit}/s"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h {whole % 3600 // 60} min"


SILENCE = 10.0
"""Seconds after which it is said again how many requests were accepted. A line a request would be 10,000 of them for a
million events, and Dagster keeps each forever."""


class DeliveryProgressLog:
    """Logs the outcome of calls."""

    def __init__(
        self, say: Callable[[str], None], warn: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._warn, self._clock = say, warn, clock
        self._accepted = 0
        self._said_at: float | None = None

    def __call__(self, call: CallRecord) -> None:
        """Take note of a call that ended."""
        if call.status is None or not 200 <= call.status < 300:
            self._warn(str(call))
            return
        self._accepted += 1
        if self._said_at is None or self._clock() - self._said_at >= SILENCE:
            self._said_at = self._clock()
            self._say(f"{self._accepted:,} requests accepted. The last: {call}")
