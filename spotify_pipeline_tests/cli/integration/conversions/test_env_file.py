"""A secret goes into a file of environment variables; whatever else the file holds stays as it was."""

from __future__ import annotations

import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spotify_pipeline.cli.conversions.env_file import add_secret
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.home import HomeError
from spotify_pipeline.spotify import Secret


class Maker:
    """Makes a secret, and knows how often."""

    def __init__(self, text: str = "abc.DEF-1_2") -> None:
        self.text = text
        self.made = 0

    def __call__(self) -> Secret:
        self.made += 1
        return Secret(self.text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "TOKEN=abc.DEF-1_2\n"),
        ("", "TOKEN=abc.DEF-1_2\n"),
        ("A=1", "A=1\nTOKEN=abc.DEF-1_2\n"),
        ("A=1\n\n# note\n", "A=1\n\n# note\nTOKEN=abc.DEF-1_2\n"),
        ("TOKEN=old\nA=1\n TOKEN = older\n", "A=1\nTOKEN=abc.DEF-1_2\n"),
        ("export TOKEN=old\n", "export TOKEN=abc.DEF-1_2\n"),
        ("# TOKEN=\nMY_TOKEN=x\nTOKENS=y\n", "# TOKEN=\nMY_TOKEN=x\nTOKENS=y\nTOKEN=abc.DEF-1_2\n"),
        ("A=å\x85\u2028b\r\n", "A=å\x85\u2028b\r\nTOKEN=abc.DEF-1_2\n"),
    ],
)
def test_line_is_added_or_replaced_and_every_other_stays(tmp_path: Path, before: str | None, after: str) -> None:
    file = tmp_path / ".env"
    if before is not None:
        file.write_bytes(before.encode())
        file.chmod(0o644)
    add_secret(file, "TOKEN", Maker())
    assert file.read_bytes().decode() == after
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [".env"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "secrets.env", tmp_path / ".env"
    file.write_text("A=1\n")
    link.symlink_to(file)
    add_secret(link, "TOKEN", Maker())
    assert link.is_symlink()
    assert file.read_text() == "A=1\nTOKEN=abc.DEF-1_2\n"


@pytest.mark.parametrize("variable", ["token", "1TOKEN", "TO KEN", "TOKEN=x", "TOKEN\n", ""])
def test_a_name_that_is_none_is_refused_before_a_secret_is_made(tmp_path: Path, variable: str) -> None:
    make = Maker()
    with pytest.raises(CommandError, match="Nothing was made"):
        add_secret(tmp_path / ".env", variable, make)
    assert make.made == 0


def test_a_file_that_is_no_text_is_left_alone(tmp_path: Path) -> None:
    file, make = tmp_path / ".env", Maker()
    file.write_bytes(b"A=\xff\n")
    with pytest.raises(CommandError, match="Nothing was made"):
        add_secret(file, "TOKEN", make)
    assert (make.made, file.read_bytes()) == (0, b"A=\xff\n")


@pytest.mark.parametrize("text", ["two words", "a\nB=1", "$(id)", "å", "'"])
def test_p13_a_secret_that_would_be_read_otherwise_is_not_written_nor_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / ".env"
    file.write_text("TOKEN=old\n")
    with pytest.raises(CommandError) as caught:
        add_secret(file, "TOKEN", Maker(text))
    assert text not in str(caught.value)
    assert file.read_text() == "TOKEN=old\n"


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_no_secret_is_made_where_there_is_no_room_for_it(tmp_path: Path) -> None:
    file, make = tmp_path / ".env", Maker()
    file.write_text("A=1\n")
    with files_of_at_most(2), pytest.raises(HomeError):
        add_secret(file, "TOKEN", make)
    assert (make.made, file.read_text()) == (0, "A=1\n")
    assert [each.name for each in tmp_path.iterdir()] == [".env"]
