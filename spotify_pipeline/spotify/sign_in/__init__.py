"""Signing in with a browser, and signing out."""

from spotify_pipeline.spotify.sign_in.login import DEFAULT_PORT, sign_in, sign_out, sign_out_of_all

__all__ = [
    "DEFAULT_PORT",
    "sign_in",
    "sign_out",
    "sign_out_of_all",
]
