"""Takes over the verdicts of one reading of one day: which row of an id counts, and what the others are.

The rule: a row that nobody wants is no event of its id. Of the others the one counts that ranks highest: one that may
be sent before a dead letter before a filtered one, then the newest by event time, then the one whose content comes last
in alphabetical order. What was sent, or is Spotify's to say, stays as it is. A day's reading replaces what the day
itself said before, and takes an event over from another day only with a row that ranks higher than that day's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from spotify_pipeline.conversions.model import DECIDED_BY_SPOTIFY, VERDICTS, Filtered, State
from spotify_pipeline.conversions.outbox.bodies import Bodies
from spotify_pipeline.conversions.outbox.database import Change, Database, runs
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
    " FROM {incoming} CROSS JOIN event WHERE feed = ? AND event.key = incoming.value"
)
_SELECT_OURS = f"SELECT number, key, state, reason FROM event WHERE feed = ? AND day = ? AND {_IS_OURS}"  # noqa: S608
_WITHDRAW = (
    "UPDATE event SET state = 'filtered', reason = 'withdrawn', fields = NULL, replay = false, settled_at = ?"
    " WHERE feed = ? AND number BETWEEN ? AND ?"
)
_DROP = "DELETE FROM event WHERE feed = ? AND number BETWEEN ? AND ?"
_BEGIN = (
    "INSERT INTO event_day (feed, day, new, repeated, unwanted, forgotten, replay, first_read_at)"
    " VALUES (?, ?, 0, 0, 0, false, false, ?)"
)
_BEGIN_AGAIN = "UPDATE event_day SET read_at = NULL WHERE feed = ? AND day = ?"
_BROUGHT = "UPDATE event_day SET new = new + ? WHERE feed = ? AND day = ?"
_LOST = "UPDATE event_day SET new = new - ?, repeated = repeated + ? WHERE feed = ? AND day = ?"
_END = "UPDATE event_day SET repeated = ?, unwanted = ?, read_at = ?, replay = false WHERE feed = ? AND day = ?"
_SELECT_MARKED = "SELECT number FROM event WHERE feed = ? AND day = ? AND replay"
_UNMARK = "UPDATE event SET replay = false WHERE feed = ? AND number BETWEEN ? AND ?"
ROWS_OF_A_STEP = 65_536
"""Rows of a reading that are taken over at once; nobody else can write to a SQLite file for that long."""
_WITHOUT_ID = "row:"
_NO_TIME = -(2**62)
"""Older than any."""


@dataclass(kw_only=True)
class DayMerge:
    """One reading.

    Attributes:
        day, at: when it was read, as the tables have it.
        next_number: of the next event that is new.
        by_verdict: all rows that were read, by what was said of them: a reason, or `pending`.
    """

    database: Database
    bodies: Bodies
    feed: int
    day: str
    at: str
    next_number: int
    by_verdict: Counter[str] = field(default_factory=Counter[str])
    _new: int = 0
    _judged_again: int = 0
    _withdrawn: int = 0
    _seen: pl.Series = field(default_factory=lambda: pl.Series("key", dtype=pl.String))
    _mine: pl.Series = field(default_factory=lambda: pl.Series("key", dtype=pl.String))
    _unwanted: pl.Series = field(default_factory=lambda: pl.Series("key", dtype=pl.String))

    def steps(self, frames: Iterable[pl.DataFrame], *, is_first: bool) -> Iterator[list[Change]]:
        """What is to be changed, a step at a time: carry each out as a whole before the next is asked for.

        From the first step to the last the day counts as not read (``read_at``), and after each of them its account
        adds up. Where a step is not carried out, the day is read again from the start; it comes out the same.

        Args:
            frames: all rows of the day.
            is_first: the day was never read before.
        """
        of_day = [self.feed, self.day]
        step: list[Change] = [(_BEGIN, [[*of_day, self.at]]) if is_first else (_BEGIN_AGAIN, [of_day])]
        for number, rows in enumerate(rows for frame in frames for rows in frame.iter_slices(ROWS_OF_A_STEP)):
            if number:
                yield step
                step = []
            step += self._taken_over(rows)
        for events in self._gone().iter_slices(ROWS_OF_A_STEP):
            yield step  # blocks of bodies are made of what the step before left in them
            step = self._given_up(events)
        yield [*step, *self._end()]

    def reading(self) -> Reading:
        """What it brought, once all steps were carried out."""
        return Reading(
            day=date.fromisoformat(self.day),
            rows=self.by_verdict.total(),
            new=self._new,
            known=self._mine.len() - self._new,
            repeated=self._repeated,
            not_wanted=self.by_verdict[Filtered.NOT_WANTED.value],
            judged_again=self._judged_again,
            withdrawn=self._withdrawn,
        )

    @property
    def _repeated(self) -> int:
        return self.by_verdict.total() - self.by_verdict[Filtered.NOT_WANTED.value] - self._mine.len()

    def _taken_over(self, rows: pl.DataFrame) -> list[Change]:
        verdicts = rows.select(list(VERDICTS)).with_columns(pl.col("event_time").dt.epoch("us"))
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
        self.next_number += new.height
        self._new += new.height
        self._judged_again += again.height
        return self._written(new, self._changed(again))

    def _known(self, candidates: pl.DataFrame) -> pl.DataFrame:
        """What the outbox knows of these keys; ``is_open``: the verdict is still ours to give."""
        rows = self.database.rows_of(_SELECT_KNOWN, candidates["key"], [self.feed])
        return pl.DataFrame(rows, schema=_KNOWN, orient="row")

    def _taken(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Of rows and the open events that they are of: those that count from now on."""
        if pairs.is_empty():
            return pairs
        seen = self._seen.to_frame().with_columns(is_seen=pl.lit(value=True))
        pairs = pairs.join(seen, on="key", how="left", maintain_order="left")
        is_first_of_day = (pl.col("known_day") == self.day) & pl.col("is_seen").is_null()
        rivals = pairs.filter(~is_first_of_day)
        return pl.concat([pairs.filter(is_first_of_day), rivals.filter(self._ranks_higher(rivals))])

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

    def _changed(self, again: pl.DataFrame) -> pl.DataFrame:
        """Those of which something else is said now. Most filtered events stay as they are, and writing them would cost
        more than reading the day.
        """
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
        return again.filter(changed) if again.height else again

    def _written(self, new: pl.DataFrame, changed: pl.DataFrame) -> list[Change]:
        """Events that are new, and events that are written again, in the place where they were."""
        verdicts = pl.concat([each.select("number", *VERDICTS) for each in (changed, new)])
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
        numbers = changed["number"].to_list()
        from_others = changed.filter(pl.col("known_day") != self.day)
        had_a_row = from_others.filter(pl.col("known_reason").ne_missing(Filtered.WITHDRAWN.value))
        displaced = Counter[str](had_a_row["known_day"])
        moved = Counter[str](from_others["known_day"])
        return [
            (_DROP, [(self.feed, *run) for run in runs(numbers)]),
            self.database.added("event", events),
            *self.bodies.changes(verdicts.filter(is_pending).select("number", "body").iter_rows(), gone=numbers),
            (_BROUGHT, [(new.height + from_others.height, self.feed, self.day)]),
            (_LOST, [(events, displaced[day], self.feed, day) for day, events in sorted(moved.items())]),
        ]

    def _gone(self) -> pl.DataFrame:
        """Events of the day that are not sent, and without a row now."""
        rows = self.database.rows(_SELECT_OURS, [self.feed, self.day])
        ours = pl.DataFrame(rows, schema=_OURS, orient="row")
        is_new = pl.col("reason").ne_missing(Filtered.WITHDRAWN.value) | self._is_none
        return ours.join(self._seen.to_frame(), on="key", how="anti").filter(is_new)

    @property
    def _is_none(self) -> pl.Expr:
        """Without a row it is no event at all, as it has no id, or nobody wants it."""
        return pl.col("key").str.starts_with(_WITHOUT_ID) | pl.col("key").is_in(self._unwanted.implode())

    def _given_up(self, events: pl.DataFrame) -> list[Change]:
        """Withdraw them, or drop what is no event."""
        none, withdrawn = (events.filter(each)["number"].to_list() for each in (self._is_none, ~self._is_none))
        self._withdrawn += len(withdrawn)
        return [
            *self.bodies.changes(gone=[*none, *withdrawn]),
            (_DROP, [(self.feed, *run) for run in runs(none)]),
            (_BROUGHT, [(-len(none), self.feed, self.day)]),
            (_WITHDRAW, [(self.at, self.feed, *run) for run in runs(withdrawn)]),
        ]

    def _end(self) -> list[Change]:
        of_day = [self.feed, self.day]
        # What this reading did not find cannot be replayed, and would have the day read forever.
        marked = [number for (number,) in self.database.rows(_SELECT_MARKED, of_day)]
        # A reading without rows leaves a trace, too.
        said = [("", 0), *sorted(self.by_verdict.items())]
        unwanted = self.by_verdict[Filtered.NOT_WANTED.value]
        return [
            (_UNMARK, [(self.feed, *run) for run in runs(marked)]),
            ("DELETE FROM event_reading WHERE feed = ? AND day = ? AND NOT accepted", [of_day]),
            (
                "INSERT INTO event_reading (feed, day, verdict, rows, accepted) VALUES (?, ?, ?, ?, false)",
                [[*of_day, *counted] for counted in said],
            ),
            (_END, [[self._repeated, unwanted, self.at, *of_day]]),
        ]


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
