"""Takes over the verdicts of one reading of one day: which row of an id counts, and what the others are.

The rule: a row that nobody wants is no event of its id. Of the others the one counts that ranks highest: one that may
be sent before a dead letter before a filtered one, then the newest by event time, then the one whose content comes last
in alphabetical order. What was sent, or is Spotify's to say, stays as it is. A day's reading replaces what the day
itself said before, and takes an event over from another day only with a row that ranks higher than that day's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from spotify_pipeline.conversions.model import DECIDED_BY_SPOTIFY, VERDICTS, Filtered, State
from spotify_pipeline.conversions.outbox.bodies import Bodies
from spotify_pipeline.conversions.outbox.database import Database, runs
from spotify_pipeline.conversions.outbox.model import Reading

_KNOWN = {
    "key": pl.String,
    "number": pl.Int64,
    "known_day": pl.String,
    "known_state": pl.String,
    "known_reason": pl.String,
    "known_fields": pl.String,
    "known_name": pl.String,
    "known_time": pl.Int64,
    "is_open": pl.Int8,
}
_BY_SPOTIFY = ", ".join(f"'{each}'" for each in sorted(DECIDED_BY_SPOTIFY))
_IS_OURS = f"(state IN ('pending', 'filtered') OR state = 'dead' AND reason NOT IN ({_BY_SPOTIFY}))"
"""What was not sent yet, so that its verdict is ours to give."""
_SELECT_KNOWN = (
    "SELECT event.key, number, day, state, reason, fields, event_name, event_time,"  # noqa: S608
    f" CASE WHEN {_IS_OURS} OR state = 'dead' AND replay THEN 1 ELSE 0 END"
    " FROM incoming CROSS JOIN event WHERE feed = ? AND event.key = incoming.key"
)
_SELECT_OURS = f"SELECT number, key, state, reason FROM event WHERE feed = ? AND day = ? AND {_IS_OURS}"  # noqa: S608
_WITHDRAW = (
    "UPDATE event SET state = 'filtered', reason = 'withdrawn', fields = NULL, replay = false, settled_at = ?"
    " WHERE feed = ? AND number BETWEEN ? AND ?"
)
_DROP = "DELETE FROM event WHERE feed = ? AND number BETWEEN ? AND ?"
_WITHOUT_ID = "row:"
_NO_TIME = -(2**62)
"""Older than any."""


@dataclass(kw_only=True)
class DayMerge:
    """One reading, a frame at a time, within a transaction.

    Attributes:
        day, at: when it was read, as the tables have it.
        next_number: of the next event that is new.
        by_verdict: all rows that were read, by what was said of them: a reason, or `pending`.
        moved: events that other days had before, by day; and those of them whose rows are still there.
        dropped: events of the day that no longer are.
    """

    database: Database
    bodies: Bodies
    feed: int
    day: str
    at: str
    next_number: int
    by_verdict: Counter[str] = field(default_factory=Counter[str])
    moved: Counter[str] = field(default_factory=Counter[str])
    displaced: Counter[str] = field(default_factory=Counter[str])
    dropped: int = 0
    _new: int = 0
    _judged_again: int = 0
    _seen: pl.Series = field(default_factory=lambda: pl.Series("key", dtype=pl.String))
    _mine: pl.Series = field(default_factory=lambda: pl.Series("key", dtype=pl.String))
    _unwanted: pl.Series = field(default_factory=lambda: pl.Series("key", dtype=pl.String))

    def take(self, frame: pl.DataFrame) -> None:
        verdicts = frame.select(list(VERDICTS)).with_columns(pl.col("event_time").dt.epoch("us"))
        counted = verdicts.select(pl.coalesce("reason", "state").value_counts()).unnest("reason")
        self.by_verdict.update(dict(counted.iter_rows()))
        is_unwanted = pl.col("reason").eq_missing(Filtered.NOT_WANTED.value)
        self._unwanted = pl.concat([self._unwanted, verdicts.filter(is_unwanted)["key"]]).unique()
        candidates = _best(verdicts.filter(~is_unwanted))
        known = self._known(candidates)
        new = candidates.join(known, on="key", how="anti", maintain_order="left")
        new = new.with_columns(number=pl.int_range(self.next_number, self.next_number + new.height, dtype=pl.Int64))
        still_open = known.filter(pl.col("is_open") == 1)
        again = self._taken(candidates.join(still_open, on="key", maintain_order="left"))
        mine = known.filter(pl.col("known_day") == self.day)
        self._mine = pl.concat([self._mine, mine["key"], new["key"], again["key"]]).unique()
        self._seen = pl.concat([self._seen, candidates["key"]]).unique()
        self._add(new)
        self._judge_again(again)
        self.next_number += new.height
        self._new += new.height
        self._judged_again += again.height

    def end(self) -> Reading:
        """Settle what the day had and this reading did not find, and count."""
        mine = self._mine.len()
        rows = self.database.rows(_SELECT_OURS, [self.feed, self.day])
        withdrawn = self._settle_gone(rows)
        total, unwanted = self.by_verdict.total(), self.by_verdict[Filtered.NOT_WANTED.value]
        return Reading(
            day=date.fromisoformat(self.day),
            rows=total,
            new=self._new,
            known=mine - self._new,
            repeated=total - unwanted - mine,
            not_wanted=unwanted,
            judged_again=self._judged_again,
            withdrawn=withdrawn,
        )

    def _known(self, candidates: pl.DataFrame) -> pl.DataFrame:
        """What the outbox knows of these keys; ``is_open``: the verdict is still ours to give."""
        with self.database.incoming(candidates["key"]):
            return pl.DataFrame(self.database.rows(_SELECT_KNOWN, [self.feed]), schema=_KNOWN, orient="row")

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
        bodies = self.bodies.read(waiting["number"].to_list())
        known = pl.DataFrame({"number": list(bodies), "known_body": list(bodies.values())}, schema_overrides=_BODIES)
        ties = ties.join(known, on="number", how="left", maintain_order="left")
        later = ties.filter(_content("body", "reason", "fields", "event_name") > _content(*_KNOWN_CONTENT))
        return higher.scatter(later["row"], values=True) if later.height else higher

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
        self.bodies.drop(changes["number"].to_list())
        self.database.change(_DROP, *((self.feed, *run) for run in runs(changes["number"].to_list())))
        self._add(changes)

    def _add(self, verdicts: pl.DataFrame) -> None:
        is_pending = pl.col("state") == State.PENDING.value
        events = verdicts.select(
            "number",
            "key",
            "event_name",
            "event_time",
            "state",
            "reason",
            "fields",
            feed=pl.lit(self.feed, dtype=pl.Int64),
            day=pl.lit(self.day),
            replay=pl.lit(value=False),
            settled_at=pl.when(~is_pending).then(pl.lit(self.at)),
        )
        self.database.append("event", events)
        self.bodies.keep(verdicts.filter(is_pending).select("number", "body").iter_rows())

    def _settle_gone(self, rows: list[tuple[int, str, str, str | None]]) -> int:
        """Events of the day without a row now: withdrawn; no events at all if they have no id, or nobody wants them."""
        ours = pl.DataFrame(rows, schema=_OURS, orient="row")
        gone = ours.join(self._seen.to_frame(), on="key", how="anti")
        is_none = pl.col("key").str.starts_with(_WITHOUT_ID) | pl.col("key").is_in(self._unwanted.implode())
        none = gone.filter(is_none)
        withdrawn = gone.filter(~is_none & pl.col("reason").ne_missing(Filtered.WITHDRAWN.value))
        for events, statement, values in ((none, _DROP, [self.feed]), (withdrawn, _WITHDRAW, [self.at, self.feed])):
            numbers = events["number"].to_list()
            self.bodies.drop(numbers)
            self.database.change(statement, *((*values, *run) for run in runs(numbers)))
        self.dropped = none.height
        return withdrawn.height


_BODIES = {"number": pl.Int64, "known_body": pl.String}
_OURS = {"number": pl.Int64, "key": pl.String, "state": pl.String, "reason": pl.String}
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
