"""Another key, and a key that is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.state import Key, StateError, StateStore, change_key, forget_key, new_key, place_of, tables

SESSION = b"the address of an upload session"
PLACE = place_of(tables.audience.c.session, "account", "lapsed")


def fill(state: StateStore) -> None:
    row = {"ad_account_id": "account", "audience": "lapsed", "content": "{}", "session": state.seal(SESSION, PLACE)}
    with state.begin() as transaction:
        transaction.execute(tables.audience.insert().values(row))


def opened(state: StateStore) -> bytes:
    with state.read() as transaction:
        sealed = transaction.scalar(tables.audience.select().with_only_columns(tables.audience.c.session))
    assert isinstance(sealed, bytes)
    return state.open(sealed, PLACE)


def test_the_key_of_a_home_is_replaced_by_another_in_the_same_file(tmp_path: Path) -> None:
    state = StateStore.in_home(tmp_path)
    fill(state)
    former = (tmp_path / "state.key").read_text()
    assert change_key(StateStore.in_home(tmp_path)) == 1
    assert opened(StateStore.in_home(tmp_path)) == SESSION
    assert (tmp_path / "state.key").read_text() != former
    assert not (tmp_path / "state.key.next").exists()
    with pytest.raises(StateError, match="another key"):
        fill(state)


def test_a_process_that_died_before_the_file_was_renamed_left_a_state_that_can_be_read(tmp_path: Path) -> None:
    fill(StateStore.in_home(tmp_path))
    former = (tmp_path / "state.key").read_bytes()
    change_key(StateStore.in_home(tmp_path))
    (tmp_path / "state.key").rename(tmp_path / "state.key.next")
    (tmp_path / "state.key").write_bytes(former)
    (tmp_path / "state.key").chmod(0o600)
    assert opened(StateStore.in_home(tmp_path)) == SESSION
    change_key(StateStore.in_home(tmp_path))
    assert opened(StateStore.in_home(tmp_path)) == SESSION


def test_a_key_of_the_settings_takes_the_place_of_the_file(tmp_path: Path) -> None:
    fill(StateStore.in_home(tmp_path))
    key = Key.of(new_key())
    assert change_key(StateStore.in_home(tmp_path), key) == 1
    state = StateStore.in_home(tmp_path)
    assert opened(StateStore(state.place, tmp_path, key=lambda: key)) == SESSION
    assert not (tmp_path / "state.key").exists()


def test_a_key_that_is_set_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    key = Key.of(new_key())
    state = StateStore(StateStore.in_home(tmp_path).place, tmp_path, key=lambda: key)
    fill(state)
    with pytest.raises(StateError, match="SPOTIFY_PIPELINE_NEW_KEY"):
        change_key(state)
    assert opened(state) == SESSION


def test_what_a_lost_key_encrypted_is_given_up_and_another_can_be_used(state: StateStore) -> None:
    fill(state)
    key = Key.of(new_key())
    other = StateStore(state.place, state.home, key=lambda: key)
    with pytest.raises(StateError, match="another key"):
        other.require_key()
    assert forget_key(StateStore(state.place, state.home)) == 1
    assert other.open(other.seal(SESSION, PLACE), PLACE) == SESSION
