"""Where the token store may lie: O08."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from spotify_pipeline.home import HomeError
from spotify_pipeline.spotify import TokenStore, TokenStoreUnusable
from spotify_pipeline_tests.spotify.authorizations import GIVEN, ISSUER, save

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away to make this case")


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
    with pytest.raises(HomeError, match="symbolic link"):
        save(store)
    assert not (tmp_path / "victim").exists()


@AS_ROOT
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


def test_o08_copy_open_to_others_is_refused_too(store: TokenStore):
    save(store)
    store.path.with_name("tokens.json.prev").chmod(0o644)
    with pytest.raises(TokenStoreUnusable, match=r"tokens\.json\.prev can be used by other users"):
        store.find(ISSUER, "client-1")


def mounted(store: TokenStore, tmp_path: Path, kind: str) -> TokenStore:
    """The same store on a machine whose mount table says that its directory lies on a file system of this kind."""
    device = store.path.parent.stat().st_dev
    table = tmp_path / "mountinfo"
    number = f"{os.major(device)}:{os.minor(device)}"
    other = "36 35 98:0 / /other rw - ext3 /dev/other rw"
    table.write_text(f"{other}\n41 35 {number} / /home rw,noatime shared:7 - {kind} server:/h rw\n")
    return TokenStore(store.path, mount_table=table)


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs"])
def test_o08_network_share_is_refused(store: TokenStore, tmp_path: Path, kind: str):
    save(store)
    shared = mounted(store, tmp_path, kind)
    expected = rf"is on a network share \({kind}\)\. Set SPOTIFY_PIPELINE_HOME to a directory on a local disk"
    with pytest.raises(TokenStoreUnusable, match=expected):
        shared.find(ISSUER, "client-1")
    with pytest.raises(TokenStoreUnusable, match="network share"):
        save(shared)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "fuse.something"])
def test_local_disk_of_any_kind_is_taken(store: TokenStore, tmp_path: Path, kind: str):
    save(store)
    assert mounted(store, tmp_path, kind).find(ISSUER, "client-1") == GIVEN


def test_machine_without_a_mount_table_is_taken_at_its_word(store: TokenStore, tmp_path: Path):
    save(store)
    assert TokenStore(store.path, mount_table=tmp_path / "none").find(ISSUER, "client-1") == GIVEN


def unusable(store: TokenStore) -> str:
    said: set[str] = set()
    for use in (lambda: store.find(ISSUER, "client-1"), lambda: save(store)):
        with pytest.raises(TokenStoreUnusable) as caught:
            use()
        said.add(str(caught.value))
    assert len(said) == 1
    return said.pop()


@pytest.mark.parametrize(
    "home", ["a file/home", "a file", "a loop", "x" * 300], ids=["below a file", "file", "loop", "long"]
)
def test_o08_home_that_cannot_be_one_is_told_in_a_sentence(tmp_path: Path, home: str):
    (tmp_path / "a file").write_text("")
    (tmp_path / "a loop").symlink_to(tmp_path / "a loop")
    said = unusable(TokenStore(tmp_path / home / "tokens.json"))
    assert said.endswith("Set SPOTIFY_PIPELINE_HOME to a directory of your own, then run again.")


@pytest.mark.parametrize("fault", ["sticky", pytest.param("foreign", marks=AS_ROOT)])
def test_o08_mode_of_a_directory_that_is_everybodys_is_never_advised_to_be_changed(store: TokenStore, fault: str):
    """Such as /tmp, which would no longer be usable by others."""
    save(store)
    store.path.parent.chmod(0o1777 if fault == "sticky" else 0o777)
    if fault == "foreign":
        os.chown(store.path.parent, 4242, 4242)
    said = unusable(store)
    assert "chmod" not in said
    assert said.endswith("Set SPOTIFY_PIPELINE_HOME to a directory of your own, then run again.")
