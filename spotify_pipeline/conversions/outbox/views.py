"""What can be seen of an outbox: accounts, dead letters, what waits, what was delivered when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from spotify_pipeline.conversions.model import Filtered, State
from spotify_pipeline.conversions.outbox.bodies import Bodies
from spotify_pipeline.conversions.outbox.database import Database
from spotify_pipeline.conversions.outbox.erasure_filter import identifiers_in
from spotify_pipeline.conversions.outbox.model import DayAccount, DayVerdicts, Stop, withheld

_DEAD_LETTERS = {
    "day": pl.String,
    "event_id": pl.String,
    "event_name": pl.String,
    "reason": pl.String,
    "fields": pl.String,
    "settled_at": pl.String,
}
_PAGE = 10_000
_BY_HOUR = {"hour": pl.String, "event_name": pl.String, "events": pl.Int64}


class OutboxViews:
    """The outbox of one feed, to look at."""

    def __init__(self, database: Database, bodies: Bodies, *, feed: int, name: str) -> None:
        self._database = database
        self._bodies = bodies
        self._feed = feed
        self._name = name

    def waiting_people(self) -> Iterator[pl.DataFrame]:
        """Whose events are still to be sent: columns number, day, kind (of identifier) and hashed, in every form."""
        last = -1
        while rows := self._database.rows(
            "SELECT number, day FROM event WHERE feed = ? AND state IN ('pending', 'sending') AND number > ?"
            " ORDER BY number LIMIT ?",
            [self._feed, last, _PAGE],
        ):
            last = rows[-1][0]
            with withheld(f"Looking whose events of the feed {self._name} wait"):
                bodies = self._bodies.read([number for number, _ in rows])
                days = pl.DataFrame(rows, schema={"number": pl.Int64, "day": pl.String}, orient="row")
                yield identifiers_in(bodies.items()).join(days.with_columns(pl.col("day").str.to_date()), on="number")

    def accounts(self, days: Sequence[date] | None = None) -> Sequence[DayAccount]:
        read = {
            date.fromisoformat(day): (new, repeated, unwanted, read_at, first_read_at)
            for day, new, repeated, unwanted, read_at, first_read_at in self._database.rows(
                "SELECT day, new, repeated, unwanted, read_at, first_read_at FROM event_day WHERE feed = ?",
                [self._feed],
            )
        }
        counts: dict[date, dict[tuple[str, str], int]] = {}
        for day, state, reason, events in self._counts():
            counts.setdefault(date.fromisoformat(day), {})[state, reason] = events
        left_out = {
            date.fromisoformat(day): events
            for day, events in self._database.rows(
                "SELECT day, count(*) FROM event WHERE feed = ? AND fields IS NOT NULL"
                " AND state IN ('pending', 'sending', 'delivered') GROUP BY day",
                [self._feed],
            )
        }
        wanted = sorted(read) if days is None else sorted(set(days))
        return [
            _account(day, read.get(day, (0, 0, 0, None, None)), counts.get(day, {}), left_out.get(day, 0))
            for day in wanted
        ]

    def stopped(self) -> Stop | None:
        ((stop,),) = self._database.rows("SELECT stop FROM feed WHERE feed = ?", [self._feed])
        return None if stop is None else Stop.of_text(stop)

    def readings(self) -> Sequence[DayVerdicts]:
        rows = self._database.rows(
            "SELECT day, verdict, rows, accepted FROM event_reading WHERE feed = ? ORDER BY day, verdict", [self._feed]
        )
        newest: dict[str, dict[str, int]] = {}
        accepted: dict[str, dict[str, int]] = {}
        for day, verdict, count, is_accepted in rows:
            of_day = (accepted if is_accepted else newest).setdefault(day, {})
            if verdict:  # the others say that the day was read
                of_day[verdict] = count
        return [
            DayVerdicts(day=date.fromisoformat(day), rows=said, accepted=accepted.get(day))
            for day, said in newest.items()
        ]

    def dead_letters(self, day: date | None = None, most: int = 1_000) -> pl.DataFrame:
        rows = self._database.rows(
            "SELECT day, key, event_name, reason, fields, settled_at FROM event WHERE feed = ? AND state = 'dead'"
            " AND day BETWEEN ? AND ? ORDER BY day, number LIMIT ?",
            [self._feed, f"{day or date.min}", f"{day or date.max}", most],
        )
        return pl.DataFrame(rows, schema=_DEAD_LETTERS, orient="row").with_columns(
            pl.col("day").str.to_date(), _time("settled_at")
        )

    def pending_days(self) -> Sequence[date]:
        rows = self._database.rows(
            "SELECT day FROM event WHERE feed = ? AND (state IN ('pending', 'sending') OR replay)"
            " UNION SELECT day FROM event_day WHERE feed = ? AND (replay OR read_at IS NULL) ORDER BY day",
            [self._feed, self._feed],
        )
        return [date.fromisoformat(day) for (day,) in rows]

    def delivered_by_hour(self, since: datetime, until: datetime) -> pl.DataFrame:
        rows = self._database.rows(
            "SELECT substr(settled_at, 1, 13), event_name, count(*) FROM event"
            " WHERE feed = ? AND state = 'delivered' AND settled_at >= ? AND settled_at < ?"
            " GROUP BY 1, 2 ORDER BY 1, 2",
            [self._feed, text_of(since), text_of(until)],
        )
        hours = [(f"{hour}:00:00.000000Z", name, events) for hour, name, events in rows]
        return pl.DataFrame(hours, schema=_BY_HOUR, orient="row").with_columns(_time("hour"))

    def _counts(self) -> list[tuple[Any, ...]]:
        """Day, state, reason, events."""
        return self._database.rows(
            "SELECT day, state, reason, CAST(sum(events) AS bigint) FROM"
            " (SELECT day, state, COALESCE(reason, '') AS reason, count(*) AS events FROM event"
            "  WHERE feed = ? GROUP BY day, state, reason"
            "  UNION ALL SELECT day, state, reason, events FROM event_total WHERE feed = ?) AS each_of_them"
            " GROUP BY day, state, reason ORDER BY day, state, reason",
            [self._feed, self._feed],
        )


def _account(
    day: date,
    read: tuple[int, int, int, str | None, str | None],
    counts: dict[tuple[str, str], int],
    left_out: int,
) -> DayAccount:
    new, repeated, unwanted, read_at, first_read_at = read

    def by_reason(state: State) -> dict[str, int]:
        return {reason: events for (of, reason), events in counts.items() if of == state}

    filtered = by_reason(State.FILTERED)
    for reason, rows in ((Filtered.REPEATED.value, repeated), (Filtered.NOT_WANTED.value, unwanted)):
        if rows:
            filtered[reason] = filtered.get(reason, 0) + rows
    return DayAccount(
        day=day,
        read=new + repeated + unwanted,
        delivered=sum(by_reason(State.DELIVERED).values()),
        pending=sum(by_reason(State.PENDING).values()) + sum(by_reason(State.SENDING).values()),
        filtered=filtered,
        dead=by_reason(State.DEAD),
        left_out=left_out,
        read_at=None if read_at is None else datetime.fromisoformat(read_at),
        first_read_at=None if first_read_at is None else datetime.fromisoformat(first_read_at),
    )


def text_of(moment: datetime) -> str:
    """A time as the tables have it: it sorts."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _time(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="us", time_zone="UTC")
