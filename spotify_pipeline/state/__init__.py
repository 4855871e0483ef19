"""What the project must not forget: one database, SQLite in the home by default, PostgreSQL where machines share it."""

from spotify_pipeline.state import tables
from spotify_pipeline.state.documents import Document
from spotify_pipeline.state.errors import StateConflict, StateError, StateOvertaken
from spotify_pipeline.state.key import KEY_VARIABLE, Key, new_key
from spotify_pipeline.state.lease import Fence
from spotify_pipeline.state.place import Place
from spotify_pipeline.state.rows import insert_missing
from spotify_pipeline.state.sealed import ListsKey, place_of, reseal
from spotify_pipeline.state.store import StateStore
from spotify_pipeline.state.upkeep import (
    Copied,
    back_up,
    change_key,
    faults_of,
    forget_key,
    is_new,
    lock_fault,
    move,
    restore,
    upgrade,
)

__all__ = [
    "KEY_VARIABLE",
    "Copied",
    "Document",
    "Fence",
    "Key",
    "ListsKey",
    "Place",
    "StateConflict",
    "StateError",
    "StateOvertaken",
    "StateStore",
    "back_up",
    "change_key",
    "faults_of",
    "forget_key",
    "insert_missing",
    "is_new",
    "lock_fault",
    "move",
    "new_key",
    "place_of",
    "reseal",
    "restore",
    "tables",
    "upgrade",
]
