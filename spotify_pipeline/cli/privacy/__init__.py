"""Commands for what a person may ask: to be forgotten, or where they are. Identifiers come on standard input."""

from spotify_pipeline.cli.privacy.digest import digest
from spotify_pipeline.cli.privacy.erasures import erasures
from spotify_pipeline.cli.privacy.people import explain, forget

__all__ = ["digest", "erasures", "explain", "forget"]
