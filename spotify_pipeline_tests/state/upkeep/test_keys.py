"""Another key, and a key that is lost."""

from __future__ import annotations

import os
import secrets
import signal
from pathlib import Path
from typing import NoReturn

import pytest

from spotify_pipeline.state import (
    Key,
    ListsKey,
    StateError,
    StateStore,
    change_key,
    forget_key,
    new_key,
    place_of,
    tables,
)

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


class DeadlyKey(Key):
    """The process is killed as soon as it seals with this key."""

    def seal(self, content: bytes, place: str) -> NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError(content, place)


def test_identifiers_in_a_bucket_outlive_another_key(state: StateStore) -> None:
    sealed = ListsKey(state).seal(b"identifiers", "an object")
    other = Key.of(new_key())
    assert change_key(StateStore(state.place, state.home, key=state.key), other) == 1
    machine = StateStore(state.place, state.home, key=lambda: other)
    assert ListsKey(machine).open(sealed, "an object") == b"identifiers"
    with pytest.raises(StateError, match="another key"):
        ListsKey(StateStore(state.place, state.home, key=lambda: Key.of(new_key()))).seal(b"", "")


def test_two_machines_make_one_key_of_identifiers(state: StateStore) -> None:
    machines = [ListsKey(StateStore(state.place, state.home, key=state.key)) for _ in range(2)]
    one, other = (each.seal(b"identifiers", "an object") for each in machines)
    assert [machines[0].open(other, "an object"), machines[1].open(one, "an object")] == [b"identifiers"] * 2


@pytest.mark.integration
def test_a_process_that_is_killed_amid_a_change_leaves_the_former_key(tmp_path: Path) -> None:
    state = StateStore.in_home(tmp_path)
    fill(state)
    sealed = ListsKey(state).seal(b"identifiers", "an object")
    raw = secrets.token_bytes(32)
    child = os.fork()
    if child == 0:
        try:
            change_key(StateStore.in_home(tmp_path), DeadlyKey(raw))
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert opened(StateStore.in_home(tmp_path)) == SESSION
    assert ListsKey(StateStore.in_home(tmp_path)).open(sealed, "an object") == b"identifiers"

    assert change_key(StateStore.in_home(tmp_path), Key(raw)) == 2
    again = StateStore(state.place, tmp_path, key=lambda: Key(raw))
    assert opened(again) == SESSION
    assert ListsKey(again).open(sealed, "an object") == b"identifiers"


def test_identifiers_of_a_lost_key_are_given_up_and_others_can_be_kept(state: StateStore) -> None:
    sealed = ListsKey(state).seal(b"identifiers", "an object")
    forget_key(StateStore(state.place, state.home))
    key = Key.of(new_key())
    found = ListsKey(StateStore(state.place, state.home, key=lambda: key))
    with pytest.raises(StateError):
        found.open(sealed, "an object")
    assert found.open(found.seal(b"identifiers", "an object"), "an object") == b"identifiers"


def test_what_a_lost_key_encrypted_is_given_up_and_another_can_be_used(state: StateStore) -> None:
    fill(state)
    key = Key.of(new_key())
    other = StateStore(state.place, state.home, key=lambda: key)
    with pytest.raises(StateError, match="another key"):
        other.require_key()
    assert forget_key(StateStore(state.place, state.home)) == 1
    assert other.open(other.seal(SESSION, PLACE), PLACE) == SESSION
