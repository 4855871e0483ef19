"""The error of a command."""

from __future__ import annotations

from spotify_pipeline.errors import ExpectedError


class CommandError(ExpectedError):
    """A command cannot do its work; the message says why and what to do."""
