"""Where the state is, as a setting names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.state import Place, StateError

HOME = Path("/home/of/the/project")


def test_the_default_is_a_file_in_the_home() -> None:
    assert Place.in_home(HOME).file == HOME / "state.sqlite"


@pytest.mark.parametrize(
    ("stated", "file"),
    [("sqlite:///other.sqlite", HOME / "other.sqlite"), ("sqlite:////srv/state.sqlite", Path("/srv/state.sqlite"))],
)
def test_a_file_is_below_the_home_unless_its_path_is_absolute(stated: str, file: Path) -> None:
    place = Place.of(stated, HOME)
    assert place.file == file
    assert not place.is_shared


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_database_that_machines_share(scheme: str) -> None:
    place = Place.of(f"{scheme}://me:geheim@db.example.com:5433/audiences?sslmode=require", HOME)
    assert place.is_shared
    assert place.url.drivername == "postgresql+psycopg"
    assert place.url.query["sslmode"] == "require"
    assert str(place) == "the database audiences at db.example.com"


@pytest.mark.parametrize(
    "stated", ["geheim", "mysql://me:geheim@db.example.com/x", "sqlite://", "sqlite:///:memory:", "postgresql://geheim"]
)
def test_what_names_no_database_is_refused_and_not_repeated(stated: str) -> None:
    with pytest.raises(StateError) as refused:
        Place.of(stated, HOME)
    assert "geheim" not in str(refused.value)
    assert "postgresql://user:password@host/database" in str(refused.value)


def test_o16_no_textual_form_shows_a_password() -> None:
    place = Place.of("postgresql://me:geheim@db.example.com/audiences", HOME)
    assert "geheim" not in f"{place} {place!r}"
