"""What the project must not forget: one database, SQLite in the home by default, PostgreSQL where machines share it."""

from spotify_pipeline.state import tables
from spotify_pipeline.state.documents import Document
from spotify_pipeline.state.errors import StateConflict, StateError, StateOvertaken
from spotify_pipeline.state.key import KEY_VARIABLE, Key, new_key
from spotify_pipeline.state.lease import Fence
from spotify_pipeline.state.place import Place
from spotify_pipeline.state.rows import insert_missing
from spotify_pipeline.state.sealed import place_of, reseal
from spotify_pipeline.state.store import StateStore

__all__ = [
    "KEY_VARIABLE",
    "Document",
    "Fence",
    "Key",
    "Place",
    "StateConflict",
    "StateError",
    "StateOvertaken",
    "StateStore",
    "insert_missing",
    "new_key",
    "place_of",
    "reseal",
    "tables",
]
