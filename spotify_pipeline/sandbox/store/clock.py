"""The sandbox's clock: real time plus an offset that a test can move forward."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def wall_clock() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


class Clock:
    """Tells the sandbox's time. Only forward moves are possible, as for everybody else."""

    def __init__(self, offset_seconds: float = 0.0, *, wall: Callable[[], datetime] = wall_clock) -> None:
        self._wall = wall
        self._offset = timedelta(seconds=offset_seconds)

    @property
    def offset_seconds(self) -> float:
        """How far the sandbox is ahead of the machine's time."""
        return self._offset.total_seconds()

    def now(self) -> datetime:
        """The sandbox's time, in UTC."""
        return self._wall() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock forward by ``seconds``, which must not be negative."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self._offset += timedelta(seconds=seconds)

    def restart(self) -> None:
        """Back to the machine's time."""
        self._offset = timedelta()


def in_utc_seconds(moment: datetime) -> str:
    """``moment`` as the Ads API writes times: ``YYYY-MM-DDTHH:MM:SSZ``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def add_months(moment: datetime, months: int) -> datetime:
    """The same day and time ``months`` later, or that month's last day where it is shorter."""
    index = moment.year * 12 + moment.month - 1 + months
    year, month = index // 12, index % 12 + 1
    first = moment.replace(year=year, month=month, day=1)
    next_first = first.replace(year=year + month // 12, month=month % 12 + 1)
    return first.replace(day=min(moment.day, (next_first - timedelta(days=1)).day))
