"""The accounts service's rules: codes, tokens, rotation, expiry. No HTTP.

Sources: Spotify's quick start of the Ads API (code flow, lives of code and access token), "Refreshing tokens"
(six months, not extended by refreshing), RFC 6749 (error names), RFC 7636 (PKCE).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from spotify_pipeline.sandbox.config import DEFAULTS
from spotify_pipeline.sandbox.store import (
    AccessToken,
    AuthorizationCode,
    Grant,
    RefreshToken,
    SandboxState,
    add_months,
    secret_digest,
)

GRANT_MONTHS = 6
"""A refresh token dies this many months after the user's consent, however often it is used."""


KEEPS_REFRESH_TOKEN = "spotify_pipeline.sandbox.keeps_refresh_token"  # noqa: S105 - a name
"""In the scope of a request to the token endpoint: this once, do not rotate."""


class OAuthError(Exception):
    """A refusal of the token endpoint: an error name of RFC 6749 and a sentence."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Client:
    """Who calls the token endpoint: a known client id, and whether its secret was shown."""

    client_id: str
    authenticated: bool


def known_client(client_id: str | None, client_secret: str | None) -> Client:
    """The client with these credentials; without a secret a public one, as with PKCE.

    Raises:
        OAuthError: ``invalid_client``.
    """
    if client_id is None or client_id != DEFAULTS.client_id:
        raise OAuthError("invalid_client", "Invalid client")
    if client_secret is None:
        return Client(client_id, authenticated=False)
    if not hmac.compare_digest(client_secret.encode(), DEFAULTS.client_secret.encode()):
        raise OAuthError("invalid_client", "Invalid client secret")
    return Client(client_id, authenticated=True)


def redirect_fault(redirect_uri: str) -> str | None:
    """Why a redirect URI is refused, or None. Only loopback addresses written as numbers are allowed."""
    try:
        parts = urlsplit(redirect_uri)
        port = parts.port
    except ValueError:
        return "redirect_uri: Not a URI"
    if parts.scheme == "http" and parts.hostname == "localhost":
        return "redirect_uri: Insecure: write http://127.0.0.1 in place of http://localhost"
    if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "::1"} or port is None:
        return "redirect_uri: The sandbox only redirects to http://127.0.0.1:<port>/..."
    if parts.username or parts.password or parts.fragment:
        return "redirect_uri: User names and fragments are not allowed"
    return None


def issue_code(state: SandboxState, client_id: str, redirect_uri: str, code_challenge: str | None) -> str:
    """A code for a user who agreed. It lives ten minutes and works once."""
    code = secrets.token_urlsafe(96)
    expires_at = state.clock.now() + timedelta(seconds=state.config.code_seconds)
    state.codes.put(
        AuthorizationCode(
            id=secret_digest(code),
            client_id=client_id,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            expires_at=expires_at,
        )
    )
    return code


def exchange_code(
    state: SandboxState, client: Client, code: str, redirect_uri: str, code_verifier: str | None
) -> dict[str, object]:
    """The first pair of tokens for a code.

    Raises:
        OAuthError: ``invalid_grant`` for a code that is unknown, used, too old, of another client or redirect, or
            whose PKCE verifier does not fit; ``invalid_client`` where neither secret nor PKCE proves the client.
    """
    stored = state.codes.get(secret_digest(code))
    if stored is None or stored.used or stored.client_id != client.client_id:
        raise OAuthError("invalid_grant", "Invalid authorization code")
    if state.clock.now() >= stored.expires_at:
        raise OAuthError("invalid_grant", "Authorization code expired")
    if stored.redirect_uri != redirect_uri:
        raise OAuthError("invalid_grant", "Invalid redirect URI")
    if stored.code_challenge is None and not client.authenticated:
        raise OAuthError("invalid_client", "A client secret or a PKCE code_verifier is needed")
    if stored.code_challenge is not None and not _verifies(stored.code_challenge, code_verifier):
        raise OAuthError("invalid_grant", "code_verifier was incorrect")
    state.codes.put(replace(stored, used=True))
    grant, refresh_token = sign_in(state, public_client=stored.code_challenge is not None)
    return _answer(state, grant, refresh_token)


def sign_in(state: SandboxState, *, public_client: bool) -> tuple[Grant, str]:
    """A new grant of the sandbox's user for its client, as after the consent page, and its refresh token."""
    grant = Grant(
        id=str(uuid.uuid4()),
        client_id=DEFAULTS.client_id,
        user_id=DEFAULTS.user_id,
        authorized_at=state.clock.now(),
        public_client=public_client,
    )
    state.grants.put(grant)
    return grant, _new_refresh_token(state, grant)


def refresh(state: SandboxState, client: Client, refresh_token: str, *, rotate: bool) -> dict[str, object]:
    """A new access token, and a new refresh token if ``rotate``.

    Raises:
        OAuthError: ``invalid_grant`` for a token that is unknown, revoked, rotated away or too old;
            ``invalid_client`` where the grant was made with the client's secret and the secret is missing.
    """
    token = state.refresh_tokens.get(secret_digest(refresh_token))
    grant = state.grants.get(token.grant_id) if token else None
    if token is None or grant is None or grant.client_id != client.client_id:
        raise OAuthError("invalid_grant", "Invalid refresh token")
    if grant.revoked:
        raise OAuthError("invalid_grant", "Refresh token revoked")
    if not (client.authenticated or grant.public_client):
        raise OAuthError("invalid_client", "Invalid client secret")
    if token.replaced:
        if state.config.reuse_revokes_grant:
            revoke(state, grant)
        raise OAuthError("invalid_grant", "Refresh token revoked")
    if state.clock.now() >= add_months(grant.authorized_at, GRANT_MONTHS):
        raise OAuthError("invalid_grant", "Refresh token expired")
    if not rotate:
        return _answer(state, grant, None)
    state.refresh_tokens.put(replace(token, replaced=True))
    return _answer(state, grant, _new_refresh_token(state, grant))


def revoke(state: SandboxState, grant: Grant) -> None:
    """End a grant: no refresh any more, and its access tokens stop working."""
    state.grants.put(replace(grant, revoked=True))


def grant_of_access_token(state: SandboxState, access_token: str) -> Grant | None:
    """The grant a live access token belongs to; None for one that is unknown, expired or revoked."""
    token = state.access_tokens.get(secret_digest(access_token))
    if token is None or state.clock.now() >= token.expires_at:
        return None
    grant = state.grants.get(token.grant_id)
    return None if grant is None or grant.revoked else grant


def _verifies(challenge: str, verifier: str | None) -> bool:
    if verifier is None:
        return False
    computed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(computed, challenge.encode())


def _new_refresh_token(state: SandboxState, grant: Grant) -> str:
    refresh_token = "AQ" + secrets.token_urlsafe(96)
    state.refresh_tokens.put(RefreshToken(id=secret_digest(refresh_token), grant_id=grant.id))
    return refresh_token


def _answer(state: SandboxState, grant: Grant, refresh_token: str | None) -> dict[str, object]:
    access_token = "BQ" + secrets.token_urlsafe(96)
    life = state.config.access_token_seconds
    now = state.clock.now()
    for old in state.access_tokens.of(grant.id):
        if now >= old.expires_at:
            state.access_tokens.delete(old.id)
    state.access_tokens.put(
        AccessToken(id=secret_digest(access_token), grant_id=grant.id, expires_at=now + timedelta(seconds=life))
    )
    response: dict[str, object] = {"access_token": access_token, "token_type": "Bearer", "expires_in": life}
    if refresh_token is not None:
        response["refresh_token"] = refresh_token
    return response | {"scope": ""}
