"""The error of this package."""

from __future__ import annotations

from spotify_pipeline.errors import ExpectedError


class SettingsError(ExpectedError):
    """The project, its `.env` or its connection's YAML is wrong; the message says what and where, without a value."""
