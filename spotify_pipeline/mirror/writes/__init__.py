"""Writes to Spotify that must happen once: noted before they are made, looked for afterwards."""

from spotify_pipeline.mirror.writes.create_once import CreateOnce
from spotify_pipeline.mirror.writes.delete import Deletion
from spotify_pipeline.mirror.writes.lookup import (
    CLOCKS_DIFFER_BY,
    confirmed,
    doubles,
    find_audience,
    find_event_based,
    is_customer_list,
    only_one,
    refuse_mistakable,
    shown_audience,
)
from spotify_pipeline.mirror.writes.texts import with_texts
from spotify_pipeline.mirror.writes.write_ahead import LANDS_WITHIN, Also, WriteAheadLog

__all__ = [
    "CLOCKS_DIFFER_BY",
    "LANDS_WITHIN",
    "Also",
    "CreateOnce",
    "Deletion",
    "WriteAheadLog",
    "confirmed",
    "doubles",
    "find_audience",
    "find_event_based",
    "is_customer_list",
    "only_one",
    "refuse_mistakable",
    "shown_audience",
    "with_texts",
]
