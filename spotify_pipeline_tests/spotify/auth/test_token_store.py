from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from spotify_pipeline.spotify import Secret, SpotifyUnavailable, TokenStore
from spotify_pipeline.spotify.auth.authorization import AUTHORIZATION
from spotify_pipeline.spotify.auth.token_provider import LONGEST_RENEWAL
from spotify_pipeline.state import StateError, place_of, tables
from spotify_pipeline_tests.spotify.authorizations import GIVEN, ISSUER, save
from spotify_pipeline_tests.spotify.forks import fork_that_waits
from spotify_pipeline_tests.spotify.scripted import Clock


def test_what_is_saved_is_found_again(store: TokenStore):
    assert store.find(ISSUER, "client-1") is None
    save(store)
    assert store.find(ISSUER, "client-1") == GIVEN


def test_each_service_client_and_label_has_its_own_authorization(store: TokenStore):
    others = [
        replace(GIVEN, issuer="http://127.0.0.1:8900"),
        replace(GIVEN, client_id="client-2"),
        replace(GIVEN, label="agency", business_id="b0000000-0000-4000-8000-000000000001"),
    ]
    for each in (GIVEN, *others):
        save(store, each)
    changed = replace(GIVEN, refresh_token=Secret("new"))
    save(store, changed)
    assert store.find(ISSUER, "client-1") == changed
    assert [store.find(*each.key) for each in others] == others
    assert store.all() == sorted([changed, *others], key=lambda each: each.key)
    assert store.find(ISSUER, "client-3") is None


def test_o08_no_token_is_in_the_clear_in_any_file(store: TokenStore):
    save(store)
    if store.state.place.is_shared:
        with store.state.read() as transaction:
            (content,) = transaction.scalars(sa.select(tables.sign_in.c.content))
    else:
        content = b"".join(each.read_bytes() for each in store.state.home.glob("state.*"))
    assert content
    assert not [each for each in (b"7CANARY", b'"older"') if each in content]


def test_a_sign_in_moved_to_another_label_is_not_opened(store: TokenStore):
    """A restriction to a business must not be shed by a change of the row."""
    save(store, replace(GIVEN, business_id="b1"))
    with store.state.begin() as transaction:
        transaction.execute(tables.sign_in.update().values(label="other"))
    with pytest.raises(StateError, match="damaged"):
        store.find(ISSUER, "client-1", "other")


@pytest.mark.parametrize("odd", [{"format": 2}, {"later": 1}, {"business_id": ["b1"]}, {"refresh_token": 7}])
def test_a_sign_in_of_another_version_is_told_and_quotes_nothing(store: TokenStore, odd: dict[str, Any]):
    save(store)
    spoilt = {**json.loads(AUTHORIZATION.text(GIVEN)), **odd}
    sealed = store.state.seal(json.dumps(spoilt).encode(), place_of(tables.sign_in.c.content, *GIVEN.key))
    with store.state.begin() as transaction:
        transaction.execute(tables.sign_in.update().values(content=sealed))
    with pytest.raises(StateError, match="a sign-in that this version of the project cannot read") as caught:
        store.all()
    assert "CANARY" not in str(caught.value)
    assert caught.value.__context__ is None


def test_lock_keeps_others_out_until_it_is_left(store: TokenStore):
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait(5)
        with store.exclusive(sleep=lambda _: None):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.exclusive() as tokens:
        inside.set()
        tokens.save(GIVEN)
        assert store.find(ISSUER, "client-1") == GIVEN  # reading waits for nobody
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_lock_that_is_never_freed_is_told_but_not_while_a_renewal_may_still_hold_it(store: TokenStore):
    clock = Clock()
    stuck = pytest.raises(SpotifyUnavailable, match="Another process has locked the sign-ins")
    with store.exclusive(), stuck, store.exclusive(sleep=clock.sleep, clock=clock):
        pass
    assert LONGEST_RENEWAL < sum(clock.slept) < LONGEST_RENEWAL + 60


def test_lock_is_free_once_it_is_left_though_a_process_forked_meanwhile_lives_on(store: TokenStore):
    with store.exclusive():
        end = fork_that_waits()
    clock = Clock()
    try:
        with store.exclusive(sleep=clock.sleep, clock=clock):
            assert clock.slept == []
    finally:
        end()


def test_failure_inside_frees_the_lock(store: TokenStore):
    with pytest.raises(ZeroDivisionError), store.exclusive():
        raise ZeroDivisionError
    save(store)
    assert store.find(ISSUER, "client-1") == GIVEN
