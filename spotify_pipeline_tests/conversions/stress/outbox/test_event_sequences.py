"""Three hundred random sequences against the slow reference; ``event_sequences`` runs as many as one likes."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from spotify_pipeline.conversions.outbox.model import Guarantee, Outbox, Reading
from spotify_pipeline_tests.conversions.outbox_making import verdicts
from spotify_pipeline_tests.conversions.stress.event_sequences import ANSWERS, FileStore, PostgresStore, play, script

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_a01_a02_a04_a05_a08_a09_a10_a15_a16_all_is_as_the_slow_reference_says_with_files(
    first: int,
) -> None:
    for number in range(first, first + 20):
        play(number, FileStore)


@pytest.mark.parametrize("first", range(200, 300, 20))
def test_a01_a02_a04_a05_a08_a09_a10_a15_a16_all_is_as_the_slow_reference_says_with_postgres(
    empty_database: str, first: int
) -> None:
    for number in range(first, first + 20):
        play(number, lambda: PostgresStore(empty_database, f"feed_{secrets.token_hex(8)}"))


class FirstRowCounts:
    """An outbox that takes the first row of an id, and not the one that counts."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def record(self, day: date, frames: list[pl.DataFrame], *, at: datetime) -> Reading:
        first = pl.concat([verdicts(), *frames]).unique("key", keep="first", maintain_order=True)
        return self._outbox.record(day, [first], at=at)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)


class WrongStore(FileStore):
    def open(self, guarantee: Guarantee) -> Any:
        return FirstRowCounts(super().open(guarantee))


def test_an_outbox_that_is_not_as_it_should_be_is_found_and_its_sequence_is_shortened() -> None:
    wrong = next(number for number in range(20) if _goes_wrong(number))
    with pytest.raises(AssertionError, match=rf"sequence {wrong}: ") as found:
        play(wrong, WrongStore)
    assert str(found.value).count("\n  ") <= 2


def _goes_wrong(number: int) -> bool:
    try:
        script(number).play(WrongStore())
    except AssertionError:
        return True
    return False


def test_sequences_hold_what_they_are_to_try() -> None:
    steps = [step for number in range(300) for step in script(number).steps]
    answers = [each for name, given in steps if name == "run" for each in given[1]]
    assert {name for name, _ in steps} == {"read", "change", "run", "replay", "crash", "reopen", "mend"}
    assert set(ANSWERS) == set(answers)
