"""Commands that sign in to Spotify or list what it has."""

from spotify_pipeline.cli.spotify.accounts import ad_accounts, audiences, businesses
from spotify_pipeline.cli.spotify.client import LABEL_OPTION, chosen_settings, signed_in
from spotify_pipeline.cli.spotify.sign_in import authorizations, login, logout

__all__ = [
    "LABEL_OPTION",
    "ad_accounts",
    "audiences",
    "authorizations",
    "businesses",
    "chosen_settings",
    "login",
    "logout",
    "signed_in",
]
