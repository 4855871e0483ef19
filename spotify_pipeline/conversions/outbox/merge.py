"""Takes over the verdicts of one reading of one day: which row of an id counts, and what the others are.

The rule: a row that nobody wants is no event of its id. Of the others the one counts that ranks highest: one that may
be sent before a dead letter before a filtered one, then the newest by event time, then the one whose content comes last
in alphabetical order. What was sent, or is Spotify's to say, stays as it is. A day's reading replaces what the day
itself said before, and takes an event over from another day only with a row that ranks higher than that day's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from spotify_pipeline.conversions.model import DECIDED_BY_SPOTIFY, VERDICTS, Filtered, State
from spotify_pipeline.conversions.outbox.model import OutboxError, Reading
from spotify_pipeline.conversions.outbox.store import Bodies, Database

_TIME = pl.Datetime("us")
_OPEN = {
    "key": pl.String,
    "number": pl.Int64,
    "known_day": pl.Date,
    "known_state": pl.String,
    "known_reason": pl.String,
    "known_fields": pl.String,
    "known_name": pl.String,
    "known_time": _TIME,
    "known_place": pl.Int64,
}
_BY_SPOTIFY = ", ".join(f"'{each}'" for each in sorted(DECIDED_BY_SPOTIFY))
_IS_OURS = f"(state IN ('pending', 'filtered') OR state = 'dead' AND reason NOT IN ({_BY_SPOTIFY}))"
"""What was not sent yet, so that its verdict is ours to give."""
_SELECT_OPEN = (
    "SELECT events.key, number, day, state, reason, fields, event_name, event_time, place FROM events"  # noqa: S608
    f" JOIN incoming ON events.key = incoming.key WHERE feed = ? AND ({_IS_OURS} OR state = 'dead' AND replay)"
)
_SELECT_GONE = (
    f"SELECT number, key, state, reason FROM events WHERE feed = ? AND day = ? AND {_IS_OURS}"  # noqa: S608
    " AND NOT EXISTS (SELECT 1 FROM incoming WHERE incoming.key = events.key)"
)
_ADD = """
    INSERT INTO events
        (feed, number, day, key, event_name, event_time, state, reason, fields, place, replay, settled_at)
    SELECT ?, number, ?, key, event_name, event_time, state, reason, fields, place, false,
        CASE WHEN state <> 'pending' THEN CAST(? AS timestamp) END
    FROM incoming
"""
_JUDGE_AGAIN = """
    UPDATE events SET day = ?, event_name = incoming.event_name, event_time = incoming.event_time,
        state = incoming.state, reason = incoming.reason, fields = incoming.fields, place = incoming.place,
        replay = false, settled_at = CASE WHEN incoming.state <> 'pending' THEN CAST(? AS timestamp) END
    FROM incoming WHERE events.feed = ? AND events.number = incoming.number
"""
_WITHDRAW = """
    UPDATE events SET state = 'filtered', reason = 'withdrawn', fields = NULL, place = NULL, replay = false,
        settled_at = CAST(? AS timestamp)
    FROM incoming WHERE events.feed = ? AND events.number = incoming.number
"""
_DROP = "DELETE FROM events WHERE feed = ? AND number IN (SELECT number FROM incoming)"
_WITHOUT_ID = "row:"
_NO_TIME = pl.lit(-(2**62)).cast(pl.Datetime("us"))
"""Older than any."""


@dataclass(kw_only=True)
class DayMerge:
    """One reading, a frame at a time, within a transaction.

    Attributes:
        at: when it was read, UTC without saying so.
        next_number: of the next event that is new.
        by_verdict: all rows that were read, by what was said of them: a reason, or `pending`.
        moved: events that other days had before, by day; and those of them whose rows are still there.
        dropped: events of the day that no longer are.
    """

    database: Database
    bodies: Bodies
    feed: int
    day: date
    at: datetime
    next_number: int
    by_verdict: Counter[str] = field(default_factory=Counter[str])
    moved: Counter[date] = field(default_factory=Counter[date])
    displaced: Counter[date] = field(default_factory=Counter[date])
    dropped: int = 0
    _new: int = 0
    _judged_again: int = 0
    _seen: pl.Series = field(default_factory=lambda: pl.Series("key", dtype=pl.String))
    _unwanted: pl.Series = field(default_factory=lambda: pl.Series("key", dtype=pl.String))

    def take(self, frame: pl.DataFrame) -> None:
        verdicts = frame.select(list(VERDICTS)).with_columns(pl.col("event_time").dt.replace_time_zone(None))
        counted = verdicts.select(pl.coalesce("reason", "state").value_counts()).unnest("reason")
        self.by_verdict.update(dict(counted.iter_rows()))
        is_unwanted = pl.col("reason").eq_missing(Filtered.NOT_WANTED.value)
        self._unwanted = pl.concat([self._unwanted, verdicts.filter(is_unwanted)["key"]]).unique()
        candidates = _best(verdicts.filter(~is_unwanted))
        known, still_open = self._known(candidates)
        new = candidates.join(known, on="key", how="anti", maintain_order="left")
        new = new.with_columns(number=pl.int_range(self.next_number, self.next_number + new.height, dtype=pl.Int64))
        again = self._taken(candidates.join(still_open, on="key", maintain_order="left"))
        self._seen = pl.concat([self._seen, candidates["key"]]).unique()
        self._add(new)
        self._judge_again(again)
        self.next_number += new.height
        self._new += new.height
        self._judged_again += again.height

    def end(self) -> Reading:
        """Settle what the day had and this reading did not find, and count."""
        with self.database.incoming(self._seen.to_frame()):
            ((mine,),) = self.database.rows(
                "SELECT count(*) FROM events JOIN incoming ON events.key = incoming.key WHERE feed = ? AND day = ?",
                [self.feed, self.day],
            )
            rows = self.database.rows(_SELECT_GONE, [self.feed, self.day])
        withdrawn = self._settle_gone(rows)
        total, unwanted = self.by_verdict.total(), self.by_verdict[Filtered.NOT_WANTED.value]
        return Reading(
            day=self.day,
            rows=total,
            new=self._new,
            known=mine - self._new,
            repeated=total - unwanted - mine,
            not_wanted=unwanted,
            judged_again=self._judged_again,
            withdrawn=withdrawn,
        )

    def _known(self, candidates: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The keys that the outbox knows, and all that is known of events whose verdict is still ours to give."""
        with self.database.incoming(candidates.select("key")):
            keys = self.database.rows(
                "SELECT events.key FROM events JOIN incoming ON events.key = incoming.key WHERE feed = ?", [self.feed]
            )
            still_open = self.database.rows(_SELECT_OPEN, [self.feed])
        return (
            pl.DataFrame(keys, schema={"key": pl.String}, orient="row"),
            pl.DataFrame(still_open, schema=_OPEN, orient="row"),
        )

    def _taken(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Of rows and the open events that they are of: those that count from now on."""
        if pairs.is_empty():
            return pairs
        seen = self._seen.to_frame().with_columns(is_seen=pl.lit(value=True))
        pairs = pairs.join(seen, on="key", how="left", maintain_order="left")
        is_first_of_day = (pl.col("known_day") == self.day) & pl.col("is_seen").is_null()
        rivals = pairs.filter(~is_first_of_day)
        taken = pl.concat([pairs.filter(is_first_of_day), rivals.filter(self._ranks_higher(rivals))])
        from_others = taken.filter(pl.col("known_day") != self.day)
        self.moved.update(from_others["known_day"].to_list())
        gone = pl.col("known_reason").eq_missing(Filtered.WITHDRAWN.value)
        self.displaced.update(from_others.filter(~gone)["known_day"].to_list())
        return taken

    def _ranks_higher(self, pairs: pl.DataFrame) -> pl.Series:
        known_rank = _rank("known_state", "known_reason")
        rank = _rank("state", "reason")
        times = [pl.col(name).fill_null(_NO_TIME) for name in ("event_time", "known_time")]
        same = (rank == known_rank) & (times[0] == times[1])
        higher = pairs.select((rank > known_rank) | ((rank == known_rank) & (times[0] > times[1]))).to_series()
        ties = pairs.with_row_index("row").filter(same)
        if ties.is_empty():
            return higher
        waiting = ties.filter(pl.col("known_state") == State.PENDING.value)
        bodies: Mapping[int, str] = {}
        with suppress(OutboxError):  # one that is damaged is written again
            bodies = self.bodies.read(list(waiting.select("number", "known_place").iter_rows()))
        known = pl.DataFrame({"number": list(bodies), "known_body": list(bodies.values())}, schema_overrides=_BODIES)
        ties = ties.join(known, on="number", how="left", maintain_order="left")
        later = ties.filter(_content("body", "reason", "fields", "event_name") > _content(*_KNOWN_CONTENT))
        return higher.scatter(later["row"], values=True) if later.height else higher

    def _add(self, new: pl.DataFrame) -> None:
        if new.height:
            with self.database.incoming(self._placed(new)):
                self.database.change(_ADD, [self.feed, self.day, self.at])

    def _judge_again(self, again: pl.DataFrame) -> None:
        # Most filtered events stay as they are, and writing them would cost more than reading the day.
        changed = pl.any_horizontal(
            pl.col("state") == State.PENDING.value,
            pl.col("known_day") != self.day,
            *(
                pl.col(name).ne_missing(pl.col(known))
                for name, known in (
                    ("state", "known_state"),
                    ("reason", "known_reason"),
                    ("fields", "known_fields"),
                    ("event_name", "known_name"),
                    ("event_time", "known_time"),
                )
            ),
        )
        changes = again.filter(changed) if again.height else again
        if changes.height:
            self.bodies.settled(changes["number"].to_list())
            with self.database.incoming(self._placed(changes)):
                self.database.change(_JUDGE_AGAIN, [self.day, self.at, self.feed])

    def _placed(self, verdicts: pl.DataFrame) -> pl.DataFrame:
        """Without the bodies, which are kept, and with their place."""
        pending = verdicts.filter(pl.col("state") == State.PENDING.value)
        place = self.bodies.keep(pending.select("number", "body")) if pending.height else None
        columns = ("number", "key", "event_name", "event_time", "state", "reason", "fields")
        return verdicts.select(*columns, place=pl.lit(place, dtype=pl.Int64))

    def _settle_gone(self, rows: list[tuple[int, str, str, str | None]]) -> int:
        """Events of the day without a row now: withdrawn; no events at all if they have no id, or nobody wants them."""
        gone = pl.DataFrame(rows, schema=["number", "key", "state", "reason"], schema_overrides=_GONE, orient="row")
        is_none = pl.col("key").str.starts_with(_WITHOUT_ID) | pl.col("key").is_in(self._unwanted.implode())
        none = gone.filter(is_none)
        withdrawn = gone.filter(~is_none & pl.col("reason").ne_missing(Filtered.WITHDRAWN.value))
        for events, statement, values in ((none, _DROP, [self.feed]), (withdrawn, _WITHDRAW, [self.at, self.feed])):
            if events.height:
                self.bodies.settled(events["number"].to_list())
                with self.database.incoming(events.select("number")):
                    self.database.change(statement, values)
        self.dropped = none.height
        return withdrawn.height


_BODIES = {"number": pl.Int64, "known_body": pl.String}
_GONE = {"number": pl.Int64, "key": pl.String, "state": pl.String, "reason": pl.String}
_KNOWN_CONTENT = ("known_body", "known_reason", "known_fields", "known_name")
_RANKS: Mapping[str, int] = {State.PENDING.value: 3, State.DEAD.value: 2, State.FILTERED.value: 1}


def _best(verdicts: pl.DataFrame) -> pl.DataFrame:
    """One row for each key: the one that counts."""
    several = verdicts["key"].is_duplicated()
    if not several.any():
        return verdicts
    ranked = verdicts.filter(several).sort(
        _rank("state", "reason"),
        "event_time",
        _content("body", "reason", "fields", "event_name"),
        descending=True,
        nulls_last=True,
    )
    return pl.concat([verdicts.filter(~several), ranked.unique("key", keep="first", maintain_order=True)])


def _rank(state: str, reason: str) -> pl.Expr:
    ranks = pl.col(state).replace_strict(_RANKS, default=0, return_dtype=pl.Int8)
    return pl.when(pl.col(reason).eq_missing(Filtered.WITHDRAWN.value)).then(pl.lit(0, dtype=pl.Int8)).otherwise(ranks)


def _content(body: str, *others: str) -> pl.Expr:
    """What a row says: its body where it may be sent, else what is said against it."""
    said = pl.concat_str([pl.col(each).fill_null("") for each in others], separator="\n")
    return pl.coalesce(body, said)
