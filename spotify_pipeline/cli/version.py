"""Says the version of this package."""

from __future__ import annotations

import sys
from importlib.metadata import version


def say_version() -> None:
    """Print it."""
    sys.stdout.write(f"spotify-pipeline {version('spotify-pipeline')}\n")
