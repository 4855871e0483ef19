"""The entry point: what Dagster loads."""

from pathlib import Path

import dagster as dg

from spotify_pipeline.components import deployment


@dg.definitions
def defs() -> dg.Definitions:
    """Everything this deployment runs."""
    return deployment(Path(__file__).parent)
