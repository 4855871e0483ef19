"""Runs of Dagster that a command starts, and the pool slots that dead runs leave behind."""

from spotify_pipeline.cli.dagster.pool_slots import how_to_end, how_to_free, leaked_slots, silent_slots
from spotify_pipeline.cli.dagster.run import materialize, materialize_days

__all__ = [
    "how_to_end",
    "how_to_free",
    "leaked_slots",
    "materialize",
    "materialize_days",
    "silent_slots",
]
