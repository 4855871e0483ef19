"""The errors that the command line expects, and prints as one sentence."""

from __future__ import annotations

from spotify_pipeline.conversions import OutboxError
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import JournalError, MirrorRefused
from spotify_pipeline.privacy import ErasureError
from spotify_pipeline.rows import RowsError
from spotify_pipeline.sandbox import SandboxError
from spotify_pipeline.settings import SettingsError
from spotify_pipeline.spotify import SpotifyError
from spotify_pipeline.warehouse import SegmentError


class CommandError(Exception):
    """A command cannot do its work; the message says why and what to do."""


EXPECTED = (
    CommandError,
    ErasureError,
    HomeError,
    JournalError,
    MirrorRefused,
    OutboxError,
    RowsError,
    SandboxError,
    SegmentError,
    SettingsError,
    SpotifyError,
)
