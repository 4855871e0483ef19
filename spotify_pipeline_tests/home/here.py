"""The home that a test gave to the environment, for what stands below resources and commands."""

from __future__ import annotations

import os
from pathlib import Path


def home_here() -> Path:
    """The directory that `SPOTIFY_PIPELINE_HOME` names."""
    return Path(os.environ["SPOTIFY_PIPELINE_HOME"])
