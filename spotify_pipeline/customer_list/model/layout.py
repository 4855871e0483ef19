"""The two layouts in which a list of digests can be written.

Spotify does not publish the format. ``wide``, a column per identifier type, is what two independent vendors describe
with the same column names; one other vendor describes ``type,value``. A list is never a mixture of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from spotify_pipeline.identity import identifier_type


class Layout(StrEnum):
    """How digests lie in the file."""

    WIDE = "wide"
    """A column per identifier type, a row per person and combination; a cell may be empty, a row may not."""

    LONG = "long"
    """The columns ``type,value``, a row per digest."""


def token_of(column: str) -> str:
    """Spotify's name of the identifier type of this name."""
    return identifier_type(column).token


def header(layout: Layout, columns: Sequence[str]) -> bytes:
    """The first line of a list of these types, with its line feed."""
    names = ["type", "value"] if layout is Layout.LONG else [token_of(column) for column in columns]
    return ",".join(names).encode() + b"\n"
