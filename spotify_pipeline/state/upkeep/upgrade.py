"""Brings the tables of an older version of this project up to date, in one transaction."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from spotify_pipeline.state import engines
from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.store import StateStore
from spotify_pipeline.state.tables import REVISION, version

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(store: StateStore) -> tuple[str, str]:
    """Run the migrations that are missing; the revision before, and now.

    Nothing else may use the state meanwhile: a program of the older version would refuse the newer tables.

    Raises:
        StateError: there is no state, or it is of a newer version, or a migration failed, and changed nothing.
    """
    from alembic import command
    from alembic.config import Config

    engine = engines.engine_of(store.place)
    with engines.begun(engine, store.place, writes=True) as transaction:
        before = _revision(transaction, store)
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = transaction
        command.upgrade(config, REVISION)
        return before, _revision(transaction, store)


def _revision(transaction: sa.Connection, store: StateStore) -> str:
    schema = engines.SCHEMA if store.place.is_shared else None
    found = None
    if sa.inspect(transaction).has_table(version.name, schema=schema):
        found = transaction.scalar(sa.select(version.c.version_num))
    if found is None:
        raise StateError(f"There is no state of this project in {store.place}, so there is nothing to upgrade.")
    if found > REVISION:
        raise StateError(
            f"The state ({store.place}) is of a newer version of this project (revision {found}; this one knows "
            f"{REVISION}). Nothing was changed. Update the project on this machine."
        )
    return found
