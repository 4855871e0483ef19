"""The outbox over a database: what is written. What is only looked at is in ``views``."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby

import polars as pl

from spotify_pipeline.conversions.model import Dead, Filtered, State
from spotify_pipeline.conversions.outbox.merge import DayMerge
from spotify_pipeline.conversions.outbox.model import Claimed, Guarantee, OutboxError, Reading, Settled, Stop
from spotify_pipeline.conversions.outbox.store import Bodies, Database, withheld
from spotify_pipeline.conversions.outbox.views import OutboxViews
from spotify_pipeline.rows import DigestSet

LOOK_AHEAD = 10_000
"""Events that are fetched at once, and, at least once, marked as `sending` at once: a mark costs as much for one."""
_FEW_RUNS = 8
_ROWS_ONLY = {Filtered.NOT_WANTED.value: "unwanted", Filtered.REPEATED.value: "repeated"}
"""Reasons of rows that are no events, and where they are counted."""
_COUNTED = {"verdict": pl.String, "rows": pl.Int64}
_SETTLED = frozenset({State.DELIVERED, State.DEAD, State.FILTERED, State.PENDING})


class StoredOutbox(OutboxViews):
    """The outbox of one feed that this process holds."""

    def __init__(
        self, database: Database, bodies: Bodies, *, feed: int, name: str, guarantee: Guarantee, now: datetime
    ) -> None:
        """``now``: what a dead run left on its way is settled then, if it is."""
        super().__init__(database, bodies, feed=feed, name=name)
        self._guarantee = guarantee
        self._ahead: deque[Claimed] = deque()
        self._claimed: set[int] = set()
        self._recover(now)
        bodies.thin_out(database, wholly=True)

    def record(self, day: date, verdicts: Iterable[pl.DataFrame], *, at: datetime) -> Reading:
        self._put_back()
        when = _utc(at)
        with self._database.transaction():
            before = self._database.rows("SELECT forgotten FROM days WHERE feed = ? AND day = ?", [self._feed, day])
            if before and before[0][0]:
                raise OutboxError(
                    f"{day} of the feed {self._name} is closed: its events were forgotten (`retain` in its YAML), so "
                    "all of them would look new and be sent again. Nothing was recorded; leave that day out."
                )
            ((highest,),) = self._database.rows("SELECT max(number) FROM events WHERE feed = ?", [self._feed])
            merge = DayMerge(
                database=self._database,
                bodies=self._bodies,
                feed=self._feed,
                day=day,
                at=when,
                next_number=(highest or 0) + 1,
            )
            for frame in verdicts:
                with withheld(f"DayMerge {day} of the feed {self._name}"):
                    merge.take(frame)
            with withheld(f"DayMerge {day} of the feed {self._name}"):
                reading = merge.end()
            self._note(merge, reading, is_first=not before)
        return reading

    def claim(self, most: int, most_bytes: int) -> Sequence[Claimed]:
        if len(self._ahead) < most:
            self._look_ahead(most)
        batch: list[Claimed] = []
        size = 0
        while self._ahead and len(batch) < most:
            size += len(self._ahead[0].body.encode())
            if batch and size > most_bytes:
                break
            batch.append(self._ahead.popleft())
        numbers = [each.number for each in batch]
        if self._guarantee is Guarantee.AT_MOST_ONCE and batch:
            self._mark(numbers)
        self._claimed.update(numbers)
        return batch

    def ends(self, most: int) -> Sequence[int]:
        self._put_back()
        ends = self._database.rows(
            "SELECT max(number), min(number) FROM events WHERE feed = ? AND state = 'pending'"
            " GROUP BY day ORDER BY day DESC",
            [self._feed],
        )
        return list(dict.fromkeys([*(last for last, _ in ends), *(first for _, first in ends)]))[:most]

    def claim_these(self, numbers: Sequence[int]) -> Sequence[Claimed]:
        self._put_back()
        found = self._with_bodies(
            self._database.rows(
                "SELECT number, day, key, place FROM events WHERE feed = ? AND state = 'pending' AND number IN"
                " (SELECT unnest(CAST(? AS bigint[]))) ORDER BY day, number",
                [self._feed, list(numbers)],
            )
        )
        self._mark(numbers)
        self._claimed.update(numbers)
        return found

    def settle(self, outcomes: Mapping[int, Settled], *, at: datetime) -> None:
        if not outcomes.keys() <= self._claimed or any(each.state not in _SETTLED for each in outcomes.values()):
            raise OutboxError(f"An event of the feed {self._name} that is not on its way cannot be settled.")
        ordered = sorted(outcomes, key=lambda number: (outcomes[number].state, outcomes[number].reason or "", number))
        with self._database.transaction():
            for settled, numbers in groupby(ordered, key=outcomes.__getitem__):
                self._settle(settled, list(numbers), _utc(at))
        self._claimed.difference_update(outcomes)
        if any(each.state is State.PENDING for each in outcomes.values()):
            self._put_back()  # they come before what was fetched ahead of them

    def stop(self, stop: Stop) -> None:
        with self._database.transaction():
            self._database.change("DELETE FROM stops WHERE feed = ?", [self._feed])
            values = [self._feed, _utc(stop.at), stop.answer, stop.known]
            self._database.change("INSERT INTO stops VALUES (?, ?, ?, ?)", values)

    def resume(self) -> bool:
        with self._database.transaction():
            return self._database.change("DELETE FROM stops WHERE feed = ?", [self._feed]) > 0

    def replay(self, day: date | None = None, reason: str | None = None) -> Mapping[date, int]:
        of_days, values = "feed = ? AND day BETWEEN ? AND ?", [self._feed, day or date.min, day or date.max]
        where, more = f"{of_days} AND state = 'dead'", list[object]()
        if reason is not None:
            where, more = f"{of_days} AND state IN ('dead', 'filtered') AND reason = ?", [reason]
        counts: Counter[date] = Counter()
        with self._database.transaction():
            counts.update(
                dict(
                    self._database.rows(
                        f"SELECT day, count(*) FROM events WHERE {where} GROUP BY day",  # noqa: S608
                        [*values, *more],
                    )
                )
            )
            self._database.change(f"UPDATE events SET replay = true WHERE {where}", [*values, *more])  # noqa: S608
            if column := _ROWS_ONLY.get(reason or ""):
                rows = f"{of_days} AND {column} > 0 AND NOT forgotten"
                counts.update(dict(self._database.rows(f"SELECT day, {column} FROM days WHERE {rows}", values)))  # noqa: S608
                self._database.change(f"UPDATE days SET replay = true WHERE {rows}", values)  # noqa: S608
        return dict(sorted(counts.items()))

    def accept(self, days: Sequence[date]) -> None:
        with self._database.transaction():
            for day in days:
                of_day = [self._feed, day]
                self._database.change("DELETE FROM readings WHERE feed = ? AND day = ? AND accepted", of_day)
                self._database.change(
                    "INSERT INTO readings (feed, day, verdict, rows, accepted)"
                    " SELECT feed, day, verdict, rows, true FROM readings WHERE feed = ? AND day = ?",
                    of_day,
                )

    def forget_before(self, day: date) -> int:
        with self._database.transaction():
            open_days = set(self.pending_days())
            old = self._database.rows(
                "SELECT day FROM days WHERE feed = ? AND day < ? AND NOT forgotten ORDER BY day", [self._feed, day]
            )
            return sum(self._forget(each) for (each,) in old if each not in open_days)

    def erase(self, digests: DigestSet, *, at: datetime) -> int:
        self._put_back()
        found = [frame["number"].filter(digests.holds(frame["hashed"])) for frame in self.waiting_people()]
        numbers = sorted({number for each in found for number in each})
        with self._database.transaction():
            values = [State.FILTERED.value, Filtered.ERASED.value, _utc(at)]
            self._change("state = ?, reason = ?, settled_at = ?, place = NULL", values, numbers, was=State.PENDING)
            self._bodies.settled(numbers)
        self._bodies.thin_out(self._database, wholly=True)
        return len(numbers)

    def let_go(self, now: datetime) -> None:
        """End the holding: what was claimed and not settled is pending again, or, at most once, unconfirmed."""
        self._put_back()
        self._recover(now)
        self._bodies.thin_out(self._database, wholly=True)

    def _forget(self, day: date) -> int:
        of_day = [self._feed, day]
        self._database.change(
            "INSERT INTO totals (feed, day, state, reason, events)"
            " SELECT feed, day, state, reason, count(*) FROM events WHERE feed = ? AND day = ?"
            " GROUP BY feed, day, state, reason",
            of_day,
        )
        self._database.change("UPDATE days SET forgotten = true WHERE feed = ? AND day = ?", of_day)
        return self._database.change("DELETE FROM events WHERE feed = ? AND day = ?", of_day)

    def _note(self, merge: DayMerge, reading: Reading, *, is_first: bool) -> None:
        of_day = [self._feed, reading.day]
        if is_first:
            self._database.change(
                "INSERT INTO days (feed, day, new, repeated, unwanted, forgotten, replay, first_read_at)"
                " VALUES (?, ?, 0, 0, 0, false, false, ?)",
                [*of_day, merge.at],
            )
        brought = reading.new + merge.moved.total() - merge.dropped
        self._database.change(
            "UPDATE days SET new = new + ?, repeated = ?, unwanted = ?, read_at = ?, replay = false"
            " WHERE feed = ? AND day = ?",
            [brought, reading.repeated, reading.not_wanted, merge.at, *of_day],
        )
        for day, events in merge.moved.items():
            self._database.change(
                "UPDATE days SET new = new - ?, repeated = repeated + ? WHERE feed = ? AND day = ?",
                [events, merge.displaced[day], self._feed, day],
            )
        # What this reading did not find cannot be replayed, and would have the day read forever.
        self._database.change("UPDATE events SET replay = false WHERE feed = ? AND day = ? AND replay", of_day)
        self._database.change("DELETE FROM readings WHERE feed = ? AND day = ? AND NOT accepted", of_day)
        # A reading without rows leaves a trace, too.
        counted = [("", 0), *sorted(merge.by_verdict.items())]
        with self._database.incoming(pl.DataFrame(counted, schema=_COUNTED, orient="row")):
            self._database.change(
                "INSERT INTO readings (feed, day, verdict, rows, accepted)"
                " SELECT ?, ?, verdict, rows, false FROM incoming",
                of_day,
            )

    def _look_ahead(self, most: int) -> None:
        self._put_back()
        self._bodies.thin_out(self._database, wholly=False)
        rows = self._database.rows(
            "SELECT number, day, key, place FROM events WHERE feed = ? AND state = 'pending'"
            " ORDER BY day, number LIMIT ?",
            [self._feed, max(most, LOOK_AHEAD)],
        )
        fetched = self._with_bodies(rows)
        if self._guarantee is Guarantee.AT_LEAST_ONCE and rows:
            self._mark([each.number for each in fetched])
        self._ahead.extend(fetched)

    def _with_bodies(self, rows: Sequence[tuple[int, date, str, int]]) -> list[Claimed]:
        """Events (number, day, key and place, oldest first) with their bodies."""
        with withheld(f"Reading the events of the feed {self._name}"):
            bodies = self._bodies.read([(number, place) for number, _, _, place in rows])
        lost = sum(number not in bodies for number, *_ in rows)
        if lost:
            raise OutboxError(
                f"The bodies of {lost} pending events of the feed {self._name} are gone from its outbox. Materialize "
                f"its days since {rows[0][1]} again: that writes them again. Nothing of them was sent."
            )
        return [Claimed(number=number, day=day, event_id=key, body=bodies[number]) for number, day, key, _ in rows]

    def _mark(self, numbers: Sequence[int]) -> None:
        with self._database.transaction():
            self._database.change(
                "UPDATE feeds SET guarantee = ? WHERE feed = ? AND guarantee <> ?",
                [self._guarantee.value, self._feed, self._guarantee.value],
            )
            self._change("state = 'sending'", [], numbers, was=State.PENDING)

    def _put_back(self) -> None:
        """What was fetched and not claimed by anybody is pending, whatever the guarantee."""
        numbers = [each.number for each in self._ahead]
        self._ahead.clear()
        if numbers and self._guarantee is Guarantee.AT_LEAST_ONCE:
            with self._database.transaction():
                self._change("state = 'pending'", [], numbers, was=State.SENDING)

    def _recover(self, now: datetime) -> None:
        """Settle what is on its way although nobody sends it: at most once if either run wants it so."""
        self._claimed.clear()
        ((claimed_as,),) = self._database.rows("SELECT guarantee FROM feeds WHERE feed = ?", [self._feed])
        with self._database.transaction():
            if Guarantee.AT_MOST_ONCE in (claimed_as, self._guarantee):
                lost = self._database.rows(
                    "SELECT number FROM events WHERE feed = ? AND state = 'sending' ORDER BY number", [self._feed]
                )
                if lost:
                    unconfirmed = Settled(state=State.DEAD, reason=Dead.UNCONFIRMED.value)
                    self._settle(unconfirmed, [number for (number,) in lost], _utc(now))
            else:
                self._database.change(
                    "UPDATE events SET state = 'pending' WHERE feed = ? AND state = 'sending'", [self._feed]
                )

    def _settle(self, settled: Settled, numbers: Sequence[int], at: datetime) -> None:
        if settled.state is State.PENDING:
            self._change("state = 'pending'", [], numbers, was=State.SENDING)
            return
        what = [settled.state.value, at]
        if settled.reason is None:
            self._change("state = ?, settled_at = ?", what, numbers, was=State.SENDING)
        else:
            self._change("state = ?, settled_at = ?, reason = ?", [*what, settled.reason], numbers, was=State.SENDING)
        self._bodies.settled(numbers)

    def _change(self, setting: str, values: Sequence[object], numbers: Sequence[int], *, was: State) -> None:
        """Change these events, given in any order, all of which must be in that state."""
        runs = _runs(sorted(numbers))
        statement = f"UPDATE events SET {setting} WHERE feed = ? AND state = ? AND number BETWEEN ? AND ?"  # noqa: S608
        if len(runs) <= _FEW_RUNS:
            changed = sum(self._database.change(statement, [*values, self._feed, was.value, *run]) for run in runs)
        else:
            statement += " AND number IN (SELECT unnest(CAST(? AS bigint[])))"
            ends = (runs[0][0], runs[-1][1])
            changed = self._database.change(statement, [*values, self._feed, was.value, *ends, list(numbers)])
        if changed != len(numbers):
            raise OutboxError(
                f"{len(numbers) - changed} events of the feed {self._name} are not {was.value} any more: something "
                "else changed its outbox. Nothing of this step was kept; run again."
            )


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each run of ascending numbers without a gap."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
