"""Calls the accounts service: the authorize address, and the two uses of the token endpoint.

RFC 6749 sections 4.1 and 6, PKCE of RFC 7636, and Spotify's "Refreshing tokens".
"""

from __future__ import annotations

import math
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlencode

from spotify_pipeline.retries import TOKEN_RENEWAL
from spotify_pipeline.spotify.auth.authorization import login_command
from spotify_pipeline.spotify.errors import (
    ScopeMissing,
    SettingsInvalid,
    SignInRequired,
    SpotifyError,
    SpotifyUnavailable,
)
from spotify_pipeline.spotify.lenient_json import JsonObject, text
from spotify_pipeline.spotify.retry import response_error
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import SpotifySettings
from spotify_pipeline.spotify.transport import HttpClient, Response
from spotify_pipeline.spotify_limits import TOKEN_LIFE

REQUIRED_SCOPES: frozenset[str] = frozenset()
"""Spotify's Ads API has no scopes (``scopes: {}`` in its OpenAPI document); the user's roles decide."""
_LONGEST_LIFE = 24 * 3600.0
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


class GrantRefused(SignInRequired):
    """``invalid_grant``: this refresh token or code is used, revoked or expired. Sending it again cannot help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """A token endpoint's success.

    ``refresh_token`` is None when the one that was sent stays valid (RFC 6749 section 6). ``expires_in`` is in
    seconds and always positive. ``scopes`` are what the user granted; None where the response does not state them,
    which means what was requested (RFC 6749 section 5.1).
    """

    access_token: Secret
    refresh_token: Secret | None
    expires_in: float
    scopes: frozenset[str] | None = None


class AccountsService:
    """Calls the accounts service for one client id: with its secret by HTTP Basic, or as a public client (PKCE).

    ``clock`` gives seconds since the epoch, for a ``Retry-After`` that is a date. ``required_scopes`` are requested
    at sign-in.
    """

    def __init__(
        self,
        settings: SpotifySettings,
        http: HttpClient,
        *,
        clock: Callable[[], float],
        required_scopes: frozenset[str] = REQUIRED_SCOPES,
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._required_scopes = required_scopes

    def authorize_url(self, *, redirect_uri: str, state: str, verifier: Secret) -> str:
        """Where the user's browser goes to sign in. Contains the S256 challenge, never the verifier."""
        digest = sha256(verifier.reveal().encode()).digest()
        query = {
            "client_id": self._settings.client_id,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge_method": "S256",
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
        }
        if self._required_scopes:
            query["scope"] = " ".join(sorted(self._required_scopes))
        return f"{self._settings.accounts_url}/authorize?{urlencode(query)}"

    def exchange_code(self, code: Secret, *, redirect_uri: str, verifier: Secret) -> TokenResponse:
        """Tokens for the code that the browser brought back. Errors as for :meth:`refresh`."""
        form = {"grant_type": "authorization_code", "redirect_uri": redirect_uri}
        secrets = {"code": code, "code_verifier": verifier}
        return self._token(form, secrets, "exchange the sign-in code for tokens", attempt=1)

    def refresh(self, refresh_token: Secret, *, attempt: int = 1) -> TokenResponse:
        """New tokens for ``refresh_token``.

        Raises:
            GrantRefused: the token is used, revoked, or older than six months.
            SettingsInvalid: Spotify does not know the client id, or its secret is wrong.
            SpotifyUnavailable, RateLimited: no valid response; the token may still be valid.
            SpotifyError: any other error response.
        """
        form = {"grant_type": "refresh_token"}
        return self._token(form, {"refresh_token": refresh_token}, "renew the access token", attempt=attempt)

    def require_scopes(self, granted: frozenset[str] | None) -> None:
        """Return if ``granted`` (:attr:`TokenResponse.scopes`) is sufficient or unknown.

        Raises:
            ScopeMissing: it is not sufficient.
        """
        missing = frozenset[str]() if granted is None else self._required_scopes - granted
        if missing:
            raise ScopeMissing(
                f"The sign-in lacks permissions: Spotify did not grant {_scope_names(missing)}.",
                next_step=f"Run `{login_command(self._settings.authorization)}` and agree to all permissions.",
            )

    def _token(
        self, plain: Mapping[str, str], secrets: Mapping[str, Secret], doing: str, *, attempt: int
    ) -> TokenResponse:
        headers = {"Accept": "application/json"}
        form = {**plain, **{name: secret.reveal() for name, secret in secrets.items()}}
        sent = [*secrets.values()]
        if self._settings.client_secret is None:
            form["client_id"] = self._settings.client_id
        else:
            pair = f"{self._settings.client_id}:{self._settings.client_secret.reveal()}"
            basic = Secret(b64encode(pair.encode()).decode())
            headers["Authorization"] = f"Basic {basic.reveal()}"
            sent += [self._settings.client_secret, basic]
        url = f"{self._settings.accounts_url}/api/token"
        response = self._http.send(
            "POST",
            url,
            route="/api/token",
            headers=headers,
            form=form,
            attempt=attempt,
            total_seconds=TOKEN_RENEWAL.one_try,
        )
        if response.status != 200:
            raise _token_refusal(response, doing, sent, now=self._clock())
        return _token_answer(response, doing)


def _token_refusal(response: Response, doing: str, sent: Sequence[Secret], *, now: float) -> SpotifyError:
    code = text(response.json() or {}, "error") if response.status in (400, 401) else None
    if code == "invalid_grant":
        return GrantRefused(GrantRefused.ended, status=response.status)
    if code in ("invalid_client", "unauthorized_client"):
        return SettingsInvalid(
            f"Spotify does not accept this app's credentials ({code}).",
            status=response.status,
            next_step="Check SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET (leave the secret unset only for an app that "
            "signs in with PKCE).",
        )
    error = response_error(response, doing, sent=sent, now=now)
    if response.status != 403:
        return error
    # Roles and terms belong to the Ads API; the accounts service documents no 403.
    return SpotifyUnavailable(
        error.message,
        status=403,
        trace_id=error.trace_id,
        next_step="A proxy or firewall may block it: let this machine reach Spotify's accounts service, or name the "
        "proxy in SPOTIFY_PROXY_URL; then run again.",
    )


def _token_answer(response: Response, doing: str) -> TokenResponse:
    body = response.json() or {}
    access_token = _token_text(body, "access_token")
    if access_token is None:  # a proxy's sign-in page, for instance
        raise SpotifyUnavailable(
            f"Spotify's accounts service did not {doing}: it answered {response.status} without a token.",
            status=response.status,
        )
    refresh_token = _token_text(body, "refresh_token")
    if refresh_token is None and body.get("refresh_token") not in (None, ""):  # rotated, and unreadable
        raise SpotifyUnavailable(
            f"Spotify's accounts service did not {doing}: it answered {response.status} with an invalid refresh token.",
            status=response.status,
        )
    return TokenResponse(
        access_token=access_token,
        refresh_token=refresh_token,
        expires_in=_life(body.get("expires_in")),
        scopes=frozenset(scope.split()) if isinstance(scope := body.get("scope"), str) else None,
    )


def _scope_names(scopes: frozenset[str]) -> str:
    return f"the scope{'' if len(scopes) == 1 else 's'} {', '.join(sorted(scopes))}"


def _token_text(body: JsonObject, key: str) -> Secret | None:
    value = text(body, key)
    return Secret(value) if value is not None and _TOKEN.fullmatch(value) else None


def _life(stated: object) -> float:
    """Seconds that the access token is valid; the documented hour where the response states no valid time.

    A time that is too long costs one rejected call, which renews the token; one that is too short would renew it at
    every call.
    """
    try:
        seconds = float(stated) if isinstance(stated, int | float | str) and not isinstance(stated, bool) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    return min(seconds, _LONGEST_LIFE) if math.isfinite(seconds) and seconds > 0 else TOKEN_LIFE.total_seconds()
