"""Random rows, readings, answers, crashes and replays: is the outbox after each step what the slow reference says?

python -m spotify_pipeline_tests.conversions.stress.event_sequences [--sequences 10000] [--first 0]

A sequence is made of its number alone: a feed with one of the two guarantees, a few ids that are shared within and
across three days, rows whose verdict changes between readings, a Spotify that accepts, refuses, loses answers or takes
a part, processes that die between any two requests. After each step all that can be seen of the outbox is compared. A
sequence that goes wrong is shortened before it is shown. Another store is put under it with a ``Store`` of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

from spotify_pipeline.conversions.delivery.deliver import DeliveryPlan, FeedRefused, deliver
from spotify_pipeline.conversions.model.verdict import State
from spotify_pipeline.conversions.outbox.model import Guarantee, Outbox, OutboxError, Settled
from spotify_pipeline.retries import DELIVERY, OUTBOX_HELD
from spotify_pipeline.spotify import InvalidRequest, PermissionDenied, SpotifyError, SpotifyUnavailable
from spotify_pipeline.state import StateOvertaken, new_key
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.conversions.outbox_making import MONDAY, NOON, Place, state_at, verdicts
from spotify_pipeline_tests.conversions.stress.event_reference import REASONS, Reference, Row

DAYS = [MONDAY + timedelta(days=each) for each in range(3)]
KEYS = [f"order-{each}" for each in range(7)]
ANSWERS = ("ok", "lost", "never", "unreached", "401", "in part", "killed before", "killed after")
REPLAYED = (None, "refused", "withdrawn", "repeated", *REASONS)
MUCH = 1_000_000
KEY = new_key()
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Killed(BaseException):
    """The process ends here."""


class Store(Protocol):
    """Where the outbox of a sequence is kept."""

    def open(self, guarantee: Guarantee) -> Outbox:
        """The outbox, held. It is the first time, or it was let go of or the process that held it died."""
        ...

    def let_go(self) -> None:
        """End the holding as a run does that ends well."""
        ...

    def crash(self) -> None:
        """End the holding as SIGKILL does: nothing is written any more."""
        ...

    def end(self) -> None:
        """Nothing is left of the outbox."""
        ...


class FileStore:
    """A SQLite file in a home of its own."""

    def __init__(self) -> None:
        self._home = _new_home()
        self._holding = ExitStack()

    def open(self, guarantee: Guarantee) -> Outbox:
        return self._holding.enter_context(Place.in_home(self._home).open(guarantee=guarantee))

    def let_go(self) -> None:
        self._holding.close()

    def crash(self) -> None:
        # The files as they are now are all that the next process finds.
        left = _new_home()
        shutil.copytree(self._home, left, dirs_exist_ok=True)
        self._holding.close()
        shutil.rmtree(self._home)
        self._home = left

    def end(self) -> None:
        self._holding.close()
        kept = Place.in_home(self._home).bodies()
        shutil.rmtree(self._home)
        assert not kept, "bodies are kept that nobody sends"


class PostgresStore:
    """A feed of its own in a PostgreSQL."""

    def __init__(self, url: str, feed: str) -> None:
        self._url = url
        self._feed = feed
        self._home = _new_home()
        self._state = state_at(self._home, url, KEY)
        self._state.create()
        self._holding = ExitStack()

    def open(self, guarantee: Guarantee) -> Outbox:
        return self._holding.enter_context(Place(self._state).open(self._feed, guarantee=guarantee))

    def let_go(self) -> None:
        self._holding.close()

    def crash(self) -> None:
        postgres_server.end_sessions(self._url)
        # Whoever comes next overtakes it, so that it writes nothing at its end.
        with self._state.lease(f"feed {self._feed}", OUTBOX_HELD, busy=OutboxError("held"), within=0.0):
            pass
        with suppress(StateOvertaken):
            self._holding.close()

    def end(self) -> None:
        self._holding.close()
        shutil.rmtree(self._home)


def _new_home() -> Path:
    return Path(tempfile.mkdtemp(prefix="outbox", dir=IN_MEMORY))


@dataclass
class Requests:
    """A Spotify, and what it saw of one delivery.

    Attributes:
        poison: ids for which it refuses a request.
        answers: what becomes of each request; of those beyond them: ok.
        taken: how often each id was taken, ever.
        expected: the body of each event that may be sent.
        accepted, unanswered, refused_alone: ids.
        dead: the process that sends is dead.
    """

    poison: frozenset[str]
    answers: Sequence[str]
    taken: Counter[str]
    expected: Mapping[str, str]
    count: int = 0
    accepted: set[str] = field(default_factory=set[str])
    unanswered: set[str] = field(default_factory=set[str])
    refused_alone: set[str] = field(default_factory=set[str])
    dead: bool = False

    def send(self, bodies: Sequence[str]) -> None:
        ids = [str(json.loads(each)["event_id"]) for each in bodies]
        assert ids, "a request without events"
        for key, body in zip(ids, bodies, strict=True):
            assert self.expected.get(key) == body, f"{key} was sent with {body}, and not {self.expected.get(key)}"
        answer = self.answers[self.count] if self.count < len(self.answers) else "ok"
        self.count += 1
        if answer == "401":
            raise PermissionDenied("No.")
        if answer == "unreached":
            raise SpotifyUnavailable("No connection.")
        if answer.startswith("killed"):
            self.unanswered.update(ids)
            self.dead = True
            if answer == "killed after":
                self.taken.update(ids)
            raise Killed
        if answer in ("lost", "never", "in part"):
            self.unanswered.update(ids)
            part = {"lost": ids, "never": [], "in part": ids[::2]}[answer]
            self.taken.update(part)
            if answer == "in part":
                raise InvalidRequest("One of them.", status=400, may_have_happened=True)
            raise SpotifyUnavailable("No answer came.", may_have_happened=True)
        if self.poison.intersection(ids):
            self.refused_alone.update(ids if len(ids) == 1 else ())
            raise InvalidRequest("One of them.", status=400)
        self.taken.update(ids)
        self.accepted.update(ids)


class Process:
    """What a process that may die does to an outbox: nothing any more, once it is dead."""

    def __init__(self, outbox: Outbox, requests: Requests) -> None:
        self._outbox = outbox
        self._requests = requests

    def __getattr__(self, name: str) -> Any:
        if self._requests.dead:
            raise Killed
        return getattr(self._outbox, name)


@dataclass
class FeedUnderWay:
    """One feed under way."""

    store: Store
    guarantee: Guarantee
    rows: dict[date, list[Row]]
    poison: frozenset[str]
    reference: Reference = field(default_factory=Reference)
    taken: Counter[str] = field(default_factory=Counter[str])
    asked: set[str] = field(default_factory=set[str])
    """Ids that Spotify may have without the outbox knowing: no answer came, or nobody lived to note it."""

    def __post_init__(self) -> None:
        self.outbox = self.store.open(self.guarantee)

    def change(self, day: date, rows: list[Row]) -> None:
        self.rows[day] = rows

    def read(self, days: Sequence[date], frames: int) -> None:
        for day in days:
            rows = self.rows[day]
            size = -(-len(rows) // frames) or 1
            cut = [rows[first : first + size] for first in range(0, len(rows), size)]
            self.outbox.record(day, [verdicts(*(each.verdict for each in frame)) for frame in cut], at=NOON)
            self.reference.read(day, rows)

    def run(self, batch: int, answers: Sequence[str], pauses: int) -> None:
        before = self.reference.waiting
        requests = Requests(self.poison, answers, self.taken, {key: body for key, (_, body) in before.items()})
        plan = DeliveryPlan(
            batch_events=batch, guarantee=self.guarantee, retries=replace(DELIVERY, tries=pauses + 1, pauses=())
        )
        process: Any = Process(self.outbox, requests)
        with suppress(SpotifyError, FeedRefused, Killed):
            deliver(process, requests.send, plan, clock=lambda: NOON, sleep=lambda _: None)
        self.asked |= requests.unanswered
        if requests.dead:
            # What was accepted may not be noted yet; a later reading may filter it before it is sent again.
            self.asked |= requests.accepted
            self.crash()
        self._settle(before, requests)

    def replay(self, reason: str | None) -> None:
        if reason is None and self.guarantee is Guarantee.AT_MOST_ONCE:
            reason = "refused"  # who sends again what is unconfirmed, sends it twice
        assert self.outbox.replay(reason=reason) == self.reference.replay(reason)

    def crash(self) -> None:
        self.store.crash()
        self.outbox = self.store.open(self.guarantee)

    def reopen(self) -> None:
        self.store.let_go()
        self.outbox = self.store.open(self.guarantee)

    def mend(self) -> None:
        self.poison = frozenset()

    def check(self) -> None:
        """All that can be seen of the outbox is as the reference says."""
        accounts = self.outbox.accounts()
        assert all(each.adds_up for each in accounts), accounts
        shown: dict[date, dict[str, int]] = {}
        for each in accounts:
            counts = {"delivered": each.delivered, "pending": each.pending, **each.filtered, **each.dead}
            shown[each.day] = {**{name: count for name, count in counts.items() if count}, "read": each.read}
        assert shown == self.reference.accounts
        assert self._waiting() == self.reference.waiting
        assert self._dead() == self.reference.dead
        assert list(self.outbox.pending_days()) == self.reference.pending_days
        if self.guarantee is Guarantee.AT_MOST_ONCE:
            assert set(self.taken.values()) <= {1}, f"sent twice: {self.taken}"

    def end(self) -> None:
        """Everything is mended and read, and one healthy run sends what is to be sent, once."""
        self.mend()
        self.replay("refused")
        # Twice: a day that gives an event up is read after an older one whose row takes it over with its next reading.
        self.read(DAYS, 1)
        self.read(DAYS, 1)
        self.run(3, [], 0)
        self.check()
        states = {key: event.state for key, event in self.reference.events.items()}
        delivered = {key for key, state in states.items() if state == "delivered"}
        assert "pending" not in states.values()
        assert delivered <= self.taken.keys()
        unknown = self.taken.keys() - delivered - self.asked
        assert not unknown, f"Spotify has {unknown}, and the outbox does not say so"
        if self.guarantee is Guarantee.AT_LEAST_ONCE:
            good = {row.key for rows in self.rows.values() for row in rows if not row.reason}
            assert good <= delivered, f"lost: {good - delivered}"

    def _settle(self, before: Mapping[str, tuple[date, str]], requests: Requests) -> None:
        """Tell the reference what the delivery made of each event, which must be what Spotify said."""
        waiting, dead = self._waiting(), {key: reason for _, key, reason in self._dead()}
        once, crashed = self.guarantee is Guarantee.AT_MOST_ONCE, requests.dead
        for key in before:
            event = self.reference.events[key]
            if key in waiting:
                assert key not in requests.accepted or (crashed and not once), f"{key} was accepted and is pending"
                assert not (once and key in requests.unanswered), f"{key} may have arrived and is pending"
            elif key in dead:
                event.state, event.reason = "dead", dead[key]
                lost = requests.unanswered
                refused, unconfirmed = (
                    (requests.refused_alone, lost) if once else (requests.refused_alone | lost, set[str]())
                )
                allowed = {"refused": refused, "unconfirmed": unconfirmed}
                assert key in allowed[dead[key]] or (once and crashed), f"{key} became {dead[key]}"
            else:
                event.state, event.reason = "delivered", ""
                assert key in requests.accepted, f"{key} is delivered, and was not accepted"

    def _waiting(self) -> dict[str, tuple[date, str]]:
        claimed = self.outbox.claim(1_000, MUCH)
        if claimed:
            self.outbox.settle({each.number: Settled(state=State.PENDING) for each in claimed}, at=NOON)
        return {each.event_id: (each.day, each.body) for each in claimed}

    def _dead(self) -> set[tuple[date, str, str]]:
        columns = ["day", "event_id", "reason"]
        return {(day, key, reason) for day, key, reason in self.outbox.dead_letters().select(columns).iter_rows()}


@dataclass(frozen=True)
class Script:
    """A sequence before it is carried out: what it begins with, and its steps, each a method and what it is given."""

    guarantee: Guarantee
    rows: dict[date, list[Row]]
    poison: frozenset[str]
    steps: tuple[tuple[str, tuple[Any, ...]], ...]

    def play(self, store: Store) -> None:
        """Carry it out.

        Raises:
            AssertionError: the outbox is not what the reference says.
        """
        try:
            under_way = FeedUnderWay(store, self.guarantee, dict(self.rows), self.poison)
            for name, given in self.steps:
                getattr(under_way, name)(*given)
                under_way.check()
            under_way.end()
        finally:
            store.end()


def script(number: int) -> Script:
    """The sequence of that number."""
    dice = random.Random(number)
    rows = {day: [_row(dice, day) for _ in range(dice.randrange(7))] for day in DAYS}
    now = dict(rows)
    steps: list[tuple[str, tuple[Any, ...]]] = []
    for _ in range(dice.randint(3, 8)):
        name = dice.choices(("read", "change", "run", "replay", "crash", "reopen", "mend"), (9, 8, 8, 4, 1, 1, 1))[0]
        if name == "read":
            steps.append((name, (dice.sample(DAYS, dice.randint(1, 3)), dice.randint(1, 3))))
        elif name == "change":
            day = dice.choice(DAYS)
            now[day] = _changed(dice, day, now[day])
            steps.append((name, (day, now[day])))
        elif name == "run":
            answers = [dice.choice(ANSWERS) if dice.random() < 0.3 else "ok" for _ in range(dice.randrange(8))]
            steps.append((name, (dice.randint(1, 4), answers, dice.randrange(3))))
        else:
            steps.append((name, (dice.choice(REPLAYED),) if name == "replay" else ()))
    poison = frozenset(dice.sample(KEYS, dice.choice((0, 0, 1, 2))))
    return Script(dice.choice(list(Guarantee)), rows, poison, tuple(steps))


def _row(dice: random.Random, day: date) -> Row:
    nameless = dice.random() < 0.05
    reason = "no_event_id" if nameless else dice.choice(("", "", "", "", "not_wanted", *list(REASONS)[:4]))
    key = f"row:{dice.randrange(3)}" if nameless else dice.choice(KEYS)
    return Row(key, day, dice.randrange(3), dice.randrange(3), reason)


def _changed(dice: random.Random, day: date, rows: list[Row]) -> list[Row]:
    changed = list(rows)
    for _ in range(dice.randint(1, 3)):
        if changed and dice.random() < 0.6:
            at = dice.randrange(len(changed))
            row = changed.pop(at)
            if dice.random() < 0.6 and not row.key.startswith("row:"):
                changed.insert(at, replace(_row(dice, day), key=row.key, reason=dice.choice(("", *list(REASONS)[:4]))))
        else:
            changed.append(_row(dice, day))
    return dice.sample(changed, len(changed))


def shortened(wrong: Script, store: Callable[[], Store]) -> Script:
    """The same mistake in fewer steps."""
    for at in range(len(wrong.steps)):
        shorter = replace(wrong, steps=(*wrong.steps[:at], *wrong.steps[at + 1 :]))
        try:
            shorter.play(store())
        except AssertionError:
            return shortened(shorter, store)
    return wrong


def play(number: int, store: Callable[[], Store]) -> None:
    """Carry out the sequence of that number in a store that is empty.

    Raises:
        AssertionError: it goes wrong; the message has the sequence, shortened.
    """
    whole = script(number)
    try:
        whole.play(store())
    except AssertionError as error:
        short = shortened(whole, store)
        steps = "\n".join(f"  {name}{given}" for name, given in short.steps)
        raise AssertionError(
            f"sequence {number}: {error}\n{short.guarantee}, poison {sorted(short.poison)}\n{short.rows}\n{steps}"
        ) from None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.sequences)
    began = time.monotonic()
    with ExitStack() as servers:
        url = servers.enter_context(postgres_server.running())
        for number in numbers:
            play(number, (lambda: PostgresStore(url, _fresh())) if number % 3 == 0 else FileStore)
    sys.stdout.write(
        f"{len(numbers):,} sequences in SQLite and PostgreSQL: all as expected, {time.monotonic() - began:,.0f} s\n"
    )


def _fresh() -> str:
    return f"feed_{time.monotonic_ns()}"


if __name__ == "__main__":
    main()
