from __future__ import annotations

import json
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from spotify_pipeline.home import HomeError
from spotify_pipeline.spotify import Authorization, Secret, SpotifyUnavailable, TokenStore, TokenStoreUnusable
from spotify_pipeline_tests.spotify.scripted import Clock, full_disk

ISSUER = "https://accounts.spotify.com"
GIVEN = Authorization(
    issuer=ISSUER,
    client_id="client-1",
    refresh_token=Secret("refresh-7CANARYREFRESH"),
    previous_refresh_token=Secret("older"),
    authorized_at=1_800_000_000.5,
    access_token=Secret("access-7CANARYACCESS"),
    renew_at=1_800_003_300.0,
    seed_sha256="ab" * 32,
)


def save(store: TokenStore, authorization: Authorization = GIVEN) -> None:
    with store.exclusive() as tokens:
        tokens.save(authorization)


def test_what_is_saved_is_found_again(store: TokenStore):
    assert store.find(ISSUER, "client-1") is None
    save(store)
    assert store.find(ISSUER, "client-1") == GIVEN


def test_each_service_and_client_has_its_own_authorization(store: TokenStore):
    others = [replace(GIVEN, issuer="http://127.0.0.1:8900"), replace(GIVEN, client_id="client-2")]
    for each in (GIVEN, *others):
        save(store, each)
    changed = replace(GIVEN, refresh_token=Secret("new"))
    save(store, changed)
    assert store.find(ISSUER, "client-1") == changed
    assert [store.find(each.issuer, each.client_id) for each in others] == others
    assert store.find(ISSUER, "client-3") is None


def test_file_is_private_whatever_the_umask_says(store: TokenStore):
    before = os.umask(0)
    try:
        save(store)
    finally:
        os.umask(before)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (store.path.parent, *store.path.parent.iterdir())}
    assert modes == {"home": 0o700, "tokens.json": 0o600, "tokens.json.lock": 0o600}


def test_default_place_is_the_projects_own_directory(tmp_path: Path):
    assert TokenStore.at_home({"SPOTIFY_PIPELINE_HOME": str(tmp_path)}).path == tmp_path / "tokens.json"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_o08_file_open_to_others_is_refused_and_left_alone(store: TokenStore, mode: int):
    save(store)
    content = store.path.read_bytes()
    store.path.chmod(mode)
    with pytest.raises(TokenStoreUnusable, match=rf"can be used by other users.*chmod 600 {store.path}"):
        store.find(ISSUER, "client-1")
    with pytest.raises(TokenStoreUnusable):
        save(store)
    assert store.path.read_bytes() == content


def test_o08_symbolic_link_is_refused(store: TokenStore, tmp_path: Path):
    save(store)
    elsewhere = store.path.rename(tmp_path / "elsewhere.json")
    store.path.symlink_to(elsewhere)
    with pytest.raises(TokenStoreUnusable, match="is a symbolic link"):
        store.find(ISSUER, "client-1")
    with pytest.raises(TokenStoreUnusable, match="is a symbolic link"):
        save(store)


def test_o08_link_in_place_of_the_lock_is_refused(store: TokenStore, tmp_path: Path):
    save(store)
    lock = store.path.with_name("tokens.json.lock")
    lock.unlink()
    lock.symlink_to(tmp_path / "victim")
    with pytest.raises(TokenStoreUnusable, match="lock"):
        save(store)
    assert not (tmp_path / "victim").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away to make this case")
def test_o08_file_or_directory_of_another_user_is_refused(store: TokenStore):
    save(store)
    os.chown(store.path, 4242, 4242)
    with pytest.raises(TokenStoreUnusable, match="belongs to another user"):
        store.find(ISSUER, "client-1")
    os.chown(store.path, 0, 0)
    os.chown(store.path.parent, 4242, 4242)
    with pytest.raises(TokenStoreUnusable, match="belongs to another user"):
        store.find(ISSUER, "client-1")


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_o08_directory_that_others_can_write_is_refused_and_its_mode_left(store: TokenStore, mode: int):
    save(store)
    store.path.parent.chmod(mode)
    with pytest.raises(TokenStoreUnusable, match="can be written by other users"):
        store.find(ISSUER, "client-1")
    with pytest.raises(TokenStoreUnusable, match="can be written by other users"):
        save(store)
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == mode


@pytest.mark.parametrize(
    "place", [lambda path: path.mkdir(), lambda path: os.mkfifo(path, 0o600)], ids=["directory", "pipe"]
)
def test_o08_something_else_in_its_place_is_refused_without_waiting(store: TokenStore, place):
    store.path.parent.mkdir(mode=0o700)
    place(store.path)
    with pytest.raises(TokenStoreUnusable, match="not a regular file"):
        store.find(ISSUER, "client-1")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\x00" * 100,
        b'{"version": 1}',
        b'{"version": 1, "authorizations": [{}]}',
        b'{"version": 1, "authorizations": [7]}',
        b'{"version": 1, "authorizations": {"a": 1}}',
    ],
)
def test_o09_damaged_file_is_told_and_never_overwritten(store: TokenStore, content: bytes):
    save(store)
    store.path.write_bytes(content)
    with pytest.raises(TokenStoreUnusable, match=r"is damaged\. .*spotify-pipeline login"):
        store.find(ISSUER, "client-1")
    with pytest.raises(TokenStoreUnusable):
        save(store)
    assert store.path.read_bytes() == content


def test_o09_file_cut_anywhere_is_told_or_whole(store: TokenStore):
    save(store)
    whole = store.path.read_bytes()
    for length in range(len(whole)):
        store.path.write_bytes(whole[:length])
        with pytest.raises(TokenStoreUnusable):
            store.find(ISSUER, "client-1")


def test_file_of_a_later_version_is_left_alone(store: TokenStore):
    save(store)
    content = json.dumps({"version": 2, "authorizations": []}).encode()
    store.path.write_bytes(content)
    with pytest.raises(TokenStoreUnusable, match="another version"):
        save(store)
    assert store.path.read_bytes() == content


def test_unknown_or_odd_optional_fields_do_no_harm(store: TokenStore):
    save(store)
    content = json.loads(store.path.read_bytes())
    content["authorizations"][0].update(
        {"label": "later", "authorized_at": "soon", "renew_at": None, "access_token": 5, "needs_sign_in": "no"}
    )
    store.path.write_text(json.dumps(content))
    found = store.find(ISSUER, "client-1")
    assert found == replace(GIVEN, authorized_at=None, renew_at=0.0, access_token=None)


def test_o10_failed_write_leaves_the_old_file(store: TokenStore):
    save(store)
    content = store.path.read_bytes()
    with full_disk(), pytest.raises(HomeError, match="cannot be written"):
        save(store, replace(GIVEN, refresh_token=Secret("new")))
    assert store.path.read_bytes() == content
    assert sorted(each.name for each in store.path.parent.iterdir()) == ["tokens.json", "tokens.json.lock"]


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


def test_lock_that_is_never_freed_is_told(store: TokenStore):
    clock = Clock()
    stuck = pytest.raises(SpotifyUnavailable, match="Another process has been using the token store")
    with store.exclusive(), stuck, store.exclusive(sleep=clock.sleep, clock=clock):
        pass
    assert sum(clock.slept) >= 180


def test_failure_inside_frees_the_lock(store: TokenStore):
    with pytest.raises(ZeroDivisionError), store.exclusive():
        raise ZeroDivisionError
    save(store)
    assert store.find(ISSUER, "client-1") == GIVEN
