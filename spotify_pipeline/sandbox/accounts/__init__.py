"""The sandbox's accounts service: consent, codes and tokens."""

from spotify_pipeline.sandbox.accounts.oauth import KEEPS_REFRESH_TOKEN, grant_of_access_token, revoke, sign_in
from spotify_pipeline.sandbox.accounts.service import AccountsService

__all__ = [
    "KEEPS_REFRESH_TOKEN",
    "AccountsService",
    "grant_of_access_token",
    "revoke",
    "sign_in",
]
