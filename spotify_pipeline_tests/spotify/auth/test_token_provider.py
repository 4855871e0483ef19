from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import (
    Secret,
    SettingsInvalid,
    SignInRequired,
    SpotifyError,
    SpotifyUnavailable,
    TokenStore,
)
from spotify_pipeline.spotify.auth.oauth import AccountsService
from spotify_pipeline.spotify.auth.token_provider import TokenProvider
from spotify_pipeline.spotify.transport import ACCOUNTS, HttpClient
from spotify_pipeline.state import Key, StateError, StateStore, new_key, reseal
from spotify_pipeline_tests.spotify.authorizations import (
    INVALID_GRANT,
    change_behind,
    provider,
    put,
    stored,
    unwritable,
)
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings, token_answer


def test_nobody_signed_in_says_what_to_run_and_calls_nobody(store: TokenStore, spotify: Spotify, clock: Clock):
    with pytest.raises(SignInRequired, match=r"Nobody has signed in.*spotify-pipeline login"):
        provider(store, spotify, clock, settings(refresh_token=None)).access_token()
    assert spotify.asked == []


def test_seed_is_used_once_and_known_again_by_its_digest(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.tokens = [token_answer("a1", refresh_token="rotated"), token_answer("a2")]
    assert provider(store, spotify, clock).access_token().reveal() == "a1"
    assert stored(store).refresh_token == Secret("rotated")
    assert stored(store).authorized_at is None
    assert stored(store).bootstrapped_at == clock.now
    assert stored(store).bootstrap_sha256 == hashlib.sha256(b"seed-7CANARYSEED").hexdigest()
    clock.now += 3600
    assert provider(store, spotify, clock).access_token().reveal() == "a2"
    assert [call["refresh_token"] for call in spotify.token_calls] == [["seed-7CANARYSEED"], ["rotated"]]


def test_new_seed_in_the_environment_takes_over_and_the_old_one_does_not(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    provider(store, spotify, clock).access_token()
    spotify.tokens = [token_answer("fresh")]
    newly_seeded = settings(refresh_token=Secret("second-seed"))
    assert provider(store, spotify, clock, newly_seeded).access_token().reveal() == "fresh"
    assert spotify.token_calls[-1]["refresh_token"] == ["second-seed"]
    assert stored(store).previous_refresh_token == Secret("seed-7CANARYSEED")
    provider(store, spotify, clock, newly_seeded).access_token()
    assert len(spotify.token_calls) == 2


def test_seed_that_is_spent_is_said_to_be(store: TokenStore, spotify: Spotify, clock: Clock):
    provider(store, spotify, clock, settings(authorization="first")).access_token()
    with pytest.raises(SignInRequired, match="the one that is set was used before, or signed out"):
        provider(store, spotify, clock, settings(authorization="second")).access_token()


def test_proxy_that_forbids_the_way_is_not_told_as_a_missing_role(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock)
    spotify.tokens = [httpx.Response(403, text="<html>blocked")] * 3
    with pytest.raises(SpotifyUnavailable, match="proxy or firewall") as caught:
        provider(store, spotify, clock).access_token()
    assert "administrator of the ad account" not in str(caught.value)
    assert stored(store).refresh_started_at is None


@pytest.mark.parametrize("empty", [None, ""])
def test_o04_empty_refresh_token_is_none(store: TokenStore, spotify: Spotify, clock: Clock, empty: str | None):
    put(store, clock)
    spotify.tokens = [token_answer("good", refresh_token=empty)]
    assert provider(store, spotify, clock).access_token().reveal() == "good"
    assert stored(store).refresh_token == Secret("stored")


def test_secret_goes_by_basic_and_without_one_the_client_names_itself(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    provider(store, spotify, clock).access_token()
    request = spotify.asked[0]
    assert str(request.url) == "https://accounts.spotify.com/api/token"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    expected = base64.b64encode(b"client-1:secret-7CANARYCLIENT").decode()
    assert request.headers["authorization"] == f"Basic {expected}"
    assert spotify.token_calls[0] == {"grant_type": ["refresh_token"], "refresh_token": ["seed-7CANARYSEED"]}
    clock.now += 3600
    provider(store, spotify, clock, settings(client_secret=None)).access_token()
    assert "authorization" not in spotify.asked[1].headers
    assert spotify.token_calls[1]["client_id"] == ["client-1"]


def test_token_is_shared_through_the_store_and_renewed_five_minutes_early(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    provider(store, spotify, clock).access_token()
    clock.now += 3299
    provider(store, spotify, clock).access_token()
    assert len(spotify.token_calls) == 1
    clock.now += 2
    provider(store, spotify, clock).access_token()
    assert len(spotify.token_calls) == 2


def test_o04_answer_without_refresh_token_keeps_the_old_one(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock, previous_refresh_token=Secret("before"), authorized_at=5.0)
    provider(store, spotify, clock).access_token()
    assert stored(store).refresh_token == Secret("stored")
    assert stored(store).previous_refresh_token == Secret("before")
    assert stored(store).authorized_at == 5.0


def test_rotated_token_is_stored_before_the_access_token_is_used(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock, authorized_at=5.0)
    spotify.tokens = [token_answer(refresh_token="rotated")]
    provider(store, spotify, clock).access_token()
    assert stored(store).refresh_token == Secret("rotated")
    assert stored(store).previous_refresh_token == Secret("stored")
    assert stored(store).authorized_at == 5.0  # refreshing does not lengthen the six months


def test_o05_invalid_grant_while_the_store_changed_uses_the_new_one(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock)

    def restored_meanwhile(request: httpx.Request) -> httpx.Response:
        spotify.asked.append(request)
        if len(spotify.asked) > 1:
            return token_answer("from-restored")
        change_behind(store, refresh_token=Secret("restored"))
        return httpx.Response(400, json=INVALID_GRANT)

    accounts = AccountsService(
        settings(), HttpClient(ACCOUNTS, transport=httpx.MockTransport(restored_meanwhile)), clock=clock
    )
    tokens = TokenProvider(settings(), store, accounts, clock=clock, sleep=clock.sleep, timer=clock, random=lambda: 0.5)
    assert tokens.access_token().reveal() == "from-restored"
    assert [call["refresh_token"] for call in spotify.token_calls] == [["stored"], ["restored"]]
    assert not stored(store).needs_sign_in


def test_o06_invalid_grant_is_kept_and_never_asked_again(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock)
    unseeded = settings(refresh_token=None)
    spotify.tokens = [httpx.Response(400, json=INVALID_GRANT)]
    first = provider(store, spotify, clock, unseeded)
    for each in (first, first, provider(store, spotify, clock, unseeded)):
        with pytest.raises(SignInRequired, match="Run `spotify-pipeline login`"):
            each.access_token()
    assert len(spotify.token_calls) == 1
    assert stored(store).refresh_token == Secret("stored")
    assert stored(store).needs_sign_in


def test_o06_new_seed_or_new_sign_in_ends_the_stop(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock, needs_sign_in=True)
    newly_seeded = settings(refresh_token=Secret("second-seed"))
    assert provider(store, spotify, clock, newly_seeded).access_token()
    put(store, clock, needs_sign_in=True)
    stopped = provider(store, spotify, clock)
    with pytest.raises(SignInRequired):
        stopped.access_token()
    put(store, clock, access_token=Secret("after-login"), renew_at=clock.now + 60)
    assert stopped.access_token().reveal() == "after-login"


def test_refused_seed_does_not_cost_the_authorization_that_works(
    store: TokenStore, spotify: Spotify, clock: Clock, caplog: pytest.LogCaptureFixture
):
    put(store, clock)
    mistaken = settings(refresh_token=Secret("mistaken-seed"))
    spotify.tokens = [httpx.Response(400, json=INVALID_GRANT), token_answer("good")]
    assert provider(store, spotify, clock, mistaken).access_token().reveal() == "good"
    assert "rejects SPOTIFY_REFRESH_TOKEN" in caplog.text
    assert "mistaken-seed" not in caplog.text
    clock.now += 3600
    provider(store, spotify, clock, mistaken).access_token()
    assert [call["refresh_token"] for call in spotify.token_calls] == [["mistaken-seed"], ["stored"], ["stored"]]


def test_o06_refused_seed_and_refused_store_are_asked_once_each(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock)
    mistaken = settings(refresh_token=Secret("mistaken-seed"))
    spotify.tokens = [httpx.Response(400, json=INVALID_GRANT) for _ in range(9)]
    for _ in range(3):
        with pytest.raises(SignInRequired):
            provider(store, spotify, clock, mistaken).access_token()
    assert len(spotify.token_calls) == 2
    put(store, clock, needs_sign_in=True)
    for _ in range(3):
        with pytest.raises(SignInRequired):
            provider(store, spotify, clock, settings(refresh_token=Secret("another-mistake"))).access_token()
    assert len(spotify.token_calls) == 3


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
@pytest.mark.parametrize("status", [400, 401])
def test_wrong_credentials_name_their_variables(
    store: TokenStore, spotify: Spotify, clock: Clock, error: str, status: int
):
    put(store, clock)
    spotify.tokens = [httpx.Response(status, json={"error": error})]
    with pytest.raises(SettingsInvalid, match=r"SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET"):
        provider(store, spotify, clock).access_token()
    assert not stored(store).needs_sign_in


@pytest.mark.parametrize(
    "answers",
    [
        [httpx.Response(503)] * 3,
        [httpx.Response(500, json={"error": "server_error"})] * 3,
        [httpx.Response(429)] * 3,
        [httpx.ConnectError("")] * 3,
        [httpx.ReadTimeout("")],
        [httpx.ReadError("")],
        [httpx.Response(200, text="<html>Sign in to this network</html>")],
        [httpx.Response(200)],
        [httpx.Response(200, json={"access_token": "two\nlines"})],
        [httpx.Response(200, json={"access_token": 7})],
    ],
)
def test_o07_no_meaningful_answer_leaves_the_stored_tokens_untouched(
    store: TokenStore, spotify: Spotify, clock: Clock, answers: list[Any]
):
    put(store, clock)
    before = stored(store)
    spotify.tokens = [*answers]
    with pytest.raises(SpotifyError) as caught:
        provider(store, spotify, clock).access_token()
    assert not isinstance(caught.value, SignInRequired)
    assert spotify.tokens == []  # neither fewer calls nor more
    assert replace(stored(store), refresh_started_at=None) == before
    assert len(clock.slept) == len(answers) - 1


def test_o07_server_error_that_passes_is_waited_out(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.tokens = [httpx.Response(503), httpx.Response(429, headers={"Retry-After": "7"}), token_answer("good")]
    assert provider(store, spotify, clock).access_token().reveal() == "good"
    assert clock.slept == [0.5, 7.5]


def test_o07_pause_until_a_moment_is_counted_from_now(store: TokenStore, spotify: Spotify, clock: Clock):
    later = format_datetime(datetime.fromtimestamp(clock.now + 7, UTC), usegmt=True)
    spotify.tokens = [httpx.Response(429, headers={"Retry-After": later}), token_answer("good")]
    assert provider(store, spotify, clock).access_token().reveal() == "good"
    assert clock.slept == [7.5]


def test_rejected_token_is_replaced_once_for_all_processes(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.tokens = [token_answer("a1"), token_answer("a2")]
    one, other = provider(store, spotify, clock), provider(store, spotify, clock)
    rejected = one.access_token()
    assert other.access_token() == rejected
    assert one.replace_rejected(rejected).reveal() == "a2"
    assert other.replace_rejected(rejected).reveal() == "a2"  # found in the store, not asked for again
    assert len(spotify.token_calls) == 2


def test_authorization_of_another_service_is_never_sent(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock, issuer="http://127.0.0.1:8900", access_token=Secret("sandbox"), renew_at=clock.now + 999)
    with pytest.raises(SignInRequired):
        provider(store, spotify, clock, settings(refresh_token=None)).access_token()
    assert spotify.asked == []


@pytest.mark.parametrize("signed_in", [False, True], ids=["seed", "signed in"])
def test_o09_a_key_that_is_not_the_states_is_told_before_any_call(
    store: TokenStore, spotify: Spotify, clock: Clock, signed_in: bool
):
    """What a renewal gives could not be stored, and the stored token is no longer valid after it."""
    if signed_in:
        put(store, clock)
    store.state.require_key()
    other = TokenStore(StateStore(store.state.place, store.state.home, key=lambda: Key.of(new_key())))
    with pytest.raises(StateError, match="encrypted with another key than SPOTIFY_PIPELINE_KEY"):
        provider(other, spotify, clock).access_token()
    assert spotify.asked == []


def test_a_key_that_is_changed_meanwhile_ends_a_process_before_its_next_renewal(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    old, new = Key.of(new_key()), Key.of(new_key())
    mine = TokenStore(StateStore(store.state.place, store.state.home, key=lambda: old))
    put(mine, clock)
    tokens = provider(mine, spotify, clock)
    tokens.access_token()
    with mine.exclusive():
        reseal(StateStore(store.state.place, store.state.home), old, new)
    clock.now += 3600
    with pytest.raises(StateError, match="another key"):
        tokens.access_token()
    assert len(spotify.token_calls) == 1
    theirs = TokenStore(StateStore(store.state.place, store.state.home, key=lambda: new))
    assert provider(theirs, spotify, clock).access_token()
    assert len(spotify.token_calls) == 2


def test_a_token_that_is_stored_is_used_without_waiting_for_who_renews_another(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    put(store, clock, access_token=Secret("good"), renew_at=clock.now + 60)
    with store.exclusive():
        assert provider(store, spotify, clock).access_token().reveal() == "good"
    with unwritable(store):
        assert provider(store, spotify, clock).access_token().reveal() == "good"
    assert spotify.asked == []


def test_seed_stays_with_the_label_that_the_environment_chose(store: TokenStore, spotify: Spotify, clock: Clock):
    chosen = settings(authorization="acme")
    with pytest.raises(SignInRequired, match="as `other` yet"):
        provider(store, spotify, clock, chosen.choosing("other")).access_token()
    assert spotify.asked == []
    assert chosen.choosing("acme").refresh_token is not None
    assert provider(store, spotify, clock, chosen).access_token()
    assert [each.label for each in store.all()] == ["acme"]


def test_seed_is_never_used_under_two_labels(store: TokenStore, spotify: Spotify, clock: Clock):
    """It rotates under the first; sent again under the second it would end both."""
    assert provider(store, spotify, clock, settings(authorization="first")).access_token()
    with pytest.raises(SignInRequired):
        provider(store, spotify, clock, settings(authorization="second")).access_token()
    assert len(spotify.token_calls) == 1
