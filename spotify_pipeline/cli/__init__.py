"""The command line: what is not Dagster's job."""

from spotify_pipeline.cli.entry import main

__all__ = ["main"]
