"""Signing out: nothing usable stays on this machine, and nothing else changes."""

from __future__ import annotations

import pytest

from spotify_pipeline.spotify import Secret, SignInRequired, TokenStore, sign_out, sign_out_of_all
from spotify_pipeline.state import Key, StateStore, new_key, tables
from spotify_pipeline_tests.spotify.authorizations import provider, put, stored
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings

UNSEEDED = settings(refresh_token=None)


def test_sign_out_leaves_no_token_of_it_and_the_others_alone(store: TokenStore, clock: Clock):
    put(store, clock)
    put(store, clock, label="agency")
    agency = store.find("https://accounts.spotify.com", "client-1", "agency")
    assert sign_out(UNSEEDED, store)
    assert store.all() == [agency]
    assert sealed(store) == 1
    assert not sign_out(UNSEEDED, store)


def test_sign_out_of_all_needs_no_key(store: TokenStore, clock: Clock):
    put(store, clock)
    put(store, clock, label="agency", bootstrap_sha256=None)
    keyless = TokenStore(StateStore(store.state.place, store.state.home, key=lambda: Key.of(new_key())))
    sign_out_of_all(None, keyless)
    assert store.all() == []
    assert sealed(store) == 0


def sealed(store: TokenStore) -> int:
    with store.state.read() as transaction:
        return len(transaction.execute(tables.sign_in.select().where(tables.sign_in.c.content.is_not(None))).all())


@pytest.mark.parametrize("everything", [False, True])
def test_seed_that_is_still_set_does_not_sign_in_again(
    store: TokenStore, spotify: Spotify, clock: Clock, everything: bool
):
    put(store, clock)
    if everything:
        sign_out_of_all(settings(), store)
    else:
        sign_out(settings(), store)
    with pytest.raises(SignInRequired, match="Nobody has signed in"):
        provider(store, spotify, clock).access_token()
    assert spotify.asked == []
    assert provider(store, spotify, clock, settings(refresh_token=Secret("a-new-seed"))).access_token()


@pytest.mark.parametrize("spent_by", ["use", "sign-out"])
def test_sign_out_of_all_remembers_which_seeds_are_spent_without_being_told_them(
    store: TokenStore, spotify: Spotify, clock: Clock, spent_by: str
):
    """A person signs out in a shell without the seed; the deployment still has it."""
    put(store, clock)
    if spent_by == "sign-out":
        sign_out(settings(), store)
    for whose in (None, UNSEEDED):
        sign_out_of_all(whose, store)
        with pytest.raises(SignInRequired, match="Nobody has signed in"):
            provider(store, spotify, clock).access_token()
    assert spotify.asked == []


def test_process_that_waits_to_renew_finds_the_sign_out(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock)
    tokens = provider(store, spotify, clock, UNSEEDED)
    tokens.access_token()
    sign_out(UNSEEDED, store)
    clock.now += 3600
    with pytest.raises(SignInRequired):
        tokens.access_token()


def test_sign_in_after_a_sign_out_is_like_the_first(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock)
    sign_out(settings(), store)
    put(store, clock, refresh_token=Secret("after-login"))
    assert provider(store, spotify, clock).access_token()
    assert stored(store).refresh_token == Secret("after-login")
    assert spotify.token_calls[0]["refresh_token"] == ["after-login"]
