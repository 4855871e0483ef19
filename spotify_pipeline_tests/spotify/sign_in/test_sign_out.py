"""Signing out: nothing usable stays on this machine, and nothing else changes."""

from __future__ import annotations

import pytest

from spotify_pipeline.spotify import Secret, SignInRequired, TokenStore, sign_out, sign_out_of_all
from spotify_pipeline_tests.spotify.authorizations import names_beside, provider, put, stored
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings

UNSEEDED = settings(refresh_token=None)


def everything_in(store: TokenStore) -> str:
    return "".join(each.read_text() for each in store.path.parent.iterdir())


def leave_traces(store: TokenStore, clock: Clock) -> None:
    """Tokens of two labels, in the file, its copy, a damaged file kept aside and a write cut short."""
    put(store, clock, previous_refresh_token=Secret("CANARY-1"), access_token=Secret("CANARY-2"))
    put(store, clock, label="agency", refresh_token=Secret("agency-token"))
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[:-9])
    put(store, clock, previous_refresh_token=Secret("CANARY-1"), refresh_token=Secret("CANARY-3"))
    half = store.path.with_name(".tokens.json.99999.tmp")
    half.write_bytes(whole[:-9])
    half.chmod(0o600)


def test_sign_out_leaves_no_token_of_it_in_any_file_and_the_others_alone(store: TokenStore, clock: Clock):
    leave_traces(store, clock)
    agency = store.find("https://accounts.spotify.com", "client-1", "agency")
    assert sign_out(UNSEEDED, store)
    assert "CANARY" not in everything_in(store)
    assert "stored" not in everything_in(store)
    assert store.all() == [agency]
    assert names_beside(store) == ["tokens.json", "tokens.json.lock", "tokens.json.prev"]
    assert not sign_out(UNSEEDED, store)


def test_sign_out_of_all_leaves_no_token_even_where_the_files_are_damaged(store: TokenStore, clock: Clock):
    for damaged in (False, True):
        leave_traces(store, clock)
        if damaged:
            for name in ("tokens.json", "tokens.json.prev"):
                path = store.path.with_name(name)
                path.write_bytes(path.read_bytes()[:-9])
        sign_out_of_all(None, store)
        assert store.all() == []
        assert not [word for word in ("CANARY", "agency-token", "stored") if word in everything_in(store)]


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
