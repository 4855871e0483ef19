"""How old a sign-in is said to be: O15."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.sandbox.store.clock import add_months
from spotify_pipeline.spotify import Secret, SignInKind, TokenStore, sign_in_state, sign_out
from spotify_pipeline.spotify.auth.expiry import six_months_after
from spotify_pipeline_tests.spotify.authorizations import provider, put
from spotify_pipeline_tests.spotify.scripted import SECRETS, Clock, Spotify, settings

UNSEEDED = settings(refresh_token=None)
AGREED = datetime(2026, 8, 31, 12, 0, tzinfo=UTC)
ENDS = datetime(2027, 2, 28, 12, 0, tzinfo=UTC)  # there is no 31 February


@pytest.mark.parametrize(
    ("left", "kind", "days", "words"),
    [
        (timedelta(days=181), SignInKind.OK, 181, "The sign-in ends on 2027-02-28."),
        (timedelta(days=30, seconds=1), SignInKind.OK, 30, "The sign-in ends on 2027-02-28."),
        (timedelta(days=30), SignInKind.ENDS_SOON, 30, "ends on 2027-02-28, in 30 days. Run"),
        (timedelta(days=14), SignInKind.ENDS_SOON, 14, "in 14 days"),
        (timedelta(days=7, hours=5), SignInKind.ENDS_SOON, 7, "in 7 days"),
        (timedelta(days=1), SignInKind.ENDS_SOON, 1, "in 1 day. Run `spotify-pipeline login` before then."),
        (timedelta(seconds=1), SignInKind.ENDS_SOON, 0, "within a day"),
        (timedelta(0), SignInKind.ENDED, 0, "ended on 2027-02-28, six months after the user agreed. Run"),
        (timedelta(days=-3), SignInKind.ENDED, -3, "ended on 2027-02-28"),
    ],
)
def test_o15_sign_in_is_warned_of_from_30_days_before_its_six_calendar_months_are_over(
    store: TokenStore, clock: Clock, left: timedelta, kind: SignInKind, days: int, words: str
):
    put(store, clock, authorized_at=AGREED.timestamp())
    state = sign_in_state(UNSEEDED, store, ENDS - left)
    assert (state.kind, state.ends_at, state.days_left) == (kind, ENDS, days)
    assert words in state.sentence


def test_o15_five_months_and_a_day_after_sign_in_is_a_warning_with_the_days_left(store: TokenStore, clock: Clock):
    put(store, clock, authorized_at=datetime(2026, 7, 20, tzinfo=UTC).timestamp())
    state = sign_in_state(UNSEEDED, store, datetime(2026, 12, 21, 1, tzinfo=UTC))
    assert (state.kind, state.days_left) == (SignInKind.ENDS_SOON, 29)
    assert "29 days" in state.sentence


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_o15_end_is_the_day_on_which_the_sandbox_ends_a_grant(agreed: datetime):
    assert six_months_after(agreed) == add_months(agreed, 6)


def test_o15_renewing_does_not_move_the_end(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock, authorized_at=clock.now)
    ends = sign_in_state(UNSEEDED, store, datetime.fromtimestamp(clock.now, UTC)).ends_at
    clock.now += 90 * 86_400
    provider(store, spotify, clock, UNSEEDED).access_token()
    assert sign_in_state(UNSEEDED, store, datetime.fromtimestamp(clock.now, UTC)).ends_at == ends


def test_o15_seed_is_of_unknown_age_and_ends_six_months_after_it_was_first_seen_at_the_latest(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    unused = sign_in_state(settings(), store, AGREED)
    assert (unused.kind, unused.ends_at, unused.days_left) == (SignInKind.UNKNOWN_AGE, None, None)
    clock.now = AGREED.timestamp()
    for _ in range(4):  # renewed again and again, and known since the first time
        provider(store, spotify, clock).access_token()
        clock.now += 86_400
    state = sign_in_state(settings(), store, AGREED + timedelta(days=60))
    assert (state.kind, state.ends_at) == (SignInKind.UNKNOWN_AGE, ENDS)
    assert "first used here on 2026-08-31; it ends on 2027-02-28 at the latest" in state.sentence
    assert sign_in_state(settings(), store, ENDS - timedelta(days=10)).kind is SignInKind.ENDS_SOON
    assert sign_in_state(settings(), store, ENDS).kind is SignInKind.ENDED


def test_o15_entry_that_says_nothing_of_its_age_is_counted_from_its_next_renewal(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    put(store, clock)
    assert sign_in_state(settings(), store, AGREED).ends_at is None
    clock.now = AGREED.timestamp()
    provider(store, spotify, clock).access_token()
    assert sign_in_state(settings(), store, AGREED).ends_at == ENDS


def test_o15_new_seed_begins_anew_and_a_new_sign_in_too(store: TokenStore, clock: Clock):
    put(store, clock, authorized_at=AGREED.timestamp(), needs_sign_in=True)
    newly_seeded = settings(refresh_token=Secret("another"))
    assert sign_in_state(newly_seeded, store, ENDS).kind is SignInKind.UNKNOWN_AGE
    put(store, clock, authorized_at=ENDS.timestamp())
    assert sign_in_state(UNSEEDED, store, ENDS).kind is SignInKind.OK


def test_refused_sign_in_has_ended_whatever_its_age(store: TokenStore, clock: Clock):
    put(store, clock, authorized_at=AGREED.timestamp(), needs_sign_in=True)
    state = sign_in_state(UNSEEDED, store, AGREED)
    assert state.kind is SignInKind.ENDED
    assert "revoked, replaced, or is over six months old. Run `spotify-pipeline login`." in state.sentence


@pytest.mark.parametrize(("label", "command"), [("default", "login`."), ("agency", "login --label agency`.")])
def test_nobody_signed_in_names_the_command_of_the_label(store: TokenStore, clock: Clock, label: str, command: str):
    chosen = settings(refresh_token=None, authorization=label)
    put(store, clock, label="third")
    state = sign_in_state(chosen, store, AGREED)
    assert (state.kind, state.ends_at) == (SignInKind.MISSING, None)
    assert state.sentence.endswith(f"Run `spotify-pipeline {command}")


def test_signed_out_is_missing_even_with_the_old_seed_still_set(store: TokenStore, clock: Clock):
    put(store, clock)
    sign_out(settings(), store)
    assert sign_in_state(settings(), store, AGREED).kind is SignInKind.MISSING


def test_no_state_holds_a_token(store: TokenStore, clock: Clock):
    put(store, clock, refresh_token=Secret(SECRETS[3]), access_token=Secret(SECRETS[2]))
    shown = repr(sign_in_state(settings(), store, AGREED))
    assert not [secret for secret in SECRETS if secret in shown]
