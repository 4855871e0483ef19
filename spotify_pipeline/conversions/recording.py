"""Takes over the verdicts of one reading of one day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from spotify_pipeline.conversions.outbox import Reading
from spotify_pipeline.conversions.outbox_store import Bodies, Database
from spotify_pipeline.conversions.verdict import DECIDED_BY_SPOTIFY, VERDICTS, State

_KNOWN = {"key": pl.String, "number": pl.Int64, "state": pl.String, "reason": pl.String, "replay": pl.Boolean}
_ADD = """
    INSERT INTO events (feed, number, day, key, event_name, state, reason, fields, place, replay, settled_at)
    SELECT ?, number, ?, key, event_name, state, reason, fields, place, false,
        CASE WHEN state <> 'pending' THEN CAST(? AS timestamp) END
    FROM incoming
"""
_JUDGE_AGAIN = """
    UPDATE events SET event_name = incoming.event_name, state = incoming.state, reason = incoming.reason,
        fields = incoming.fields, place = incoming.place, replay = false,
        settled_at = CASE WHEN incoming.state <> 'pending' THEN CAST(? AS timestamp) END
    FROM incoming WHERE events.feed = ? AND events.number = incoming.number
"""


@dataclass(kw_only=True)
class Recording:
    """One reading, a frame at a time, within a transaction.

    Attributes:
        at: when it was read, UTC without saying so.
        next_number: of the next event that is new.
    """

    database: Database
    bodies: Bodies
    feed: int
    day: date
    at: datetime
    next_number: int
    rows: int = 0
    new: int = 0
    known: int = 0
    repeated: int = 0
    judged_again: int = 0
    _seen: pl.Series = field(default_factory=lambda: pl.Series("key", dtype=pl.String))

    def take(self, frame: pl.DataFrame) -> None:
        verdicts = frame.select(list(VERDICTS))
        distinct = verdicts.unique("key", keep="first", maintain_order=True)
        if self._seen.len():
            distinct = distinct.join(self._seen.to_frame(), on="key", how="anti", maintain_order="left")
        self._seen = pl.concat([self._seen, distinct["key"]])
        known = self._known(distinct)
        new = distinct.join(known, on="key", how="anti", maintain_order="left")
        new = new.with_columns(number=pl.int_range(self.next_number, self.next_number + new.height, dtype=pl.Int64))
        again = distinct.join(_judged_again(known).select("key", "number"), on="key", maintain_order="left")
        self._add(new)
        self._judge_again(again)
        self.next_number += new.height
        self.rows += verdicts.height
        self.repeated += verdicts.height - distinct.height
        self.known += known.height
        self.new += new.height
        self.judged_again += again.height

    def reading(self) -> Reading:
        return Reading(
            day=self.day,
            rows=self.rows,
            new=self.new,
            known=self.known,
            repeated=self.repeated,
            judged_again=self.judged_again,
        )

    def _known(self, distinct: pl.DataFrame) -> pl.DataFrame:
        with self.database.incoming(distinct.select("key")):
            rows = self.database.rows(
                "SELECT events.key, number, state, reason, replay FROM events"
                " JOIN incoming ON events.key = incoming.key WHERE feed = ?",
                [self.feed],
            )
        return pl.DataFrame(rows, schema=_KNOWN, orient="row")

    def _add(self, new: pl.DataFrame) -> None:
        if new.height:
            with self.database.incoming(self._placed(new)):
                self.database.change(_ADD, [self.feed, self.day, self.at])

    def _judge_again(self, again: pl.DataFrame) -> None:
        if again.height:
            self.bodies.settled(again["number"].to_list())
            with self.database.incoming(self._placed(again)):
                self.database.change(_JUDGE_AGAIN, [self.at, self.feed])

    def _placed(self, verdicts: pl.DataFrame) -> pl.DataFrame:
        """Without the bodies, which are kept, and with their place."""
        pending = verdicts.filter(pl.col("state") == State.PENDING.value)
        place = self.bodies.keep(pending.select("number", "body")) if pending.height else None
        columns = ("number", "key", "event_name", "state", "reason", "fields")
        return verdicts.select(*columns, place=pl.lit(place, dtype=pl.Int64))


def _judged_again(known: pl.DataFrame) -> pl.DataFrame:
    state = pl.col("state")
    by_us = ~pl.col("reason").is_in([each.value for each in DECIDED_BY_SPOTIFY])
    dead = state == State.DEAD.value
    return known.filter((state == State.PENDING.value) | (dead & (by_us | pl.col("replay"))))
