"""Commands that look at Spotify, or sign in to it."""

from spotify_pipeline.cli.spotify.accounts import LABEL_OPTION, chosen_settings, print_table, signed_in

__all__ = [
    "LABEL_OPTION",
    "chosen_settings",
    "print_table",
    "signed_in",
]
