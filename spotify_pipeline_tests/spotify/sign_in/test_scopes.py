"""A sign-in that allows less than what is needed: O17. Spotify's Ads API needs no scope today."""

from __future__ import annotations

import pytest

from spotify_pipeline.spotify import ScopeMissing, Secret, TokenStore
from spotify_pipeline_tests.spotify.authorizations import from_transport, provider, put, stored
from spotify_pipeline_tests.spotify.logins import agree, run
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, token_answer

NEEDED = frozenset({"ads-read", "ads-write"})


def test_o17_scope_that_was_not_granted_is_named_after_the_rotated_token_was_stored(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    put(store, clock)
    spotify.tokens = [token_answer(refresh_token="rotated", scope="ads-read other")]
    tokens = from_transport(store, spotify.transport(), clock, required_scopes=NEEDED)
    again = from_transport(store, spotify.transport(), clock, required_scopes=NEEDED)
    for each in (tokens, tokens, again):
        with pytest.raises(ScopeMissing, match=r"did not grant the scope ads-write\. Run `spotify-pipeline login`"):
            each.access_token()
    assert len(spotify.token_calls) == 1  # the stored answer says so, nobody asks again
    assert stored(store).refresh_token == Secret("rotated")
    put(store, clock, access_token=Secret("after-login"), renew_at=clock.now + 60, scopes=NEEDED)
    assert tokens.access_token().reveal() == "after-login"


@pytest.mark.parametrize("answer", [{"scope": "ads-write ads-read more"}, {"scope": None}, {"scope": 7}])
def test_o17_enough_or_unstated_is_enough(store: TokenStore, spotify: Spotify, clock: Clock, answer: dict[str, object]):
    put(store, clock)
    spotify.tokens = [token_answer("good", **answer)]
    tokens = from_transport(store, spotify.transport(), clock, required_scopes=NEEDED)
    assert tokens.access_token().reveal() == "good"


def test_o17_none_is_needed_today_and_an_empty_scope_is_fine(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock)
    assert provider(store, spotify, clock).access_token()
    assert stored(store).scopes == frozenset()


def test_o17_sign_in_asks_for_what_is_needed_and_stores_nothing_less(store: TokenStore, spotify: Spotify):
    spotify.tokens = [token_answer(refresh_token="new", scope="ads-read")]
    browser, outcome = run(store, spotify, agree, required_scopes=NEEDED)
    assert browser.query["scope"] == "ads-read ads-write"
    assert isinstance(outcome, ScopeMissing)
    assert "the scope ads-write." in str(outcome)
    assert store.all() == []
