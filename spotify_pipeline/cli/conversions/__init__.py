"""`spotify-pipeline conversions`: everything about events that is not a Dagster run."""

from spotify_pipeline.cli.conversions.app import conversions

__all__ = ["conversions"]
