"""Changes the key of a state, or gives up what a lost one encrypted."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from spotify_pipeline.home import reason_of
from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.key import FILE_NAME, Key, key_beside, next_to
from spotify_pipeline.state.sealed import reseal, sealed_columns
from spotify_pipeline.state.store import StateStore
from spotify_pipeline.state.tables import initialised


def change_key(state: StateStore, new: Key | None = None) -> int:
    """Encrypt every sealed value again with another key; how many there were.

    Args:
        state: with its present key. Nothing else may use it meanwhile.
        new: the key that the settings will have from now on; None for one in a file of the home, which is made. A
            crash in between leaves the file of either key, and the state knows which is its own.

    Raises:
        StateError: the key of a state that machines share is not kept in a file; or a value cannot be opened.
            Nothing was changed.
    """
    old = state.key()
    file = state.home / FILE_NAME
    if new is not None:
        changed = reseal(state, old, new)
        file.unlink(missing_ok=True)
        return changed
    if state.place.is_shared or state.key_is_stated:
        raise StateError(
            "The key of this state is not kept in its home. Set SPOTIFY_PIPELINE_NEW_KEY to a new one, which "
            "`spotify-pipeline state new-key` prints. Nothing was changed."
        )
    changed = reseal(state, old, key_beside(next_to(file)))
    _renamed(next_to(file), file)
    return changed


def forget_key(state: StateStore) -> int:
    """Delete every sealed value, whose key is lost, so that another key can be used; how many there were.

    Raises:
        StateError: the state cannot be used.
    """
    with state.begin() as transaction:
        given_up = 0
        for column in sealed_columns():
            change = column.table.update().where(column.is_not(None)).values({column: None})
            if not column.nullable:
                change = column.table.delete()
            given_up += transaction.execute(change).rowcount
        transaction.execute(initialised.update().values(key_id=sa.null()))
    file = state.home / FILE_NAME
    for each in (file, next_to(file)):
        each.unlink(missing_ok=True)
    return given_up


def _renamed(file: Path, to: Path) -> None:
    try:
        file.replace(to)
    except OSError as error:
        raise StateError(
            f"The new key is in {file} and could not be renamed to {to.name} ({reason_of(error)}). Rename it."
        ) from None
