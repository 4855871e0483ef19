"""Files of the project's home are private and never half written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from spotify_pipeline.home import HomeError, atomic_private_file, private_directory


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_p09_files_are_0600_in_0700_directories_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with atomic_private_file(tmp_path / "a" / "b" / "file") as file:
            file.write(b"content")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a" / "b" / "file") == 0o600
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"


def test_a_block_that_fails_leaves_the_old_content_and_no_other_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def write_half() -> None:
        with atomic_private_file(target) as file:
            file.write(b"half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_said_plainly_and_nothing_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def fill_the_disk() -> None:
        with atomic_private_file(target), Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")

    with pytest.raises(HomeError, match=r"cannot be written \(No space left on device\). Free some space"):
        fill_the_disk()
    assert target.read_bytes() == b"old"


def test_a_home_that_is_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeError, match="Set SPOTIFY_PIPELINE_HOME"):
        private_directory(tmp_path / "home" / "data")


def test_a_directory_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    private_directory(shared / "ours")
    private_directory(shared)
    assert (mode(shared), mode(shared / "ours")) == (0o755, 0o700)
