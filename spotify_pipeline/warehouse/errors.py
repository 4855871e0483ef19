"""Errors of reading the warehouse. Their messages quote no value."""

from __future__ import annotations

from spotify_pipeline.errors import ExpectedError


class SegmentError(ExpectedError):
    """A segment cannot be read; the message says which, why, and what to do."""


class WarehouseHeld(SegmentError):
    """Another process writes to the warehouse file, so it cannot be opened now."""
