"""Runs that are really killed, at any moment."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from spotify_pipeline.conversions.delivery.deliver import NOTED_TOGETHER
from spotify_pipeline.conversions.outbox.model import Guarantee
from spotify_pipeline.state import new_key
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.conversions.outbox_making import Place, orders, state_at, totals
from spotify_pipeline_tests.conversions.stress import killed_run

KILLS = 2


KEY = new_key()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.e2e)])
def url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else str(request.getfixturevalue("empty_database"))


def run(place: Place, url: str, taken: Path, guarantee: Guarantee, kill_after: float | None) -> bool:
    """Whether it came to its end; it is killed so many seconds after it opened the outbox."""
    process = subprocess.Popen(
        [sys.executable, "-m", killed_run.__name__, str(place.state.home), str(taken), guarantee.value, url, KEY],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        timer = threading.Timer(kill_after or 0, process.kill)
        if kill_after is not None:
            timer.start()
        finished = "done" in process.stdout.read()
        timer.cancel()
    if url:
        postgres_server.end_sessions(url)  # a server notices only by and by that a client is gone
    return finished


@pytest.mark.parametrize("guarantee", list(Guarantee))
def test_a05_a_run_that_is_killed_at_any_moment_loses_nothing(url: str, guarantee: Guarantee, tmp_path: Path) -> None:
    place = Place(state_at(tmp_path / "home", url, KEY))
    place.state.create()
    taken = tmp_path / "taken"
    chance = random.Random(guarantee.value)
    for _ in range(KILLS):
        run(place, url, taken, guarantee, chance.uniform(0.02, 0.5))
        with place.open(guarantee=guarantee) as outbox:
            counted = totals(outbox)
            known = Counter(taken.read_text().split() if taken.exists() else [])
            assert counted["delivered"] <= len(known)
            if guarantee is Guarantee.AT_MOST_ONCE:
                assert counted["delivered"] + counted["dead"] >= len(known)
                assert set(known.values()) <= {1}
    assert run(place, url, taken, guarantee, None)
    known = Counter(taken.read_text().split())
    with place.open(guarantee=guarantee) as outbox:
        counted = totals(outbox)
        assert (counted["read"], counted["pending"]) == (killed_run.EVENTS, 0)
        unconfirmed = set(outbox.dead_letters()["event_id"])
    assert set(known) | unconfirmed == set(orders(killed_run.EVENTS))
    if guarantee is Guarantee.AT_LEAST_ONCE:
        assert not unconfirmed
        again = known.total() - killed_run.EVENTS
        assert again <= KILLS * 7 * (NOTED_TOGETHER + 1), "of each run that was killed, what was not noted yet"
    else:
        assert set(known.values()) == {1}
        assert len(unconfirmed) <= 7 * KILLS
