"""The outbox over a database: what is written. What is only looked at is in ``views``."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter

import polars as pl

from spotify_pipeline.conversions.model import Dead, Filtered, State
from spotify_pipeline.conversions.outbox.bodies import Bodies
from spotify_pipeline.conversions.outbox.database import Change, Database, runs
from spotify_pipeline.conversions.outbox.merge import DayMerge
from spotify_pipeline.conversions.outbox.model import Claimed, Guarantee, OutboxError, Reading, Settled, Stop, withheld
from spotify_pipeline.conversions.outbox.spool import spooled
from spotify_pipeline.conversions.outbox.views import OutboxViews, text_of
from spotify_pipeline.rows import DigestSet

LOOK_AHEAD = 10_000
"""Events that are fetched at once, and, at least once, marked as `sending` at once: a mark costs as much for one."""
_ROWS_ONLY = {Filtered.NOT_WANTED.value: "unwanted", Filtered.REPEATED.value: "repeated"}
"""Reasons of rows that are no events, and where they are counted."""
_IS_READ = "day NOT IN (SELECT day FROM event_day WHERE feed = ? AND read_at IS NULL)"
"""Of a day whose reading was broken off nothing is sent until it was read to its end."""
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

    def record(self, day: date, verdicts: Iterable[pl.DataFrame], *, at: datetime) -> Reading:
        self._put_back()
        of_day = [self._feed, f"{day}"]
        before = self._database.rows("SELECT forgotten FROM event_day WHERE feed = ? AND day = ?", of_day)
        if before and before[0][0]:
            raise OutboxError(
                f"{day} of the feed {self._name} is closed: its events were forgotten (`retain` in its YAML), so all "
                "of them would look new and be sent again. Nothing was recorded; leave that day out."
            )
        ((highest,),) = self._database.rows("SELECT max(number) FROM event WHERE feed = ?", [self._feed])
        merge = DayMerge(
            database=self._database,
            bodies=self._bodies,
            feed=self._feed,
            day=f"{day}",
            at=text_of(at),
            next_number=(highest or 0) + 1,
        )
        # Nobody else can write to a SQLite file while a step is carried out, so the warehouse is read before, and what
        # a step writes is made before it.
        recording = f"Recording {day} of the feed {self._name}"
        with spooled(verdicts) as frames, withheld(recording):
            steps = merge.steps(frames, is_first=not before)
            while step := self._next(steps):
                self._database.carry_out(step)
        return merge.reading()

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
            f"SELECT max(number), min(number) FROM event WHERE feed = ? AND state = 'pending' AND {_IS_READ}"  # noqa: S608
            " GROUP BY day ORDER BY day DESC",
            [self._feed, self._feed],
        )
        return list(dict.fromkeys([*(last for last, _ in ends), *(first for _, first in ends)]))[:most]

    def claim_these(self, numbers: Sequence[int]) -> Sequence[Claimed]:
        self._put_back()
        statement = "SELECT number, day, key FROM event WHERE feed = ? AND state = 'pending' AND number BETWEEN ? AND ?"
        rows = [row for run in runs(numbers) for row in self._database.rows(statement, [self._feed, *run])]
        found = self._with_bodies(sorted(rows, key=itemgetter(1, 0)))
        self._mark(numbers)
        self._claimed.update(numbers)
        return found

    def settle(self, outcomes: Mapping[int, Settled], *, at: datetime) -> None:
        if not outcomes.keys() <= self._claimed or any(each.state not in _SETTLED for each in outcomes.values()):
            raise OutboxError(f"An event of the feed {self._name} that is not on its way cannot be settled.")
        ordered = sorted(outcomes, key=lambda number: (outcomes[number].state, outcomes[number].reason or "", number))
        with self._database.transaction():
            for settled, numbers in groupby(ordered, key=outcomes.__getitem__):
                self._settle(settled, list(numbers), text_of(at))
        self._claimed.difference_update(outcomes)
        if any(each.state is State.PENDING for each in outcomes.values()):
            self._put_back()  # they come before what was fetched ahead of them

    def stop(self, stop: Stop) -> None:
        with self._database.transaction():
            self._database.change("UPDATE feed SET stop = ? WHERE feed = ?", [stop.to_text(), self._feed])

    def resume(self) -> bool:
        with self._database.transaction():
            return (
                self._database.change("UPDATE feed SET stop = NULL WHERE feed = ? AND stop IS NOT NULL", [self._feed])
                > 0
            )

    def replay(self, day: date | None = None, reason: str | None = None) -> Mapping[date, int]:
        of_days, values = "feed = ? AND day BETWEEN ? AND ?", [self._feed, f"{day or date.min}", f"{day or date.max}"]
        where, more = f"{of_days} AND state = 'dead'", list[object]()
        if reason is not None:
            where, more = f"{of_days} AND state IN ('dead', 'filtered') AND reason = ?", [reason]
        counts: Counter[str] = Counter()
        with self._database.transaction():
            of_each_day = f"SELECT day, count(*) FROM event WHERE {where} GROUP BY day"  # noqa: S608
            counts.update(dict(self._database.rows(of_each_day, [*values, *more])))
            self._database.change(f"UPDATE event SET replay = true WHERE {where}", [*values, *more])  # noqa: S608
            if column := _ROWS_ONLY.get(reason or ""):
                rows = f"{of_days} AND {column} > 0 AND NOT forgotten"
                counts.update(dict(self._database.rows(f"SELECT day, {column} FROM event_day WHERE {rows}", values)))  # noqa: S608
                self._database.change(f"UPDATE event_day SET replay = true WHERE {rows}", values)  # noqa: S608
        return {date.fromisoformat(each): counts[each] for each in sorted(counts)}

    def accept(self, days: Sequence[date]) -> None:
        of_days = [(self._feed, f"{day}") for day in days]
        with self._database.transaction():
            self._database.change("DELETE FROM event_reading WHERE feed = ? AND day = ? AND accepted", *of_days)
            self._database.change(
                "INSERT INTO event_reading (feed, day, verdict, rows, accepted)"
                " SELECT feed, day, verdict, rows, true FROM event_reading WHERE feed = ? AND day = ?",
                *of_days,
            )

    def forget_before(self, day: date) -> int:
        with self._database.transaction():
            open_days = set(self.pending_days())
            statement = "SELECT day FROM event_day WHERE feed = ? AND day < ? AND NOT forgotten ORDER BY day"
            old = [each for (each,) in self._database.rows(statement, [self._feed, f"{day}"])]
            return sum(self._forget(each) for each in old if date.fromisoformat(each) not in open_days)

    def erase(self, digests: DigestSet, *, at: datetime) -> int:
        self._put_back()
        found = [frame["number"].filter(digests.holds(frame["hashed"])) for frame in self.waiting_people()]
        numbers = sorted({number for each in found for number in each})
        with self._database.transaction():
            values = [State.FILTERED.value, Filtered.ERASED.value, text_of(at)]
            self._change("state = ?, reason = ?, settled_at = ?", values, numbers, was=State.PENDING)
            self._bodies.drop(numbers)
        return len(numbers)

    def let_go(self, now: datetime) -> None:
        """End the holding: what was claimed and not settled is pending again, or, at most once, unconfirmed."""
        self._put_back()
        self._recover(now)

    def _forget(self, day: str) -> int:
        of_day = [self._feed, day]
        self._database.change(
            "INSERT INTO event_total (feed, day, state, reason, events)"
            " SELECT feed, day, state, COALESCE(reason, ''), count(*) FROM event WHERE feed = ? AND day = ?"
            " GROUP BY feed, day, state, reason",
            of_day,
        )
        self._database.change("UPDATE event_day SET forgotten = true WHERE feed = ? AND day = ?", of_day)
        return self._database.change("DELETE FROM event WHERE feed = ? AND day = ?", of_day)

    def _next(self, steps: Iterator[list[Change]]) -> list[Change] | None:
        with self._database.moment():
            return next(steps, None)

    def _look_ahead(self, most: int) -> None:
        self._put_back()
        rows = self._database.rows(
            f"SELECT number, day, key FROM event WHERE feed = ? AND state = 'pending' AND {_IS_READ}"  # noqa: S608
            " ORDER BY day, number LIMIT ?",
            [self._feed, self._feed, max(most, LOOK_AHEAD)],
        )
        fetched = self._with_bodies(rows)
        if self._guarantee is Guarantee.AT_LEAST_ONCE and rows:
            self._mark([each.number for each in fetched])
        self._ahead.extend(fetched)

    def _with_bodies(self, rows: Sequence[tuple[int, str, str]]) -> list[Claimed]:
        """Events (number, day and key, oldest first) with their bodies."""
        bodies = self._bodies.read([number for number, _, _ in rows])
        lost = sum(number not in bodies for number, *_ in rows)
        if lost:
            raise OutboxError(
                f"The bodies of {lost} pending events of the feed {self._name} are gone from its outbox. Materialize "
                f"its days since {rows[0][1]} again: that writes them again. Nothing of them was sent."
            )
        return [
            Claimed(number=number, day=date.fromisoformat(day), event_id=key, body=bodies[number])
            for number, day, key in rows
        ]

    def _mark(self, numbers: Sequence[int]) -> None:
        with self._database.transaction():
            self._database.change(
                "UPDATE feed SET guarantee = ? WHERE feed = ? AND guarantee <> ?",
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
        ((claimed_as,),) = self._database.rows("SELECT guarantee FROM feed WHERE feed = ?", [self._feed])
        with self._database.transaction():
            if Guarantee.AT_MOST_ONCE in (claimed_as, self._guarantee):
                lost = self._database.rows(
                    "SELECT number FROM event WHERE feed = ? AND state = 'sending'", [self._feed]
                )
                if lost:
                    unconfirmed = Settled(state=State.DEAD, reason=Dead.UNCONFIRMED.value)
                    self._settle(unconfirmed, [number for (number,) in lost], text_of(now))
            else:
                self._database.change(
                    "UPDATE event SET state = 'pending' WHERE feed = ? AND state = 'sending'", [self._feed]
                )

    def _settle(self, settled: Settled, numbers: Sequence[int], at: str) -> None:
        if settled.state is State.PENDING:
            self._change("state = 'pending'", [], numbers, was=State.SENDING)
            return
        what = [settled.state.value, at]
        if settled.reason is None:
            self._change("state = ?, settled_at = ?", what, numbers, was=State.SENDING)
        else:
            self._change("state = ?, settled_at = ?, reason = ?", [*what, settled.reason], numbers, was=State.SENDING)
        self._bodies.drop(numbers)

    def _change(self, setting: str, values: Sequence[object], numbers: Sequence[int], *, was: State) -> None:
        """Change these events, given in any order, all of which must be in that state."""
        statement = f"UPDATE event SET {setting} WHERE feed = ? AND state = ? AND number BETWEEN ? AND ?"  # noqa: S608
        changed = self._database.change(statement, *([*values, self._feed, was.value, *run] for run in runs(numbers)))
        if changed != len(numbers):
            raise OutboxError(
                f"{len(numbers) - changed} events of the feed {self._name} are not {was.value} any more: something "
                "else changed its outbox. Nothing of this step was kept; run again."
            )
