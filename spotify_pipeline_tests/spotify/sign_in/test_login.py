"""Signing in: what is asked of Spotify, what is stored, what the user is told."""

from __future__ import annotations

import base64
import hashlib
import re

import httpx
import pytest

from spotify_pipeline.spotify import (
    Authorization,
    Secret,
    SettingsInvalid,
    SignInFailed,
    SpotifyUnavailable,
    TokenStore,
    sign_in,
)
from spotify_pipeline.state import Key, StateError, StateStore, new_key
from spotify_pipeline_tests.spotify.authorizations import ISSUER
from spotify_pipeline_tests.spotify.logins import agree, run
from spotify_pipeline_tests.spotify.scripted import BUSINESS, Clock, Spotify, settings, token_answer


def test_sign_in_stores_the_tokens_and_when_the_user_agreed(store: TokenStore, spotify: Spotify):
    browser, outcome = run(store, spotify, agree)
    assert browser.answers[0][0] == 200
    assert isinstance(outcome, Authorization)
    found = store.find(ISSUER, "client-1")
    assert found is not None
    assert found == outcome
    assert found.refresh_token == Secret("refresh-7CANARYREFRESH")
    assert found.access_token == Secret("a1")
    assert found.authorized_at == 1_800_000_000.0
    assert found.renew_at == 1_800_003_300.0


def test_o13_pkce_s256_state_and_the_registered_address_are_used(store: TokenStore, spotify: Spotify):
    browser, _ = run(store, spotify, agree)
    assert browser.url.startswith("https://accounts.spotify.com/authorize?")
    assert browser.query["client_id"] == "client-1"
    assert browser.query["response_type"] == "code"
    assert browser.query["code_challenge_method"] == "S256"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback", browser.query["redirect_uri"])
    assert "scope" not in browser.query
    sent = spotify.token_calls[0]
    challenge = (
        base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"][0].encode()).digest()).rstrip(b"=").decode()
    )
    assert challenge == browser.query["code_challenge"]
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", sent["code_verifier"][0])  # RFC 7636 section 4.1
    assert sent["grant_type"] == ["authorization_code"]
    assert sent["code"] == ["the-code"]
    assert sent["redirect_uri"] == [browser.query["redirect_uri"]]


def test_each_sign_in_has_its_own_state_and_verifier(store: TokenStore, spotify: Spotify):
    queries = [run(store, spotify, agree)[0].query for _ in range(2)]
    assert len({query["state"] for query in queries}) == 2
    assert len({query["code_challenge"] for query in queries}) == 2


def test_app_without_a_secret_signs_in_by_pkce_alone(store: TokenStore, spotify: Spotify):
    run(store, spotify, agree, settings=settings(client_secret=None, refresh_token=None))
    assert spotify.token_calls[0]["client_id"] == ["client-1"]
    assert "authorization" not in spotify.asked[0].headers


def test_user_who_refuses_is_told_how_to_go_on(store: TokenStore, spotify: Spotify):
    _, outcome = run(store, spotify, lambda it: it.come_back(error="access_denied") and None)
    assert isinstance(outcome, SignInFailed)
    assert "refused in the browser. Run it again and choose Agree." in str(outcome)
    assert store.find(ISSUER, "client-1") is None
    assert spotify.token_calls == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), SignInFailed, "does not accept the sign-in"),
        (httpx.Response(400, json={"error": "invalid_client"}), SettingsInvalid, "SPOTIFY_CLIENT_ID"),
        (httpx.Response(503), SpotifyUnavailable, "status 503"),
        (httpx.Response(200, text="<html>"), SpotifyUnavailable, "without a token"),
        (token_answer("a"), SignInFailed, "no refresh token"),
    ],
)
def test_failed_exchange_is_told_and_leaves_the_store_as_it_was(
    store: TokenStore, spotify: Spotify, answer: httpx.Response, kind: type[Exception], words: str
):
    run(store, spotify, agree)
    before = store.all()
    spotify.tokens = [answer]
    _, outcome = run(store, spotify, agree)
    assert type(outcome) is kind
    assert words in str(outcome)
    assert "the-code" not in str(outcome)
    assert store.all() == before


def test_seed_of_the_environment_does_not_undo_a_later_sign_in(store: TokenStore, spotify: Spotify, clock: Clock):
    run(store, spotify, agree, settings=settings())
    clock.now = 1_800_000_000.0 + 3600
    spotify.api = [httpx.Response(200, json={"businesses": []})]
    with spotify.open(store, clock) as client:
        client.businesses()
    assert spotify.token_calls[-1]["refresh_token"] == ["refresh-7CANARYREFRESH"]


def test_sign_in_ends_the_stop_after_a_revoked_authorization(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.tokens = [httpx.Response(400, json={"error": "invalid_grant"})]
    with spotify.open(store, clock) as client, pytest.raises(Exception, match="login"):
        client.businesses()
    run(store, spotify, agree, settings=settings())
    clock.now = 1_800_000_001.0
    spotify.api = [httpx.Response(200, json={"businesses": []})]
    with spotify.open(store, clock) as client:
        assert client.businesses() == []


def test_a_store_whose_key_is_missing_is_told_before_the_browser_opens(store: TokenStore, spotify: Spotify):
    run(store, spotify, agree)
    other = TokenStore(StateStore(store.state.place, store.state.home, key=lambda: Key.of(new_key())))
    opened: list[str] = []
    with pytest.raises(StateError, match="another key"):
        sign_in(settings(), other, open_browser=opened.append, port=0, transport=spotify.transport())
    assert opened == []


OTHER = "b0000000-0000-4000-8000-00000000000b"


def businesses(*ids: str) -> httpx.Response:
    found = [{"id": each, "name": f"Business {number}"} for number, each in enumerate(ids)]
    return httpx.Response(200, json={"businesses": found})


def test_sign_ins_of_several_labels_stay_beside_each_other(store: TokenStore, spotify: Spotify):
    for label in ("default", "agency"):
        spotify.tokens = [token_answer(f"access-{label}", refresh_token=f"refresh-{label}")]
        run(store, spotify, agree, settings=settings(refresh_token=None, authorization=label))
    assert {each.label: each.refresh_token.reveal() for each in store.all()} == {
        "default": "refresh-default",
        "agency": "refresh-agency",
    }


def test_sign_in_for_one_business_is_stored_with_it_once_the_user_belongs_to_it(store: TokenStore, spotify: Spotify):
    spotify.api = [businesses(OTHER, BUSINESS.upper())]
    _, outcome = run(store, spotify, agree, business_id=BUSINESS)
    assert isinstance(outcome, Authorization)
    assert outcome.business_id == BUSINESS
    assert store.all() == [outcome]
    assert spotify.api_calls[0].headers["authorization"] == "Bearer a1"


def test_sign_in_for_a_business_that_is_not_the_users_is_taken_back(store: TokenStore, spotify: Spotify):
    for before in ([], None):
        if before is None:
            spotify.api = [businesses(OTHER)]
            run(store, spotify, agree, business_id=OTHER)
            before = store.all()
        spotify.api = [businesses(OTHER)]
        _, outcome = run(store, spotify, agree, business_id=BUSINESS)
        assert isinstance(outcome, SignInFailed)
        assert f"does not belong to the business {BUSINESS}; theirs: Business 0 ({OTHER})." in str(outcome)
        assert store.all() == before


def test_business_that_cannot_be_checked_now_leaves_the_sign_in_restricted_to_it(
    store: TokenStore, spotify: Spotify, caplog: pytest.LogCaptureFixture
):
    spotify.api = [httpx.Response(403)]
    _, outcome = run(store, spotify, agree, business_id=BUSINESS)
    assert isinstance(outcome, Authorization)
    assert store.all()[0].business_id == BUSINESS
    assert "the business could not be checked" in caplog.text


def test_signing_in_again_keeps_the_restriction_and_can_only_change_it_by_name(store: TokenStore, spotify: Spotify):
    for asked, expected in [(BUSINESS, BUSINESS), (None, BUSINESS), (OTHER, OTHER), (None, OTHER)]:
        spotify.api = [businesses(BUSINESS, OTHER)]
        run(store, spotify, agree, business_id=asked)
        assert store.all()[0].business_id == expected


@pytest.mark.parametrize("business_id", ["", " ", "acme", "*", BUSINESS[:-1], f"{BUSINESS} "])
def test_business_that_is_no_id_is_refused_before_the_browser_opens(
    store: TokenStore, spotify: Spotify, business_id: str
):
    browser, outcome = run(store, spotify, agree, business_id=business_id)
    assert isinstance(outcome, SettingsInvalid)
    assert "The business to sign in for is not a UUID" in str(outcome)
    assert not hasattr(browser, "url")
    assert store.all() == []


def test_sign_in_that_is_taken_back_leaves_an_unused_seed_usable(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [businesses(OTHER)]
    _, outcome = run(store, spotify, agree, business_id=BUSINESS, settings=settings())
    assert isinstance(outcome, SignInFailed)
    spotify.api = [businesses(OTHER)]
    with spotify.open(store, clock) as client:
        client.businesses()
    assert spotify.token_calls[-1]["refresh_token"] == ["seed-7CANARYSEED"]
