"""The tables from one version to the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from spotify_pipeline.state import Place, StateError, StateStore, engines, upgrade
from spotify_pipeline.state.tables import REVISION, alert, metadata, version

MIGRATIONS = Path(engines.__file__).parent / "upkeep" / "migrations"


def test_the_newest_revision_is_already_there(state: StateStore) -> None:
    with state.begin() as transaction:
        transaction.execute(alert.insert().values(audience="a", kind="k", content="{}"))
    assert upgrade(state) == (REVISION, REVISION)
    with state.read() as transaction:
        assert len(transaction.execute(alert.select()).all()) == 1


def test_the_tables_that_are_made_are_those_that_the_migrations_lead_to(state: StateStore) -> None:
    with state.read() as transaction:
        assert compare_metadata(MigrationContext.configure(transaction), metadata) == []


def test_the_migrations_make_a_state_from_nothing(tmp_path: Path) -> None:
    place = Place.of_file(tmp_path / "state.sqlite")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engines.begun(engines.engine_of(place), place, writes=True) as transaction:
        config.attributes["connection"] = transaction
        command.upgrade(config, "head")
        assert transaction.execute(version.select()).all() == [(REVISION,)]
        assert compare_metadata(MigrationContext.configure(transaction), metadata) == []


def test_a_newer_one_is_left_as_it_is(state: StateStore) -> None:
    with state.begin() as transaction:
        transaction.execute(version.update().values(version_num="9999"))
    with pytest.raises(StateError, match="newer version"):
        upgrade(state)


def test_where_there_is_no_state_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="nothing to upgrade"):
        upgrade(StateStore.in_home(tmp_path))
