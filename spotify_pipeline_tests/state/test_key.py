"""What is encrypted in the state: with which key, for which place."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from spotify_pipeline.state import Key, StateError, StateStore, new_key

SECRET = b"a token that nobody may read"


def test_what_is_sealed_can_be_opened_and_not_be_read() -> None:
    key = Key.of(new_key())
    sealed = key.seal(SECRET, "tokens/me")
    assert SECRET not in sealed
    assert key.open(sealed, "tokens/me") == SECRET
    assert key.seal(SECRET, "tokens/me") != sealed, "the same twice must not be seen to be the same"


def test_what_was_moved_to_another_place_is_damaged() -> None:
    key = Key.of(new_key())
    with pytest.raises(StateError, match="damaged"):
        key.open(key.seal(SECRET, "tokens/me"), "tokens/you")


@pytest.mark.parametrize("at", [8, 20, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    key = Key.of(new_key())
    sealed = bytearray(key.seal(SECRET, "here"))
    sealed[at] ^= 1
    with pytest.raises(StateError, match="damaged"):
        key.open(bytes(sealed), "here")


@pytest.mark.parametrize("cut", [0, 3, 6, 18, 33])
def test_what_was_cut_off_is_an_error_of_ours(cut: int) -> None:
    key = Key.of(new_key())
    with pytest.raises(StateError):
        key.open(key.seal(SECRET, "here")[:cut], "here")


def test_another_key_is_told_from_damage() -> None:
    sealed = Key.of(new_key()).seal(SECRET, "here")
    with pytest.raises(StateError, match="another key"):
        Key.of(new_key()).open(sealed, "here")


@pytest.mark.parametrize("text", ["", "geheim", "geheim" * 9, "A" * 42, "ä" * 44])
def test_a_text_that_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(StateError) as refused:
        Key.of(text)
    assert "geheim" not in str(refused.value)
    assert "SPOTIFY_PIPELINE_KEY" in str(refused.value)


def test_o16_a_key_shows_itself_in_no_text() -> None:
    text = new_key()
    assert text not in repr(Key.of(text))


def test_o08_the_key_of_a_home_is_a_private_file_that_stays(tmp_path: Path) -> None:
    state = StateStore.in_home(tmp_path / "home")
    sealed = state.seal(SECRET, "here")
    file = tmp_path / "home" / "state.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert StateStore.in_home(tmp_path / "home").open(sealed, "here") == SECRET


def test_o08_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    StateStore.in_home(tmp_path / "home").seal(SECRET, "here")
    (tmp_path / "home" / "state.key").chmod(0o644)
    with pytest.raises(StateError, match="chmod 600"):
        StateStore.in_home(tmp_path / "home").seal(SECRET, "here")


def test_threads_that_need_the_first_key_at_once_get_the_same(tmp_path: Path) -> None:
    home = tmp_path / "home"
    StateStore.in_home(home).create()
    start = threading.Barrier(8)
    sealed: list[bytes] = []

    def seal() -> None:
        start.wait()
        sealed.append(StateStore.in_home(home).seal(SECRET, "here"))

    threads = [threading.Thread(target=seal) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [StateStore.in_home(home).open(each, "here") for each in sealed] == [SECRET] * 8
    assert not list(home.glob(".state.key.*"))


def test_a_state_of_another_key_says_so_before_anything_is_written(state: StateStore) -> None:
    state.seal(SECRET, "here")
    other = StateStore(state.place, state.home, key=lambda: Key.of(new_key()))
    with pytest.raises(StateError, match="encrypted with another key"):
        other.seal(SECRET, "here")


@pytest.mark.e2e
def test_a_shared_state_without_a_key_asks_for_one(empty_database: str, tmp_path: Path) -> None:
    from spotify_pipeline.state import Place

    store = StateStore(Place.of(empty_database, tmp_path), tmp_path)
    store.create()
    with pytest.raises(StateError, match="Set SPOTIFY_PIPELINE_KEY"):
        store.seal(SECRET, "here")


def test_a_key_file_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    StateStore.in_home(home).seal(SECRET, "here")
    (home / "state.key").unlink()
    with pytest.raises(StateError, match="another key"):
        StateStore.in_home(home).require_key()
    assert not (home / "state.key").exists()
