"""Tokens: where they are kept, how they are renewed exactly once, how long a sign-in lasts."""

from spotify_pipeline.spotify.auth.authorization import Authorization, AuthorizationKey, login_command
from spotify_pipeline.spotify.auth.bootstrap import key_of, seed_fingerprint
from spotify_pipeline.spotify.auth.expiry import SignInKind, SignInState, sign_in_state, state_of
from spotify_pipeline.spotify.auth.oauth import REQUIRED_SCOPES, AccountsService, GrantRefused, TokenAnswer
from spotify_pipeline.spotify.auth.token_provider import Access, TokenProvider, with_answer
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
    "TokenAnswer",
    "TokenProvider",
    "TokenStore",
    "key_of",
    "login_command",
    "seed_fingerprint",
    "sign_in_state",
    "state_of",
    "with_answer",
]
