"""Signs in with the browser (authorization code with PKCE, back to a listener on this machine), and signs out."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable

from spotify_pipeline.spotify.ads import SpotifyAdsClient
from spotify_pipeline.spotify.auth import (
    REQUIRED_SCOPES,
    AccountsService,
    Authorization,
    GrantRefused,
    TokenResponse,
    TokenStore,
    bootstrap_sha256,
    key_of,
    login_command,
    with_token_response,
)
from spotify_pipeline.spotify.errors import SettingsInvalid, SignInFailed, SpotifyError
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import UUID, SpotifySettings
from spotify_pipeline.spotify.sign_in.listener import Callback, CallbackListener
from spotify_pipeline.spotify.transport import ACCOUNTS, HttpClient, Observer, Transport

DEFAULT_PORT = 8765
LONGEST_WAIT = 300.0  # seconds
_log = logging.getLogger(__name__)


def sign_in(
    settings: SpotifySettings,
    token_store: TokenStore,
    *,
    open_browser: Callable[[str], object],
    port: int = DEFAULT_PORT,
    timeout: float = LONGEST_WAIT,
    business_id: str | None = None,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
    observer: Observer | None = None,
    transport: Transport | None = None,
    required_scopes: frozenset[str] = REQUIRED_SCOPES,
) -> Authorization:
    """Let the user sign in and store the tokens; they are durable when this returns.

    Args:
        settings: whose client id signs in, and under which label (``authorization``).
        token_store: where the tokens go. Another authorization of the same client id and label is replaced.
        open_browser: opens the address, or prints it; its return value is ignored.
        port: of ``http://127.0.0.1:<port>/callback``, which must be registered as redirect URI of the app. Spotify
            no longer takes ``localhost`` there.
        timeout: seconds to wait for the user, at most five minutes.
        business_id: the one business that the authorization may be used for. None keeps the restriction of the one
            that is replaced, if it has one.
        now: seconds since the epoch; clock: monotonic seconds, for the timeout.
        observer, transport: as for :meth:`SpotifyAdsClient.open`.
        required_scopes: requested; the sign-in fails if one is not granted.

    Raises:
        SignInFailed: refused by the user, not finished in time, the port is taken, or the user does not belong to
            ``business_id``. The store is unchanged.
        ScopeMissing: the user has not granted what is needed. The store is unchanged.
        SettingsInvalid: ``business_id`` is not a UUID; or Spotify does not accept the client id or secret.
        SpotifyUnavailable: the accounts service is not available.
        StateError: the store cannot be used, or this machine lacks its key.
    """
    if business_id is not None and not UUID.fullmatch(business_id):
        raise SettingsInvalid(
            "The business to sign in for is not a UUID.",
            next_step="Give an id that `spotify-pipeline businesses` shows, or none for every business.",
        )
    token_store.state.require_key()  # before the browser opens
    with HttpClient(
        ACCOUNTS,
        transport=transport,
        observer=observer,
        proxy_url=settings.proxy_url,
        ca_bundle=settings.ca_bundle,
    ) as http:
        accounts = AccountsService(settings, http, clock=now, required_scopes=required_scopes)
        response = _user_agrees(settings, accounts, open_browser, port, min(timeout, LONGEST_WAIT), clock)
    if response.refresh_token is None:
        raise SignInFailed("Spotify's accounts service gave no refresh token.")
    accounts.require_scopes(response.scopes)
    with token_store.exclusive() as tokens:
        before, spent = tokens.find(*key_of(settings)), tokens.used_bootstrap_token(key_of(settings))
        authorization = _authorization(settings, before, response, business_id, now())
        tokens.save(authorization)
    if authorization.business_id is not None:
        with SpotifyAdsClient.open(settings, token_store, clock=now, observer=observer, transport=transport) as client:
            fault = _fault_of_business(client, authorization.business_id)
        if fault is not None:
            with token_store.exclusive() as tokens:
                if before is None:
                    tokens.forget({authorization.key: spent})
                else:
                    tokens.save(before)
            raise fault
    return authorization


def sign_out(settings: SpotifySettings, token_store: TokenStore) -> bool:
    """Delete the tokens of the authorization that ``settings`` choose from this machine; False where there are none.

    Nothing changes at Spotify. A ``SPOTIFY_REFRESH_TOKEN`` that is set does not sign in again. A running process may
    use its access token until that expires, within an hour.

    Raises:
        StateError: the store cannot be used, or this machine lacks its key.
    """
    key = key_of(settings)
    with token_store.exclusive() as tokens:
        before = tokens.find(*key)
        spent = bootstrap_sha256(settings) or (
            tokens.used_bootstrap_token(key) if before is None else before.bootstrap_sha256
        )
        tokens.forget({key: spent})
    return before is not None


def sign_out_of_all(settings: SpotifySettings | None, token_store: TokenStore) -> None:
    """As :func:`sign_out`, for every authorization in the store, even those that this machine has no key for.

    Used bootstrap tokens do not sign in again, nor does that of ``settings``, if there are any.
    """
    digest = None if settings is None else bootstrap_sha256(settings)
    with token_store.exclusive() as tokens:
        tokens.forget_all({} if settings is None or digest is None else {key_of(settings): digest})


def _user_agrees(
    settings: SpotifySettings,
    accounts: AccountsService,
    open_browser: Callable[[str], object],
    port: int,
    seconds: float,
    clock: Callable[[], float],
) -> TokenResponse:
    state, verifier = Secret(secrets.token_urlsafe(32)), Secret(secrets.token_urlsafe(64))
    again = f"Run `{login_command(settings.authorization)}` again."
    listener = CallbackListener(port, state)
    redirect_uri = listener.redirect_uri
    try:
        open_browser(accounts.authorize_url(redirect_uri=redirect_uri, state=state.reveal(), verifier=verifier))
        callback = listener.wait(seconds=seconds, clock=clock)
    finally:
        listener.close()
    try:
        return accounts.exchange_code(_code(callback), redirect_uri=redirect_uri, verifier=verifier)
    except GrantRefused as refused:
        message = "Spotify does not accept the sign-in: its code was used, is too old, or was made for another app."
        raise SignInFailed(message, next_step=again, status=refused.status, trace_id=refused.trace_id) from None


def _authorization(
    settings: SpotifySettings,
    before: Authorization | None,
    response: TokenResponse,
    business_id: str | None,
    now: float,
) -> Authorization:
    assert response.refresh_token is not None  # noqa: S101  (the caller has looked)
    # A bootstrap token that is set now is older than this sign-in: it must not be taken over afterwards.
    fresh = Authorization(
        **key_of(settings)._asdict(),
        business_id=business_id if business_id is not None else (before.business_id if before else None),
        refresh_token=response.refresh_token,
        authorized_at=now,
        bootstrap_sha256=bootstrap_sha256(settings) or (before.bootstrap_sha256 if before else None),
    )
    return with_token_response(fresh, response, now=now)


def _fault_of_business(client: SpotifyAdsClient, business_id: str) -> SignInFailed | None:
    """Why the sign-in must be undone, if the user does not belong to its business.

    Until then it is stored with its restriction, so that it can be used for nothing else. If Spotify is not available
    it stays: the ad account's business is checked before each first write anyway.
    """
    try:
        found = client.businesses()
    except SpotifyError as reason:
        _log.warning("Signed in, but the business could not be checked. %s", reason)
        return None
    if business_id.lower() in [each.id.lower() for each in found]:
        return None
    names = ", ".join(f"{each.name} ({each.id})" for each in found) or "none"
    return SignInFailed(
        f"The user who signed in does not belong to the business {business_id}; theirs: {names}.",
        next_step="Nothing was stored. Sign in again with the id of one of these, or as another user.",
    )


def _code(callback: Callback) -> Secret:
    if callback.code is not None:
        return callback.code
    if callback.error == "access_denied":
        raise SignInFailed("The sign-in was refused in the browser.", next_step="Run it again and choose Agree.")
    raise SignInFailed(f"Spotify ended the sign-in with the error {callback.error}.")
