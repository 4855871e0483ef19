"""Keeps the identifiers and lists of every audience, and deletes them in time."""

from spotify_pipeline.customer_list.store.archive import set_aside
from spotify_pipeline.customer_list.store.store import LISTS, SnapshotStore

__all__ = [
    "LISTS",
    "SnapshotStore",
    "set_aside",
]
