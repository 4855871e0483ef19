"""What is tried when Spotify refuses the stored refresh token, and where it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import Secret, SignInRequired, SpotifyUnavailable, TokenStore
from spotify_pipeline_tests.spotify.authorizations import INVALID_GRANT, provider, put, stored
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings, token_answer


def refused() -> httpx.Response:
    return httpx.Response(400, json=INVALID_GRANT)


def sent(spotify: Spotify) -> list[str]:
    return [call["refresh_token"][0] for call in spotify.token_calls]


def test_o03_killed_before_the_rename_the_next_start_tries_stored_then_previous(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    put(store, clock, previous_refresh_token=Secret("previous"), access_token=Secret("old"), authorized_at=5.0)
    spotify.tokens = [refused(), token_answer("good", refresh_token="rotated")]
    assert provider(store, spotify, clock).access_token().reveal() == "good"
    assert sent(spotify) == ["stored", "previous"]
    assert stored(store).refresh_token == Secret("rotated")
    assert stored(store).previous_refresh_token == Secret("previous")
    assert stored(store).authorized_at == 5.0
    assert not stored(store).needs_sign_in


def test_o03_previous_token_that_stays_in_force_is_stored_as_the_token(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    put(store, clock, previous_refresh_token=Secret("previous"))
    spotify.tokens = [refused(), token_answer("good")]
    provider(store, spotify, clock).access_token()
    assert stored(store).refresh_token == Secret("previous")
    assert stored(store).previous_refresh_token is None


@pytest.mark.parametrize("previous", [None, Secret("previous"), Secret("seed-7CANARYSEED")])
def test_o03_seed_of_the_environment_is_tried_last(
    store: TokenStore, spotify: Spotify, clock: Clock, previous: Secret | None, caplog: pytest.LogCaptureFixture
):
    """As after a restart of a stand-in that forgets what it gave, and knows its first token only."""
    put(store, clock, previous_refresh_token=previous, bootstrapped_at=5.0)
    tried = (
        ["stored", "previous", "seed-7CANARYSEED"] if previous == Secret("previous") else ["stored", "seed-7CANARYSEED"]
    )
    spotify.tokens = [*(refused() for _ in tried[1:]), token_answer("good", refresh_token="rotated")]
    assert provider(store, spotify, clock).access_token().reveal() == "good"
    assert sent(spotify) == tried
    assert stored(store).refresh_token == Secret("rotated")
    if previous != Secret("seed-7CANARYSEED"):
        assert "SPOTIFY_REFRESH_TOKEN, which is tried once more" in caplog.text
    clock.now += 3600
    provider(store, spotify, clock).access_token()
    assert sent(spotify) == [*tried, "rotated"]


@pytest.mark.parametrize(
    "origin",
    [{"authorized_at": 5.0}, {"bootstrap_sha256": "ab" * 32}, {"bootstrap_sha256": None}],
    ids=["signed in with the browser", "another seed", "no seed"],
)
def test_o03_seed_is_never_tried_in_place_of_an_authorization_that_did_not_come_from_it(
    store: TokenStore, spotify: Spotify, clock: Clock, origin: dict[str, Any]
):
    """It is another label's, or another user's: rotating it would end theirs, or write as somebody else."""
    put(store, clock, label="other", bootstrapped_at=5.0)
    put(store, clock, **origin)
    spotify.tokens = [refused()]
    with pytest.raises(SignInRequired):
        provider(store, spotify, clock).access_token()
    assert sent(spotify) == ["stored"]


def test_o03_everything_refused_ends_after_three_calls_for_good(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock, previous_refresh_token=Secret("previous"))
    spotify.tokens = [refused() for _ in range(9)]
    tokens = provider(store, spotify, clock)
    for each in (tokens, tokens, provider(store, spotify, clock)):
        with pytest.raises(SignInRequired):
            each.access_token()
    assert sent(spotify) == ["stored", "previous", "seed-7CANARYSEED"]
    assert stored(store).refresh_token == Secret("stored")
    assert stored(store).needs_sign_in


def test_o03_new_seed_that_is_refused_leaves_stored_then_previous(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock, previous_refresh_token=Secret("previous"))
    spotify.tokens = [refused() for _ in range(9)]
    for _ in range(3):
        with pytest.raises(SignInRequired):
            provider(store, spotify, clock, settings(refresh_token=Secret("mistaken"))).access_token()
    assert sent(spotify) == ["mistaken", "stored", "previous"]


@pytest.mark.parametrize("lost", [httpx.ReadTimeout(""), httpx.Response(200, text="<html>")])
def test_o03_lost_answer_to_a_fallback_is_no_refusal(store: TokenStore, spotify: Spotify, clock: Clock, lost: Any):
    put(store, clock, previous_refresh_token=Secret("previous"))
    before = stored(store)
    spotify.tokens = [refused(), lost]
    with pytest.raises(SpotifyUnavailable):
        provider(store, spotify, clock).access_token()
    assert stored(store) == replace(before, refresh_started_at=clock.now)
