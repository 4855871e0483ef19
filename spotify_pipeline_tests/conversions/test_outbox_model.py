"""Whatever happens to runs, every event is accounted for and Spotify has it once: the outbox against a model.

The model is a dictionary. Spotify loses answers before or after it took the events, refuses bad events with their whole
batch, ends a token; runs die between any two steps.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import date
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from spotify_pipeline.conversions.delivery import DeliveryPlan, FeedRefused, deliver
from spotify_pipeline.conversions.outbox import Guarantee, Outbox, Settled
from spotify_pipeline.conversions.verdict import State
from spotify_pipeline.spotify import PermissionDenied, SpotifyError
from spotify_pipeline_tests.conversions.outbox_making import (
    MONDAY,
    NOON,
    TUESDAY,
    FakeSpotify,
    Place,
    lost_answer,
    verdict,
    verdicts,
)

IDS = [f"order-{number:02}" for number in range(24)]
POISON = {"order-03", "order-17"}
DAYS = [MONDAY, TUESDAY]


class Killed(BaseException):
    """The process ends here."""


class OutboxMachine(RuleBasedStateMachine):
    """One feed, its runs, and the Spotify that they send to."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="outbox"))
        self.place = Place(self.home)
        self.spotify = FakeSpotify(poison=set(POISON))
        self.holding = ExitStack()
        self.repeated: dict[date, int] = {}
        self.first_read: dict[str, date] = {}
        self.sendable: set[str] = set()

    @initialize(guarantee=st.sampled_from(list(Guarantee)))
    def begin(self, guarantee: Guarantee) -> None:
        self.guarantee = guarantee
        self.outbox: Outbox = self.holding.enter_context(self.place.open(guarantee=guarantee))

    @rule(
        day=st.sampled_from(DAYS),
        ids=st.lists(st.sampled_from(IDS), max_size=30),
        unusable=st.sets(st.sampled_from(IDS), max_size=2),
        cut=st.integers(0, 30),
    )
    def read(self, day: date, ids: list[str], unusable: set[str], cut: int) -> None:
        rows = [
            verdict(each, "dead", "amount_missing", "amount") if each in unusable else verdict(each) for each in ids
        ]
        reading = self.outbox.record(day, [verdicts(*rows[:cut]), verdicts(*rows[cut:])], at=NOON)
        new = set(ids) - self.first_read.keys()
        assert (reading.rows, reading.new) == (len(ids), len(new))
        assert reading.known == len(set(ids) & self.first_read.keys())
        self.first_read.update(dict.fromkeys(new, day))
        self.repeated[day] = len(ids) - len(set(ids))
        self.sendable |= set(ids) - unusable

    @rule(
        batch=st.integers(1, 12),
        fault=st.sampled_from(["none", "lost", "never arrived", "401", "killed"]),
        after=st.integers(0, 4),
    )
    def run(self, batch: int, fault: str, after: int) -> None:
        plan = DeliveryPlan(batch_events=batch, guarantee=self.guarantee, pauses=(0.0,) * (after % 2))
        asked = len(self.spotify.requests)

        def send(bodies: Sequence[str]) -> None:
            failing = fault != "none" and len(self.spotify.requests) - asked == after
            if failing and fault != "killed":
                error = PermissionDenied("401") if fault == "401" else lost_answer()
                self.spotify.answers = [(error, fault == "lost")]
            self.spotify.send(bodies)
            if failing:
                raise Killed

        with suppress(SpotifyError, FeedRefused, Killed):
            deliver(self.outbox, send, plan, clock=self.place.clock)

    @rule(claims=st.integers(0, 3), sends=st.booleans())
    def die(self, claims: int, *, sends: bool) -> None:
        """The files as they are now are all that the next run finds."""
        for _ in range(claims):
            batch = self.outbox.claim(3, 10_000)
            if sends and batch:
                with suppress(SpotifyError):
                    self.spotify.send([each.body for each in batch])
        left = Path(tempfile.mkdtemp(prefix="outbox"))
        shutil.copytree(self.home, left, dirs_exist_ok=True)
        self.holding.close()
        shutil.rmtree(self.home)
        self.home, self.place = left, Place(left)
        self.outbox = self.holding.enter_context(self.place.open(guarantee=self.guarantee))

    @rule()
    def reopen(self) -> None:
        self.holding.close()
        self.outbox = self.holding.enter_context(self.place.open(guarantee=self.guarantee))

    @rule(reason=st.sampled_from([None, "refused"]), fixed=st.booleans())
    def replay(self, reason: str | None, *, fixed: bool) -> None:
        if self.guarantee is Guarantee.AT_MOST_ONCE:
            reason = "refused"  # a person looked, and replays only what surely did not arrive
        self.outbox.replay(reason=reason)
        if fixed:
            self.spotify.poison.clear()

    @rule(how_many=st.integers(1, 5))
    def put_back(self, how_many: int) -> None:
        batch = self.outbox.claim(how_many, 10_000)
        self.outbox.settle({each.number: Settled(state=State.PENDING) for each in batch}, at=NOON)

    @invariant()
    def a10_accounts_add_up(self) -> None:
        if not hasattr(self, "outbox"):
            return
        accounts = {each.day: each for each in self.outbox.accounts()}
        for day, account in accounts.items():
            assert account.adds_up
            first_read = sum(each == day for each in self.first_read.values())
            assert account.read == first_read + self.repeated.get(day, 0)
        assert set(accounts) == set(self.repeated)

    @invariant()
    def a08_spotify_has_nothing_that_was_not_to_be_sent_and_everything_that_is_said_to_be_delivered(self) -> None:
        if not hasattr(self, "outbox"):
            return
        delivered = sum(each.delivered for each in self.outbox.accounts())
        assert set(self.spotify.view) <= self.sendable
        assert delivered <= len(self.spotify.view)
        if self.guarantee is Guarantee.AT_MOST_ONCE:
            assert set(self.spotify.taken.values()) <= {1}

    def teardown(self) -> None:
        try:
            if hasattr(self, "outbox"):
                self._everything_comes_to_an_end()
        finally:
            self.holding.close()
            shutil.rmtree(self.home)

    def _everything_comes_to_an_end(self) -> None:
        """After one healthy run, in any order of days, nothing waits, and delivered is what Spotify has."""
        order = random.Random(len(self.first_read)).sample(sorted(self.first_read), len(self.first_read))
        self.spotify.poison.clear()
        self.outbox.replay(reason="refused")
        for day in DAYS:
            rows = [verdict(each) for each in order if self.first_read[each] == day]
            self.outbox.record(day, [verdicts(*rows)], at=NOON)
        deliver(
            self.outbox,
            self.spotify.send,
            DeliveryPlan(batch_events=5, guarantee=self.guarantee),
            clock=self.place.clock,
        )
        accounts = self.outbox.accounts()
        dead = {reason for each in accounts for reason in each.dead}
        delivered = sum(each.delivered for each in accounts)
        assert not any(each.pending for each in accounts)
        if self.guarantee is Guarantee.AT_LEAST_ONCE:
            assert not dead
            assert sorted(self.first_read) == self.spotify.view
            assert delivered == len(self.first_read)
        else:
            assert dead <= {"unconfirmed"}
            assert delivered <= len(self.spotify.view)
        self.holding.close()
        assert not list(self.home.glob("outbox/*.bodies/*")), "bodies are kept that nobody sends"


def test_a01_a02_a04_a05_a08_a09_a10_an_outbox_loses_no_event_and_doubles_none() -> None:
    run_state_machine_as_test(
        OutboxMachine,
        settings=settings(max_examples=10, stateful_step_count=12, suppress_health_check=list(HealthCheck)),
    )
