"""The two layouts in which a list of digests can be written.

Spotify does not publish the format. ``wide``, a column per identifier type, is what two independent vendors describe
with the same column names; one other vendor describes ``type,value``. A list is never a mixture of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from spotify_pipeline.identity import IdentifierType


class Layout(StrEnum):
    """How digests lie in the file."""

    WIDE = "wide"
    """A column per identifier type, a row per person and combination; a cell may be empty, a row may not."""

    LONG = "long"
    """The columns ``type,value``, a row per digest."""


TOKENS: dict[IdentifierType, str] = {
    IdentifierType.EMAIL: "EMAIL_ID_SHA256",
    IdentifierType.PHONE: "PHONE_NUMBER_SHA256",
    IdentifierType.DEVICE_ID: "DEVICE_ID_SHA256",
}
"""Spotify's name of each identifier type."""


def header(layout: Layout, columns: Sequence[IdentifierType]) -> bytes:
    """The first line of a list, with its line feed."""
    names = ["type", "value"] if layout is Layout.LONG else [TOKENS[column] for column in columns]
    return ",".join(names).encode() + b"\n"
