from __future__ import annotations

import json
import os
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spotify_pipeline.spotify import (
    Secret,
    SignInKind,
    SpotifyUnavailable,
    TokenStore,
    TokenStoreUnusable,
    authorization_state,
)
from spotify_pipeline.spotify.auth.token_provider import LONGEST_RENEWAL
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


def test_file_is_private_whatever_the_umask_says(store: TokenStore):
    before = os.umask(0)
    try:
        save(store)
    finally:
        os.umask(before)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (store.path.parent, *store.path.parent.iterdir())}
    assert modes.pop("home") == 0o700
    assert modes == dict.fromkeys(["tokens.json", "tokens.json.lock", "tokens.json.prev"], 0o600)


def test_default_place_is_the_projects_own_directory(tmp_path: Path):
    assert TokenStore.in_home(tmp_path).path == tmp_path / "tokens.json"


@pytest.mark.parametrize("version", [1, 3])
def test_file_of_another_version_is_left_alone(store: TokenStore, version: int):
    save(store)
    content = json.dumps({"version": version, "authorizations": []}).encode()
    store.path.write_bytes(content)
    with pytest.raises(TokenStoreUnusable, match="another version"):
        save(store)
    assert store.path.read_bytes() == content


@pytest.mark.parametrize(
    "odd",
    [10**400, 1e18, -1.0, float("inf"), float("nan"), 4e9 + 1],
    ids=["huge integer", "huge", "negative", "infinite", "nan", "too late"],
)
def test_time_that_cannot_be_one_is_unknown(store: TokenStore, odd: float):
    save(store)
    content = json.loads(store.path.read_bytes())
    content["authorizations"][0].update(dict.fromkeys(("authorized_at", "seeded_at", "renew_at"), odd))
    content["authorizations"][0].update(refresh_started_at=odd, needs_sign_in=True)
    store.path.write_text(json.dumps(content))
    (found,) = store.all()
    assert found == replace(GIVEN, authorized_at=None, renew_at=0.0, needs_sign_in=True)
    assert authorization_state(found, datetime(2026, 11, 1, tzinfo=UTC)).kind is SignInKind.ENDED


def test_unknown_or_odd_optional_fields_do_no_harm(store: TokenStore):
    save(store)
    content = json.loads(store.path.read_bytes())
    odd = {"later": 1, "authorized_at": "soon", "renew_at": None, "access_token": 5, "needs_sign_in": "no", "scopes": 7}
    content["authorizations"][0].update(odd)
    store.path.write_text(json.dumps(content))
    found = store.find(ISSUER, "client-1")
    assert found == replace(GIVEN, authorized_at=None, renew_at=0.0, access_token=None, scopes=None)


@pytest.mark.parametrize("label", [None, "", "Agency", "a b", "../x", 7])
def test_entry_whose_label_or_restriction_cannot_be_read_is_damage_and_never_an_unrestricted_one(
    store: TokenStore, label: object
):
    save(store, replace(GIVEN, business_id="b1"))
    store.path.with_name("tokens.json.prev").unlink()
    content = json.loads(store.path.read_bytes())
    for damage in ({"label": label}, {"business_id": ["b1"]}):
        spoilt = {**content, "authorizations": [{**content["authorizations"][0], **damage}]}
        store.path.write_text(json.dumps(spoilt))
        with pytest.raises(TokenStoreUnusable, match="damaged"):
            store.all()


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
    stuck = pytest.raises(SpotifyUnavailable, match="Another process has locked the token store")
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
