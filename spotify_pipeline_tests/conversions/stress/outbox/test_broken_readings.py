"""A reading that ends amid its steps: nothing of its day is sent, and read again the day is as if nothing had been."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from random import Random

import pytest

from spotify_pipeline.conversions.outbox.model import Guarantee, Outbox
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.conversions.outbox_making import (
    NOON,
    Place,
    verdicts,
)
from spotify_pipeline_tests.conversions.stress.event_sequences import (
    FeedUnderWay,
    FileStore,
    PostgresStore,
    script,
)
from spotify_pipeline_tests.mirror.fake_spotify import Crash
from spotify_pipeline_tests.mirror.watched_state import WatchedState, ending_at

pytestmark = pytest.mark.slow


def watched(state: StateStore) -> WatchedState:
    key = state.key()
    return WatchedState(state.place, state.home, key=lambda: key)


class WatchedFile(FileStore):
    state: WatchedState

    def open(self, guarantee: Guarantee) -> Outbox:
        self.state = watched(StateStore.in_home(self._home))
        return self._holding.enter_context(Place(self.state).open(guarantee=guarantee))


class WatchedPostgres(PostgresStore):
    state: WatchedState

    def __init__(self, url: str) -> None:
        super().__init__(url, f"feed_{secrets.token_hex(8)}")
        self.state = self._state = watched(self._state)


class OftenBrokenOff(FeedUnderWay):
    """Before each reading there is one of the same rows that ends at one of its steps."""

    dice = Random(0)

    def read(self, days: Sequence[date], frames: int) -> None:
        for day in days:
            rows = [verdicts(each.verdict) for each in self.rows[day]]
            with suppress(Crash), ending_at(self.store.state, self.dice.randrange(2 * len(rows) + 2)):  # pyright: ignore
                self.outbox.record(day, rows, at=NOON)
            self.crash()
            self.check_broken(day)
            super().read([day], frames)

    def check_broken(self, day: date) -> None:
        """Every account adds up, and nothing of a day is sent that was not read to its end."""
        accounts = {each.day: each for each in self.outbox.accounts()}
        assert all(each.adds_up for each in accounts.values()), accounts
        if day in accounts and accounts[day].read_at is None:
            assert day in self.outbox.pending_days()
            assert day not in {of for of, _ in self._waiting().values()}


def play(number: int, store: WatchedFile | WatchedPostgres) -> None:
    given = script(number)
    try:
        under_way = OftenBrokenOff(store, given.guarantee, dict(given.rows), given.poison)
        for name, arguments in given.steps:
            getattr(under_way, name)(*arguments)
            under_way.check()
        under_way.end()
    finally:
        store.end()


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_a10_a_reading_that_was_broken_off_and_made_again_is_one_reading(first: int) -> None:
    for number in range(first, first + 10):
        play(number, WatchedFile())


def test_a10_the_same_in_postgres(empty_database: str) -> None:
    for number in range(30, 40):
        play(number, WatchedPostgres(empty_database))
