"""Saves renewed tokens, and keeps those that cannot be saved in memory until they can.

The stored token is no longer valid by then, so the one in memory is the only one. But a process may run for hours, and
somebody may sign in or out meanwhile, or renew because this process was stopped: then the stored token counts, not the
one in memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from spotify_pipeline.home import HomeError
from spotify_pipeline.retries import UNSAVED_TOKENS
from spotify_pipeline.spotify.auth.authorization import Authorization
from spotify_pipeline.spotify.auth.token_store import OpenTokens

_log = logging.getLogger(__name__)


class PendingTokens:
    """The tokens that one process has to save. ``timer`` gives monotonic seconds. Use it with the store locked."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._try_at = 0.0
        self._last_stored: Authorization | None = None
        self.pending: Authorization | None = None
        """The authorization that could not be saved; None while all is stored."""

    @property
    def is_due(self) -> bool:
        """Whether something is pending and it is time to try again."""
        return self.pending is not None and self._timer() >= self._try_at

    def mark(self, marked: Authorization, tokens: OpenTokens) -> None:
        """Store that a renewal begins; it must not begin otherwise. Errors as for :meth:`OpenTokens.save`."""
        tokens.save(marked)
        self._last_stored = marked

    def unmark(self, unmarked: Authorization, tokens: OpenTokens) -> None:
        """Store that the renewal changed nothing, if possible."""
        try:
            tokens.save(unmarked)
        except HomeError as reason:
            _log.warning("The token store could not be written: %s", reason)

    def save(self, authorization: Authorization, tokens: OpenTokens) -> None:
        """Store it, or keep it in memory and log that."""
        reason = self._failure(authorization, tokens)
        if reason is not None:
            _log.warning("The renewed Spotify authorization could not be stored: %s", reason)

    def settle(self, tokens: OpenTokens) -> Authorization | None:
        """What is pending, or was until now; None where nothing was, or the store has changed since."""
        pending = self.pending
        if pending is None:
            return None
        try:
            stored = tokens.find(*pending.key)
        except HomeError:
            return pending
        if not _same(stored, self._last_stored):
            if not _same(stored, pending):
                _log.warning(
                    "A Spotify authorization that could not be stored was dropped: somebody signed in or out, or "
                    "renewed it, since."
                )
            self.pending = None
            return None
        if self._failure(pending, tokens) is None:
            _log.warning("The Spotify authorization that could not be stored is stored now.")
        return pending

    def _failure(self, authorization: Authorization, tokens: OpenTokens) -> Exception | None:
        try:
            tokens.save(authorization)
        except HomeError as reason:
            self.pending, self._try_at = authorization, self._timer() + UNSAVED_TOKENS.pause(1)
            return reason
        self.pending, self._last_stored = None, authorization
        return None


def _same(stored: Authorization | None, before: Authorization | None) -> bool:
    if stored is None or before is None:
        return False
    return (stored.refresh_token, stored.authorized_at) == (before.refresh_token, before.authorized_at)
