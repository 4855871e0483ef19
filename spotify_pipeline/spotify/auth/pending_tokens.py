"""Saves renewed tokens, and keeps those that cannot be saved in memory until they can be.

The service has ended the stored token by then, so what is in memory is all there is. But a process may live for hours,
and somebody may sign in or out meanwhile: what is on disk then counts, not what this process still holds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from spotify_pipeline.home import HomeError
from spotify_pipeline.spotify.auth.authorization import Authorization
from spotify_pipeline.spotify.auth.token_store import OpenTokens
from spotify_pipeline.spotify.errors import TokenStoreUnusable

TRIED_EVERY = 30.0  # seconds between two tries to save
_log = logging.getLogger(__name__)


class PendingTokens:
    """What one process has to save. ``timer`` gives monotonic seconds. Use it with the store's lock held."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._try_at = 0.0
        self._on_disk: Authorization | None = None
        self.pending: Authorization | None = None
        """What could not be saved; None while all is on disk."""

    @property
    def is_due(self) -> bool:
        """Something is unsaved, and it is time to try again."""
        return self.pending is not None and self._timer() >= self._try_at

    def mark(self, marked: Authorization, tokens: OpenTokens) -> None:
        """Store that a renewal begins, without which it must not. Errors as for :meth:`OpenTokens.save`."""
        tokens.save_mark(marked)
        self._on_disk = marked

    def unmark(self, unmarked: Authorization, tokens: OpenTokens) -> None:
        """Store that it changed nothing, if that is possible."""
        try:
            tokens.save_mark(unmarked)
        except (HomeError, TokenStoreUnusable) as reason:
            _log.warning("The token store could not be written: %s", reason)

    def save(self, authorization: Authorization, tokens: OpenTokens) -> None:
        """Store it, or keep it and say so."""
        reason = self._failure(authorization, tokens)
        if reason is not None:
            self._on_disk = _found(authorization, tokens) or self._on_disk
            _log.warning("The renewed Spotify authorization could not be stored: %s", reason)

    def settle(self, tokens: OpenTokens) -> Authorization | None:
        """What is unsaved still, or was until now; None where nothing was, or the store has something else since."""
        pending = self.pending
        if pending is None:
            return None
        try:
            stored = tokens.find(*pending.key)
        except TokenStoreUnusable:
            return pending
        if not _same(stored, self._on_disk):
            _log.warning(
                "A Spotify authorization that could not be stored is dropped: somebody signed in or out since."
            )
            self.pending = None
            return None
        if self._failure(pending, tokens) is None:
            _log.warning("The Spotify authorization that could not be stored is stored now.")
        return pending

    def _failure(self, authorization: Authorization, tokens: OpenTokens) -> Exception | None:
        try:
            tokens.save(authorization)
        except (HomeError, TokenStoreUnusable) as reason:
            self.pending, self._try_at = authorization, self._timer() + TRIED_EVERY
            return reason
        self.pending = None
        return None


def _found(authorization: Authorization, tokens: OpenTokens) -> Authorization | None:
    try:
        return tokens.find(*authorization.key)
    except (HomeError, TokenStoreUnusable):
        return None


def _same(stored: Authorization | None, before: Authorization | None) -> bool:
    if stored is None or before is None:
        return False
    return (stored.refresh_token, stored.authorized_at) == (before.refresh_token, before.authorized_at)
