"""Whatever Spotify refuses and whenever it does: nobody is a dead letter without another event that was accepted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from spotify_pipeline.conversions.delivery.deliver import MOST_REFUSED, FeedRefused
from spotify_pipeline.conversions.outbox.model import Guarantee
from spotify_pipeline.spotify import (
    InvalidRequest,
)
from spotify_pipeline_tests.conversions.outbox_making import (
    MONDAY,
    FakeSpotify,
    Place,
    delivered,
    orders,
    read_all,
    totals,
)


class Whims(FakeSpotify):
    """Refuses everything in some stretches of requests, and remembers when it refused whom alone."""

    def __init__(self, poison: set[str], stretches: list[tuple[int, bool]]) -> None:
        super().__init__(poison=poison)
        self.moods = [refuses for length, refuses in stretches for _ in range(length)]
        self.refused_alone: dict[str, int] = {}
        self.accepted_at: list[int] = []

    def send(self, bodies: Sequence[str]) -> None:
        request = len(self.requests)
        self.refuses_everything = request < len(self.moods) and self.moods[request]
        try:
            super().send(bodies)
        except InvalidRequest:
            if len(bodies) == 1:
                self.refused_alone[self.requests[-1][0]] = request
            raise
        self.accepted_at.append(request)


@settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    days=st.lists(st.lists(st.booleans(), max_size=30), min_size=1, max_size=5),
    batch=st.integers(1, 12),
    stretches=st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=4),
    guarantee=st.sampled_from(list(Guarantee)),
)
def test_a20_the_policy_holds_whatever_is_refused_and_when(
    tmp_path_factory: pytest.TempPathFactory,
    days: list[list[bool]],
    batch: int,
    stretches: list[tuple[int, bool]],
    guarantee: Guarantee,
) -> None:
    """Nobody is a dead letter before something else was accepted; once Spotify is itself again, all is settled."""
    place = Place.in_home(tmp_path_factory.mktemp("policy"))
    ids = iter(orders(1_000))
    rows = [[(next(ids), bad) for bad in day] for day in days]
    counted, dead = dict[str, int](), set[str]()
    spotify = Whims({key for day in rows for key, bad in day if bad}, stretches)
    with place.open(guarantee=guarantee) as outbox:
        for number, day in enumerate(rows):
            read_all(outbox, [key for key, _ in day], MONDAY + timedelta(days=number))
        for run in range(8):
            if run == 5:
                spotify.moods = []
            # Each run brings one good event, as every shop has.
            read_all(outbox, [f"good-{run}"], MONDAY + timedelta(days=len(rows) + run))
            accepted_before = len(spotify.accepted_at)
            dead_before = set(outbox.dead_letters()["event_id"])
            with suppress(FeedRefused):
                delivered(outbox, spotify, place, batch=batch, guarantee=guarantee)
            counted = totals(outbox)  # and every account adds up
            dead = set(outbox.dead_letters()["event_id"])
            newly = dead - dead_before
            assert not newly or len(spotify.accepted_at) > accepted_before, "nothing was accepted beside them"
            last = max(spotify.accepted_at[accepted_before:], default=0)
            assert sum(spotify.refused_alone[key] > last for key in newly) < MOST_REFUSED
    assert counted["pending"] == 0
    assert set(spotify.taken.values()) == {1}
    assert spotify.poison <= dead
    assert set(spotify.view).isdisjoint(dead)
