"""Tokens: where they are kept, how they are renewed exactly once, how long a sign-in lasts."""

from spotify_pipeline.spotify.auth.authorization import Authorization, AuthorizationKey, login_command
from spotify_pipeline.spotify.auth.bootstrap import bootstrap_sha256, key_of
from spotify_pipeline.spotify.auth.expiry import SignInKind, SignInState, authorization_state, sign_in_state
from spotify_pipeline.spotify.auth.oauth import REQUIRED_SCOPES, AccountsService, GrantRefused, TokenResponse
from spotify_pipeline.spotify.auth.token_provider import Access, TokenProvider, with_token_response
from spotify_pipeline.spotify.auth.token_store import TokenStore

__all__ = [
    "REQUIRED_SCOPES",
    "Access",
    "AccountsService",
    "Authorization",
    "AuthorizationKey",
    "GrantRefused",
    "SignInKind",
    "SignInState",
    "TokenProvider",
    "TokenResponse",
    "TokenStore",
    "authorization_state",
    "bootstrap_sha256",
    "key_of",
    "login_command",
    "sign_in_state",
    "with_token_response",
]
