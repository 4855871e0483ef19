"""Keeps the identifiers and lists of every audience, and deletes them in time."""

from spotify_pipeline.customer_list.store.archive import set_aside
from spotify_pipeline.customer_list.store.moving import MovedLists, move_lists
from spotify_pipeline.customer_list.store.store import LISTS, SnapshotStore

__all__ = [
    "LISTS",
    "MovedLists",
    "SnapshotStore",
    "move_lists",
    "set_aside",
]
