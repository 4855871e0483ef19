"""Damaged files, full disks and writes that were cut short: O09, O10 and the store's part of O03."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from spotify_pipeline.home import HomeError
from spotify_pipeline.spotify import Authorization, Secret, TokenStore, TokenStoreUnusable
from spotify_pipeline.spotify.auth.authorization import StoreContents
from spotify_pipeline_tests.spotify.authorizations import GIVEN, ISSUER, names_beside, save
from spotify_pipeline_tests.spotify.scripted import full_disk

DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\x00" * 100,
    b'{"version": 2}',
    b'{"authorizations": []}',
    b'{"version": 2, "authorizations": [{}]}',
    b'{"version": 2, "authorizations": [7]}',
    b'{"version": 2, "authorizations": {"a": 1}}',
]
NEWER = replace(GIVEN, refresh_token=Secret("newer"))


def copy_of(store: TokenStore) -> Path:
    return store.path.with_name("tokens.json.prev")


@pytest.mark.parametrize("content", DAMAGED)
def test_o09_damaged_file_without_a_good_copy_is_told_and_never_overwritten(store: TokenStore, content: bytes):
    save(store)
    store.path.write_bytes(content)
    for spoilt in (None, b"", b"{"):
        copy_of(store).unlink(missing_ok=True)
        if spoilt is not None:
            copy_of(store).write_bytes(spoilt)
            copy_of(store).chmod(0o600)
        with pytest.raises(TokenStoreUnusable, match=r"is damaged\. .*spotify-pipeline login"):
            store.find(ISSUER, "client-1")
        with pytest.raises(TokenStoreUnusable):
            save(store)
        assert store.path.read_bytes() == content


@pytest.mark.parametrize("content", DAMAGED)
def test_o09_damaged_file_is_restored_from_its_copy_and_kept_aside(
    store: TokenStore, content: bytes, caplog: pytest.LogCaptureFixture
):
    save(store)
    save(store, NEWER)
    whole = store.path.read_bytes()
    store.path.write_bytes(content)
    assert store.find(ISSUER, "client-1") == NEWER  # the copy holds the newest, not the one before
    assert store.path.read_bytes() == content  # who only reads changes nothing
    with store.exclusive() as tokens:
        assert tokens.find(ISSUER, "client-1") == NEWER
    assert store.path.read_bytes() == whole
    (aside,) = [store.path.with_name(name) for name in names_beside(store) if "damaged" in name]
    assert (aside.read_bytes(), stat.S_IMODE(aside.stat().st_mode)) == (content, 0o600)
    assert "Restored the token store" in caplog.text
    assert "newer" not in caplog.text


def test_o09_file_cut_anywhere_is_read_from_its_copy(store: TokenStore):
    save(store)
    whole = store.path.read_bytes()
    for length in range(0, len(whole), 7):
        store.path.write_bytes(whole[:length])
        assert store.find(ISSUER, "client-1") == GIVEN


def test_o09_copy_cut_anywhere_is_never_taken_for_whole(store: TokenStore):
    save(store)
    whole = store.path.read_bytes()
    store.path.write_bytes(b"")
    for length in range(0, len(whole), 7):
        copy_of(store).write_bytes(whole[:length])
        with pytest.raises(TokenStoreUnusable, match="is damaged"):
            store.find(ISSUER, "client-1")


def test_o09_damaged_copy_is_no_matter_and_written_anew(store: TokenStore):
    save(store)
    copy_of(store).write_bytes(b"{")
    assert store.find(ISSUER, "client-1") == GIVEN
    save(store, NEWER)
    assert copy_of(store).read_bytes() == store.path.read_bytes()


def test_o10_failed_write_leaves_the_old_file(store: TokenStore):
    save(store)
    content = store.path.read_bytes()
    with full_disk(), pytest.raises(HomeError, match="cannot be written"):
        save(store, NEWER)
    assert store.path.read_bytes() == content
    assert names_beside(store) == ["tokens.json", "tokens.json.lock", "tokens.json.prev"]


def whole_with(authorization: Authorization) -> bytes:
    return StoreContents({authorization.key: authorization}).to_bytes()


@contextmanager
def cut_short(store: TokenStore, content: bytes | None = None, name: str = ".tokens.json.99999.tmp") -> Iterator[Path]:
    """What a process leaves that is killed in the middle of saving NEWER, after GIVEN was saved well."""
    save(store)
    with left_by_a_killed_writer(store, whole_with(NEWER) if content is None else content, name) as temporary:
        yield temporary


@contextmanager
def left_by_a_killed_writer(store: TokenStore, content: bytes, name: str = ".tokens.json.99999.tmp") -> Iterator[Path]:
    temporary = store.path.with_name(name)
    temporary.write_bytes(content)
    temporary.chmod(0o600)
    yield temporary
    assert not temporary.exists()


def test_o03_write_killed_between_its_content_and_its_rename_is_brought_to_its_end(
    store: TokenStore, caplog: pytest.LogCaptureFixture
):
    with cut_short(store), caplog.at_level(logging.WARNING), store.exclusive() as tokens:
        assert tokens.find(ISSUER, "client-1") == NEWER
    assert copy_of(store).read_bytes() == store.path.read_bytes()
    assert "Completed an interrupted change" in caplog.text
    assert "newer" not in caplog.text


def test_o03_write_cut_short_is_brought_to_its_end_on_a_full_disk_too(store: TokenStore):
    with cut_short(store), full_disk(), store.exclusive() as tokens:
        assert tokens.find(ISSUER, "client-1") == NEWER


@pytest.mark.parametrize("content", [*DAMAGED, b'{"version": 3, "authorizations": []}'])
def test_o03_half_a_write_is_removed_and_changes_nothing(store: TokenStore, content: bytes):
    with cut_short(store, content), store.exclusive() as tokens:
        assert tokens.find(ISSUER, "client-1") == GIVEN


def test_o03_half_a_copy_is_removed_and_changes_nothing(store: TokenStore):
    with cut_short(store, name=".tokens.json.prev.99999.tmp"), store.exclusive() as tokens:
        assert tokens.find(ISSUER, "client-1") == GIVEN


@pytest.mark.parametrize("marked", [True, False])
def test_o03_answer_of_a_renewal_is_taken_though_the_clock_was_set_back_after_it_was_written(
    store: TokenStore, caplog: pytest.LogCaptureFixture, marked: bool
):
    save(store, replace(GIVEN, refresh_started_at=1_800_003_300.0 if marked else None))
    with left_by_a_killed_writer(store, whole_with(NEWER)) as temporary:
        os.utime(temporary, (1, 1))
        with caplog.at_level(logging.WARNING), store.exclusive() as tokens:
            found = tokens.find(ISSUER, "client-1")
    assert found == (NEWER if marked else GIVEN)
    assert ("Completed an interrupted change" if marked else "had left: it is older") in caplog.text


@pytest.mark.parametrize("fault", ["older", "open to others", "link"])
def test_o03_leftover_that_is_older_or_not_surely_ours_is_removed_and_changes_nothing(
    store: TokenStore, tmp_path: Path, fault: str
):
    with cut_short(store) as temporary:
        if fault == "older":
            os.utime(temporary, (1, 1))
        elif fault == "open to others":
            temporary.chmod(0o644)
        else:
            elsewhere = temporary.rename(tmp_path / "elsewhere")
            temporary.symlink_to(elsewhere)
        with store.exclusive() as tokens:
            assert tokens.find(ISSUER, "client-1") == GIVEN
