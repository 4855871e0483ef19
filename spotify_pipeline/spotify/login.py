"""Signing in with the browser: authorization code with PKCE, back to a listener on this machine."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from spotify_pipeline.spotify.answer import Observer
from spotify_pipeline.spotify.errors import SignInFailed
from spotify_pipeline.spotify.http import ACCOUNTS, HttpClient, Transport
from spotify_pipeline.spotify.login_listener import Callback, CallbackListener
from spotify_pipeline.spotify.oauth import AccountsService, GrantRefused
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import SpotifySettings
from spotify_pipeline.spotify.token_store import Authorization, TokenStore
from spotify_pipeline.spotify.tokens import seed_fingerprint, with_answer

DEFAULT_PORT = 8765
LONGEST_WAIT = 300.0  # seconds


def sign_in(
    settings: SpotifySettings,
    token_store: TokenStore,
    *,
    open_browser: Callable[[str], object],
    port: int = DEFAULT_PORT,
    timeout: float = LONGEST_WAIT,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
    observer: Observer | None = None,
    transport: Transport | None = None,
) -> Authorization:
    """Let the user sign in and store the tokens; they are on disk when this returns.

    Args:
        settings: whose client id signs in.
        token_store: where the tokens go. Another authorization of the same client id is replaced.
        open_browser: is given the address to open; what it returns does not matter. It may also print it.
        port: of ``http://127.0.0.1:<port>/callback``, which must be registered as redirect URI of the app. Spotify
            no longer takes ``localhost`` there.
        timeout: seconds to wait for the user, at most five minutes.
        now: seconds since the epoch; clock: monotonic seconds, for the timeout.
        observer, transport: as for :meth:`SpotifyAdsClient.open`.

    Raises:
        SignInFailed: refused by the user, not finished in time, or the port is taken. The store is as it was.
        SettingsInvalid: Spotify does not accept the client id or secret.
        SpotifyUnavailable: the accounts service cannot be asked.
        TokenStoreUnusable, HomeError: the store cannot be used.
    """
    state, verifier = Secret(secrets.token_urlsafe(32)), Secret(secrets.token_urlsafe(64))
    before = token_store.find(
        settings.accounts_url, settings.client_id
    )  # an unusable store is told before the browser opens
    with HttpClient(ACCOUNTS, transport=transport, observer=observer) as http:
        accounts = AccountsService(settings, http, clock=now)
        listener = CallbackListener(port, state)
        redirect_uri = listener.redirect_uri
        try:
            open_browser(accounts.authorize_url(redirect_uri=redirect_uri, state=state.reveal(), verifier=verifier))
            callback = listener.wait(seconds=min(timeout, LONGEST_WAIT), clock=clock)
        finally:
            listener.close()
        code = _code(callback)
        try:
            answer = accounts.exchange_code(code, redirect_uri=redirect_uri, verifier=verifier)
        except GrantRefused as refused:
            message = "Spotify does not accept the sign-in: its code was used, is too old, or was made for another app."
            raise SignInFailed(message, status=refused.status, trace_id=refused.trace_id) from None
    if answer.refresh_token is None:
        raise SignInFailed("Spotify's accounts service gave no refresh token.")
    # A seed that is set now is older than this sign-in: it must not be taken over afterwards.
    seed = seed_fingerprint(settings) or (before.seed_sha256 if before else None)
    fresh = Authorization(
        issuer=settings.accounts_url,
        client_id=settings.client_id,
        refresh_token=answer.refresh_token,
        authorized_at=now(),
        seed_sha256=seed,
    )
    authorization = with_answer(fresh, answer, now=now())
    with token_store.exclusive() as tokens:
        tokens.save(authorization)
    return authorization


def _code(callback: Callback) -> Secret:
    if callback.code is not None:
        return callback.code
    if callback.error == "access_denied":
        raise SignInFailed("The sign-in was refused in the browser.", next_step="Run it again and choose Agree.")
    raise SignInFailed(f"Spotify ended the sign-in with the error {callback.error}.")
