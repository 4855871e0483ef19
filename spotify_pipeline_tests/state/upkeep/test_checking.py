"""`state check`: everything can be read, and locks hold."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from spotify_pipeline.state import StateStore, faults_of, lock_fault, place_of, tables


def test_a_sound_state_has_no_fault(state: StateStore) -> None:
    sealed = state.seal(b"x", place_of(tables.audience.c.session, "a", "b"))
    with state.begin() as transaction:
        row = {"ad_account_id": "a", "audience": "b", "content": "{}", "session": sealed}
        transaction.execute(tables.audience.insert().values(row))
    assert faults_of(state) == []
    assert lock_fault(state) is None


def test_what_was_sealed_for_another_row_is_a_fault(state: StateStore) -> None:
    row = {"ad_account_id": "a", "audience": "b", "content": "{}", "session": state.seal(b"x", "elsewhere")}
    with state.begin() as transaction:
        transaction.execute(tables.audience.insert().values(row))
    (fault,) = faults_of(state)
    assert "damaged" in fault


def test_a_damaged_file_is_a_fault(tmp_path: Path) -> None:
    state = StateStore.in_home(tmp_path / "home")
    state.create()
    file = tmp_path / "home" / "state.sqlite"
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\x5a" * 8192
    file.write_bytes(bytes(content))
    (fault,) = faults_of(state)
    assert "damaged" in fault


def test_locks_that_do_not_hold_are_a_fault_that_names_poolers(tmp_path: Path) -> None:
    class Pooled(StateStore):
        @contextmanager
        def lock(self, *_: object, **__: object):
            yield

    state = Pooled(StateStore.in_home(tmp_path).place, tmp_path)
    assert "transaction mode" in (lock_fault(state) or "")


@pytest.mark.e2e
def test_a_database_that_cannot_be_reached_is_a_fault(tmp_path: Path) -> None:
    from spotify_pipeline.state import Place

    place = Place.of("postgresql://me:geheim@127.0.0.1:1/audiences", tmp_path)
    (fault,) = faults_of(StateStore(place, tmp_path))
    assert "geheim" not in fault
