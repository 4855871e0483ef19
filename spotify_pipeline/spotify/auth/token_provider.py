"""Gives a valid access token, and renews it exactly once however many processes need it.

A renewal rotates the refresh token, so its response has the only copy of the new one. Hence the order: store a mark
that a renewal has begun, make the call, store the response, and only then use it. A mark that is found later means
that a response may be lost; then the stored token and the one before are tried, each once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from spotify_pipeline.home import HomeError
from spotify_pipeline.retries import REFRESH_TOKENS, TOKEN_RENEWAL, TOKENS_GLANCE
from spotify_pipeline.spotify.auth.authorization import Authorization, login_command
from spotify_pipeline.spotify.auth.bootstrap import (
    bootstrap_sha256,
    bootstrap_token_is_new,
    from_bootstrap_token,
    key_of,
)
from spotify_pipeline.spotify.auth.expiry import end_reason
from spotify_pipeline.spotify.auth.oauth import AccountsService, GrantRefused, TokenResponse
from spotify_pipeline.spotify.auth.pending_tokens import PendingTokens
from spotify_pipeline.spotify.auth.token_store import OpenTokens, TokenStore
from spotify_pipeline.spotify.errors import (
    RateLimited,
    SignInRequired,
    SpotifyError,
    SpotifyUnavailable,
)
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import SpotifySettings

EARLY = 300.0  # seconds before its end that a token is renewed
LONGEST_RENEWAL = TOKEN_RENEWAL.within + REFRESH_TOKENS.tries * TOKEN_RENEWAL.one_try
"""Seconds that the store is locked at most; others wait for longer (``TOKENS_HELD``)."""
_GATEWAY_STATUSES = (502, 504)  # of a gateway, perhaps in place of a response that Spotify did give
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A token that is valid for minutes at least, and the only business it may be used for, or None for any."""

    token: Secret
    business_id: str | None


class TokenProvider:
    """The access token of one authorization, from the store while it is valid, else from the accounts service.

    The decision to renew is made while the store is locked and after reading it again; the response is stored before it
    is used. ``clock`` gives seconds since the epoch, because the store outlives the process; ``timer``
    monotonic seconds.
    """

    def __init__(
        self,
        settings: SpotifySettings,
        store: TokenStore,
        accounts: AccountsService,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        timer: Callable[[], float] = time.monotonic,
        random: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._key = key_of(settings)
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._sleep = sleep
        self._timer = timer
        self._random = random
        self._current: Authorization | None = None
        self._saver = PendingTokens(timer)

    def current(self) -> Access:
        """The token to use now, with the restriction of its authorization.

        Raises:
            SignInRequired: never signed in, or the authorization has ended. No call is made to check again.
            ScopeMissing: the user has not granted what is needed.
            SettingsInvalid: the accounts service does not accept the client id or secret.
            SpotifyUnavailable, RateLimited: it is not available; the tokens in the store are unchanged.
            HomeError: the state cannot be used, its disk is full, or its key is another; no call was made, as its
                response would have been lost.
        """
        if self._saver.is_due:
            self._save_unsaved()
        if self._saver.pending is None and self._usable(self._current) is None:
            self._current = self._shared()
        return _access(self._current, self._usable(self._current)) or self._renewed(rejected=None)

    def access_token(self) -> Secret:
        """The token of :meth:`current` alone. Errors as there."""
        return self.current().token

    def replace_rejected(self, rejected: Secret) -> Secret:
        """Another token than ``rejected``, which the API has just rejected although it should be valid.

        Calls the accounts service only if no other process has replaced it yet. Errors as above.
        """
        return self._renewed(rejected=rejected).token

    def close(self) -> None:
        """Store what is pending, if possible. Never fails."""
        if self._saver.pending is not None:
            self._save_unsaved()

    def _save_unsaved(self) -> None:
        try:
            with self._store.exclusive(sleep=self._sleep, within=TOKENS_GLANCE.within) as tokens:
                self._current = self._saver.settle(tokens)
        except (HomeError, SpotifyUnavailable):
            pass  # logged before; it stays in memory

    def _usable(self, authorization: Authorization | None, rejected: Secret | None = None) -> Secret | None:
        if authorization is None or authorization.needs_sign_in or authorization.renew_at <= self._clock():
            return None
        return None if authorization.access_token == rejected else authorization.access_token

    def _shared(self) -> Authorization | None:
        """What is stored, if it can be used as it is, without holding the store."""
        stored = self._store.find(*self._key)
        if stored is None or self._usable(stored) is None or bootstrap_token_is_new(self._settings, self._store):
            return None
        self._accounts.require_scopes(stored.scopes)
        return stored

    def _renewed(self, *, rejected: Secret | None) -> Access:
        with self._store.exclusive(sleep=self._sleep) as tokens:
            authorization = self._read(tokens)
            token = self._usable(authorization, rejected)
            if token is None:
                authorization = self._refreshed(authorization, tokens)
                token = self._usable(authorization)
            self._accounts.require_scopes(authorization.scopes)
            self._current = authorization
        access = _access(authorization, token)
        if access is None:
            raise SpotifyUnavailable("Spotify's accounts service gave a token that has already expired.")
        return access

    def _read(self, tokens: OpenTokens) -> Authorization:
        current = self._saver.settle(tokens)
        if current is None:
            current = self._stored(tokens)
            if bootstrap_token_is_new(self._settings, tokens):
                current = from_bootstrap_token(self._settings, current, seen_at=self._clock())
        if current is None:
            raise _nobody_signed_in(self._settings)
        if current.needs_sign_in:
            raise _sign_in_again(current)
        return current

    def _stored(self, tokens: OpenTokens) -> Authorization | None:
        return tokens.find(*self._key)

    def _refreshed(self, authorization: Authorization, tokens: OpenTokens) -> Authorization:
        """``authorization`` with new tokens, or another that has them.

        A mark that cannot be written stops the renewal: the response could not be stored either, and without the call
        no token is lost. The exception: the store lacks the newest token already, so nothing in it needs protection.
        """
        marked = None if self._saver.pending else self._stored(tokens) or authorization
        cut_short_at = None if marked is None else marked.refresh_started_at
        if cut_short_at is not None:
            _log.warning("A renewal of the Spotify sign-in was interrupted; the stored tokens are tried, each once.")
        if marked is not None:
            self._saver.mark(replace(marked, refresh_started_at=cut_short_at or self._clock()), tokens)
        try:
            return self._granted(authorization, tokens)
        except GrantRefused as refused:
            kept = self._stored(tokens) or authorization
            bootstrap_token = bootstrap_sha256(self._settings) or kept.bootstrap_sha256
            kept = replace(kept, needs_sign_in=True, bootstrap_sha256=bootstrap_token, refresh_started_at=cut_short_at)
            self._saver.save(kept, tokens)
            raise _sign_in_again(kept, refused.status) from None
        except SpotifyError as failure:
            if marked is not None and not _may_be_lost(failure):
                self._saver.unmark(marked, tokens)
            raise

    def _granted(self, authorization: Authorization, tokens: OpenTokens) -> Authorization:
        candidate = authorization
        refused: list[Secret] = []
        deadline = self._timer() + TOKEN_RENEWAL.within
        while True:
            try:
                response = self._ask(candidate.refresh_token, deadline)
            except GrantRefused:
                refused.append(candidate.refresh_token)
                is_last = len(refused) >= REFRESH_TOKENS.tries
                other = None if is_last else self._other_than(refused, authorization, tokens)
                if other is None:
                    raise
                if self._usable(other, authorization.access_token) is not None:
                    other = replace(other, refresh_started_at=None)
                    self._saver.save(other, tokens)
                    return other
                tokens.require_turn()
                candidate = other
            else:
                renewed = with_token_response(candidate, response, now=self._clock())
                self._saver.save(renewed, tokens)
                return renewed

    def _other_than(
        self, refused: Sequence[Secret], authorization: Authorization, tokens: OpenTokens
    ) -> Authorization | None:
        """What to try instead of what Spotify rejected: the store's token, the one before it, the bootstrap token.

        The store may hold another token if something that ignores the lock, such as restoring a backup, changed it
        meanwhile; or if the rejected one is a new bootstrap token, which must not cost us the one that works. The
        token before it may still be valid if a rotation was interrupted; the bootstrap token that all came from, if
        the service has lost what came after. No other bootstrap token: it belongs to another user or label.
        """
        stored = self._stored(tokens)
        if stored is not None and not stored.needs_sign_in and stored.refresh_token not in refused:
            return self._instead_of_bootstrap(stored, authorization, tokens)
        newest = stored or authorization
        previous, bootstrap_token = newest.previous_refresh_token, self._settings.refresh_token
        if previous is not None and not newest.needs_sign_in and previous not in refused:
            return replace(newest, refresh_token=previous, previous_refresh_token=None, access_token=None)
        of_bootstrap = newest.authorized_at is None and newest.bootstrap_sha256 == bootstrap_sha256(self._settings)
        if bootstrap_token is not None and of_bootstrap and bootstrap_token not in refused:
            _log.warning("Spotify rejects what it gave for SPOTIFY_REFRESH_TOKEN, which is tried once more.")
            known_since = self._clock() if newest.bootstrapped_at is None else newest.bootstrapped_at
            again = from_bootstrap_token(self._settings, newest, seen_at=known_since)
            return replace(again, previous_refresh_token=None)
        return None

    def _instead_of_bootstrap(self, stored: Authorization, refused: Authorization, tokens: OpenTokens) -> Authorization:
        if stored.bootstrap_sha256 == refused.bootstrap_sha256:
            return stored
        _log.warning("Spotify rejects SPOTIFY_REFRESH_TOKEN; the authorization in the token store is used instead.")
        remembering = replace(stored, bootstrap_sha256=refused.bootstrap_sha256)  # so that it is not retried
        self._saver.save(remembering, tokens)
        return remembering

    def _ask(self, refresh_token: Secret, deadline: float) -> TokenResponse:
        for attempt in range(1, TOKEN_RENEWAL.tries + 1):
            try:
                return self._accounts.refresh(refresh_token, attempt=attempt)
            except (SpotifyUnavailable, RateLimited) as failure:
                # A lost response may hold a rotated token: asking again with the old one could end the
                # authorization. Only an error response, or a request that was never sent, is retried.
                asked = failure.retry_after if isinstance(failure, RateLimited) else None
                jitter = self._random()
                pause = TOKEN_RENEWAL.pause(attempt, jitter) if asked is None else asked + jitter
                if _may_be_lost(failure) or attempt == TOKEN_RENEWAL.tries or self._timer() + pause > deadline:
                    raise
            self._sleep(pause)
        raise AssertionError("the last try returns or raises")


def with_token_response(authorization: Authorization, response: TokenResponse, *, now: float) -> Authorization:
    """``authorization`` after a token endpoint's success. Without a new refresh token the old one stays."""
    rotated = response.refresh_token
    kept = rotated is None or rotated == authorization.refresh_token
    unknown_age = authorization.authorized_at is None and authorization.bootstrapped_at is None
    return replace(
        authorization,
        refresh_token=authorization.refresh_token if rotated is None else rotated,
        previous_refresh_token=authorization.previous_refresh_token if kept else authorization.refresh_token,
        bootstrapped_at=now if unknown_age else authorization.bootstrapped_at,
        access_token=response.access_token,
        # A token that is valid for a short time is used for half of it, or it would be renewed at every call.
        renew_at=now + response.expires_in - min(EARLY, response.expires_in / 2),
        scopes=authorization.scopes if response.scopes is None else response.scopes,
        needs_sign_in=False,
        refresh_started_at=None,
    )


def _may_be_lost(failure: SpotifyError) -> bool:
    """Whether Spotify may have sent new tokens that did not reach us."""
    if failure.status is None:
        return failure.may_have_happened
    return 200 <= failure.status < 300 or failure.status in _GATEWAY_STATUSES


def _access(authorization: Authorization | None, token: Secret | None) -> Access | None:
    if authorization is None or token is None:
        return None
    return Access(token=token, business_id=authorization.business_id)


def _nobody_signed_in(settings: SpotifySettings) -> SignInRequired:
    label = settings.authorization
    otherwise = "set SPOTIFY_REFRESH_TOKEN"
    if settings.refresh_token is not None:
        otherwise += " to a new refresh token: the one that is set was used before, or signed out"
    return SignInRequired(
        f"Nobody has signed in to Spotify for this client id as `{label}` yet.",
        next_step=f"Run `{login_command(label)}`, or {otherwise}.",
    )


def _sign_in_again(authorization: Authorization, status: int | None = None) -> SignInRequired:
    next_step = f"Run `{login_command(authorization.label)}` and sign in again."
    return SignInRequired(end_reason(authorization), next_step=next_step, status=status)
