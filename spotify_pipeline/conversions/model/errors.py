"""What goes wrong with the rows of a feed."""

from __future__ import annotations

from spotify_pipeline.rows import RowsError


class EventsError(RowsError):
    """The rows of an events relation cannot be validated at all; the message says why and what to do.

    The message names columns and types, and never holds a value.
    """
