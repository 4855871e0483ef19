"""`spotify-pipeline doctor`: checks everything that a sync needs."""

from spotify_pipeline.cli.doctor.command import doctor

__all__ = ["doctor"]
