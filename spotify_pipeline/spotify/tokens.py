"""Gives a valid access token, and renews it exactly once however many processes need it."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from spotify_pipeline.home import HomeError
from spotify_pipeline.spotify.errors import RateLimited, SignInRequired, SpotifyUnavailable, TokenStoreUnusable
from spotify_pipeline.spotify.oauth import AccountsService, GrantRefused, TokenAnswer
from spotify_pipeline.spotify.retries import backoff
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import SpotifySettings
from spotify_pipeline.spotify.token_store import Authorization, OpenTokens, TokenStore

EARLY = 300.0  # seconds before its end that a token is renewed
_REFRESH_TRIES = 3  # of one refresh token, while the service is not able to answer
_MOST_GRANTS = 3  # refresh tokens tried, each after the one before was refused
_log = logging.getLogger(__name__)


class TokenProvider:
    """The access token of one client id, from the store while it is good, else from the accounts service.

    The decision to renew is taken with the store's lock held and after reading it again; the answer is on disk
    before it is used. ``clock`` gives seconds since the epoch, because the store outlives the process.
    """

    def __init__(
        self,
        settings: SpotifySettings,
        store: TokenStore,
        accounts: AccountsService,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._current: Authorization | None = None
        self._unsaved = False

    def access_token(self) -> Secret:
        """A token that is good for minutes at least.

        Raises:
            SignInRequired: never signed in, or the authorization has ended. No call is made to find out again.
            SettingsInvalid: the accounts service does not accept the client id or secret.
            SpotifyUnavailable, RateLimited: it could not be asked; the store is as it was.
            TokenStoreUnusable, HomeError: the store cannot be used.
        """
        token = self._usable(self._current)
        return token if token is not None else self._renewed(rejected=None)

    def replace_rejected(self, rejected: Secret) -> Secret:
        """Another token than ``rejected``, which the API has just refused although it should be good.

        Asks the accounts service only if no other process has replaced it yet. Errors as above.
        """
        return self._renewed(rejected=rejected)

    def _usable(self, authorization: Authorization | None, rejected: Secret | None = None) -> Secret | None:
        if authorization is None or authorization.needs_sign_in or authorization.renew_at <= self._clock():
            return None
        return None if authorization.access_token == rejected else authorization.access_token

    def _renewed(self, *, rejected: Secret | None) -> Secret:
        with self._store.exclusive(sleep=self._sleep) as tokens:
            authorization = self._read(tokens)
            token = self._usable(authorization, rejected)
            if token is None:
                authorization = self._refreshed(authorization, tokens)
                token = self._usable(authorization)
            self._current = authorization
        if token is None:
            raise SpotifyUnavailable("Spotify's accounts service gave a token that has already ended.")
        return token

    def _read(self, tokens: OpenTokens) -> Authorization:
        current = self._unsaved_authorization(tokens) or seeded(self._settings, self._stored(tokens))
        if current is None:
            raise SignInRequired(
                "Nobody has signed in to Spotify for this client id yet.",
                next_step="Run `spotify-pipeline login`, or set SPOTIFY_REFRESH_TOKEN.",
            )
        if current.needs_sign_in:
            raise SignInRequired(SignInRequired.ended)
        return current

    def _unsaved_authorization(self, tokens: OpenTokens) -> Authorization | None:
        """What could not be stored, except a refusal that somebody has signed in after."""
        current = self._current if self._unsaved else None
        if current is None or not current.needs_sign_in:
            return current
        stored = self._stored(tokens)
        return current if stored is None or stored.refresh_token == current.refresh_token else None

    def _stored(self, tokens: OpenTokens) -> Authorization | None:
        return tokens.find(self._settings.accounts_url, self._settings.client_id)

    def _refreshed(self, authorization: Authorization, tokens: OpenTokens) -> Authorization:
        candidate = authorization
        refused: list[Secret] = []
        while True:
            try:
                answer = self._ask(candidate.refresh_token)
            except GrantRefused:
                refused.append(candidate.refresh_token)
                other = self._other_than(refused, authorization, tokens) if len(refused) < _MOST_GRANTS else None
                if other is None:
                    kept = self._stored(tokens) or authorization
                    seed = seed_fingerprint(self._settings) or kept.seed_sha256
                    self._save(replace(kept, needs_sign_in=True, seed_sha256=seed), tokens)
                    raise
                if self._usable(other, authorization.access_token) is not None:
                    return other
                candidate = other
            else:
                renewed = with_answer(candidate, answer, now=self._clock())
                self._save(renewed, tokens)
                return renewed

    def _other_than(
        self, refused: Sequence[Secret], authorization: Authorization, tokens: OpenTokens
    ) -> Authorization | None:
        """What to try instead of what Spotify has refused: the store's token, the one before it, the seed.

        The store may hold another token when somebody who does not take the lock, such as a restored backup, has
        changed it meanwhile; or when the refused one is a new seed, which then does not cost us what works. The
        token before it may still be good when a rotation was cut short; the seed, when the service has forgotten
        what came after.
        """
        stored = self._stored(tokens)
        if stored is not None and not stored.needs_sign_in and stored.refresh_token not in refused:
            return self._instead_of_seed(stored, authorization, tokens)
        newest = stored or authorization
        previous, seed = newest.previous_refresh_token, self._settings.refresh_token
        if previous is not None and not newest.needs_sign_in and previous not in refused:
            return replace(newest, refresh_token=previous, previous_refresh_token=None, access_token=None)
        if seed is not None and seed not in refused:
            return Authorization(
                issuer=newest.issuer,
                client_id=newest.client_id,
                refresh_token=seed,
                seed_sha256=seed_fingerprint(self._settings),
            )
        return None

    def _instead_of_seed(self, stored: Authorization, refused: Authorization, tokens: OpenTokens) -> Authorization:
        if stored.seed_sha256 == refused.seed_sha256:
            return stored
        _log.warning("Spotify refuses SPOTIFY_REFRESH_TOKEN; the authorization in the token store is used instead.")
        remembering = replace(stored, seed_sha256=refused.seed_sha256)  # so that the seed is not tried again
        self._save(remembering, tokens)
        return remembering

    def _ask(self, refresh_token: Secret) -> TokenAnswer:
        for attempt in range(1, _REFRESH_TRIES + 1):
            try:
                return self._accounts.refresh(refresh_token, attempt=attempt)
            except (SpotifyUnavailable, RateLimited) as failure:
                # An answer that was lost may hold a rotated token: asking again with the old one could end the
                # authorization. Only a stated refusal, or a request that was never sent, is repeated.
                lost = failure.status is None and failure.may_have_happened
                if lost or failure.status == 200 or attempt == _REFRESH_TRIES:
                    raise
                asked = failure.retry_after if isinstance(failure, RateLimited) else None
            dice = self._random()
            self._sleep(backoff(attempt + 1, dice) if asked is None else asked + dice)
        raise AssertionError("the last try returns or raises")

    def _save(self, authorization: Authorization, tokens: OpenTokens) -> None:
        try:
            tokens.save(authorization)
            self._unsaved = False
        except (HomeError, TokenStoreUnusable) as reason:
            # The old token may be dead already, so the new one is kept in memory for as long as this process lives.
            self._current, self._unsaved = authorization, True
            _log.warning("The renewed Spotify authorization could not be stored: %s", reason)


def seeded(settings: SpotifySettings, stored: Authorization | None) -> Authorization | None:
    """``stored``, unless ``SPOTIFY_REFRESH_TOKEN`` holds a seed that has not been taken over yet."""
    seed = settings.refresh_token
    fingerprint = seed_fingerprint(settings)
    if seed is None or (stored is not None and stored.seed_sha256 == fingerprint):
        return stored
    return Authorization(
        issuer=settings.accounts_url,
        client_id=settings.client_id,
        refresh_token=seed,
        previous_refresh_token=None if stored is None else stored.refresh_token,
        seed_sha256=fingerprint,
    )


def seed_fingerprint(settings: SpotifySettings) -> str | None:
    seed = settings.refresh_token
    return None if seed is None else hashlib.sha256(seed.reveal().encode()).hexdigest()


def with_answer(authorization: Authorization, answer: TokenAnswer, *, now: float) -> Authorization:
    """``authorization`` after a token endpoint's success. Without a new refresh token the old one stays."""
    rotated = answer.refresh_token
    kept = rotated is None or rotated == authorization.refresh_token
    return replace(
        authorization,
        refresh_token=authorization.refresh_token if rotated is None else rotated,
        previous_refresh_token=authorization.previous_refresh_token if kept else authorization.refresh_token,
        access_token=answer.access_token,
        # A token of a short life is used for half of it, or it would be renewed at every call.
        renew_at=now + answer.expires_in - min(EARLY, answer.expires_in / 2),
        needs_sign_in=False,
    )
