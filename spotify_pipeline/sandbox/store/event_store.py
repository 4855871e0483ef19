"""Every conversion event that arrived, in compact tables: one row an event, and a tally that answers questions fast.

Events come by the million, so they are no records. An event is known by its data set and its id; one that arrives again
is counted and not stored again. What it was about is not kept, unless the sandbox was told to.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from spotify_pipeline.sandbox.store.database import Database

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS event_parties (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)",
    """CREATE TABLE IF NOT EXISTS events (
        number INTEGER PRIMARY KEY, key INTEGER NOT NULL UNIQUE, dataset INTEGER NOT NULL, event_id TEXT NOT NULL,
        name TEXT NOT NULL, time INTEGER NOT NULL, received INTEGER NOT NULL, times INTEGER NOT NULL DEFAULT 1,
        altered INTEGER NOT NULL DEFAULT 0, digest BLOB NOT NULL, body TEXT)""",
    """CREATE TABLE IF NOT EXISTS event_tally (
        dataset INTEGER NOT NULL, connection INTEGER NOT NULL, routed INTEGER NOT NULL, name TEXT NOT NULL,
        second INTEGER NOT NULL, events INTEGER NOT NULL, repeated INTEGER NOT NULL, altered INTEGER NOT NULL,
        PRIMARY KEY (dataset, connection, routed, name, second)) WITHOUT ROWID""",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """An event of a request that was accepted."""

    event_id: str
    name: str
    time: datetime
    digest: bytes
    """Of the whole event, under a key of the sandbox's own, so that nothing can be guessed from it."""
    body: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How much arrived of one name, at one data set by one connection."""

    dataset_id: str
    connection_id: str
    routed: bool
    name: str
    events: int
    """Different ones."""
    repeated: int
    """Arrivals of an event that was there already."""
    altered: int
    """Those among the repeated whose body was not the first one's."""
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Different events of one name that a connection brought within a period, the first time they came."""

    connection_id: str
    start: datetime
    name: str
    events: int
    last_at: datetime


class EventStore:
    """The events of one sandbox."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.transaction() as sql:
            for statement in _SCHEMA:
                sql.execute(statement)

    def take(
        self, arrivals: Sequence[Arrival], *, dataset_id: str, connection_id: str, routed: bool, now: datetime
    ) -> None:
        """Keep what one request brought, all of it or nothing."""
        with self._database.transaction() as sql:
            dataset, connection = _number(sql, dataset_id), _number(sql, connection_id)
            keys = [_key(dataset, arrival.event_id) for arrival in arrivals]
            known = _digests(sql, keys)
            new: list[tuple[int, Arrival]] = []
            again: list[tuple[bool, int]] = []
            counts: dict[str, Counter[str]] = {}
            for key, arrival in zip(keys, arrivals, strict=True):
                count = counts.setdefault(arrival.name, Counter())
                before = known.get(key)
                if before is None:
                    known[key] = arrival.digest
                    new.append((key, arrival))
                    count["events"] += 1
                else:
                    altered = before != arrival.digest
                    again.append((altered, key))
                    count["repeated"] += 1
                    count["altered"] += altered
            _write(sql, dataset, new, again, now)
            second = int(now.timestamp())
            sql.executemany(
                "INSERT INTO event_tally VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "events = events + excluded.events, repeated = repeated + excluded.repeated, "
                "altered = altered + excluded.altered",
                [
                    (dataset, connection, routed, name, second, one["events"], one["repeated"], one["altered"])
                    for name, one in counts.items()
                ],
            )

    def tallies(self, dataset_id: str | None = None, until: datetime | None = None) -> list[Tally]:
        """What arrived, or what arrived at one data set, by ``until`` at the latest."""
        rows = self._rows(
            "SELECT d.id, c.id, routed, name, sum(events), sum(repeated), sum(altered), min(second), max(second) "
            "FROM event_tally JOIN event_parties d ON d.number = dataset JOIN event_parties c ON c.number = connection "
            "WHERE (?1 IS NULL OR d.id = ?1) AND (?2 IS NULL OR second <= ?2) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
            (dataset_id, _second(until)),
        )
        return [
            Tally(
                dataset_id=row[0],
                connection_id=row[1],
                routed=bool(row[2]),
                name=row[3],
                events=row[4],
                repeated=row[5],
                altered=row[6],
                first_at=_moment(row[7]),
                last_at=_moment(row[8]),
            )
            for row in rows
        ]

    def buckets(self, dataset_id: str, seconds: int, until: datetime) -> list[Bucket]:
        """What was routed to a data set by ``until``, in periods of so many seconds since midnight UTC."""
        rows = self._rows(
            "SELECT c.id, second / ?1 * ?1, name, sum(events), max(second) "
            "FROM event_tally JOIN event_parties d ON d.number = dataset JOIN event_parties c ON c.number = connection "
            "WHERE d.id = ?2 AND routed AND events > 0 AND second <= ?3 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            (seconds, dataset_id, _second(until)),
        )
        return [
            Bucket(connection_id=row[0], start=_moment(row[1]), name=row[2], events=row[3], last_at=_moment(row[4]))
            for row in rows
        ]

    def page(self, after: int, limit: int, dataset_id: str | None = None) -> list[dict[str, object]]:
        """Events by number, ready for JSON; ``number`` of the last one is where the next page begins."""
        rows = self._rows(
            "SELECT events.number, d.id, event_id, name, time, received, times, altered, body "
            "FROM events JOIN event_parties d ON d.number = dataset "
            "WHERE events.number > ?1 AND (?3 IS NULL OR d.id = ?3) ORDER BY events.number LIMIT ?2",
            (after, limit, dataset_id),
        )
        names = ("number", "dataset_id", "event_id", "event_name", "event_time", "received_at", "times_received")
        return [
            {
                **dict(zip(names, (*row[:4], _written(row[4]), _written(row[5]), row[6]), strict=True)),
                "same_body": not row[7],
                **({} if row[8] is None else {"body": json.loads(row[8])}),
            }
            for row in rows
        ]

    def clear(self) -> None:
        """Forget every event."""
        with self._database.transaction() as sql:
            for table in ("events", "event_tally", "event_parties"):
                sql.execute(f"DELETE FROM {table}")  # noqa: S608 - three constants

    def _rows(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with self._database.transaction() as sql:
            return sql.execute(statement, values).fetchall()


def _number(sql: sqlite3.Connection, id_: str) -> int:
    sql.execute("INSERT OR IGNORE INTO event_parties (id) VALUES (?)", (id_,))
    return sql.execute("SELECT number FROM event_parties WHERE id = ?", (id_,)).fetchone()[0]


def _key(dataset: int, event_id: str) -> int:
    """What an event is found by. An index of numbers stays in memory where one of a million texts would not.

    That two of a million events have the same is less likely than one in ten million.
    """
    digest = hashlib.blake2b(event_id.encode(), digest_size=8, salt=dataset.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big", signed=True)


def _digests(sql: sqlite3.Connection, keys: Sequence[int]) -> dict[int, bytes]:
    """The digests of those events that are there already."""
    return dict(
        sql.execute("SELECT key, digest FROM events WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys),))
    )


def _write(
    sql: sqlite3.Connection, dataset: int, new: list[tuple[int, Arrival]], again: list[tuple[bool, int]], now: datetime
) -> None:
    received = _milliseconds(now)
    sql.executemany(
        "INSERT INTO events (key, dataset, event_id, name, time, received, digest, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (key, dataset, one.event_id, one.name, _milliseconds(one.time), received, one.digest, one.body)
            for key, one in new
        ],
    )
    sql.executemany("UPDATE events SET times = times + 1, altered = altered OR ? WHERE key = ?", again)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _second(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _written(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
