"""Whether and when a failed call is tried again, and what those who share the rate budget are told of its answers."""

from __future__ import annotations

import logging
from collections.abc import Callable

from spotify_pipeline.home import HomeError
from spotify_pipeline.spotify.errors import SpotifyUnavailable
from spotify_pipeline.spotify.retry.backoff import (
    MAX_TRIES,
    PAUSE_WHEN_LIMITED,
    RETRIED_STATUSES,
    backoff,
    pause_before,
    requested_pause,
    stated_allowance,
)
from spotify_pipeline.spotify.retry.rate_limiter import RateBudget
from spotify_pipeline.spotify.transport import Answer

_log = logging.getLogger(__name__)


class Repetitions:
    """The rules that all repeated calls share; which calls may be repeated at all, the caller knows.

    Args:
        budget: of the service that is called.
        clock: seconds since the epoch.
        random: from 0 to 1.
    """

    def __init__(self, budget: RateBudget, *, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._budget = budget
        self._clock = clock
        self._random = random

    def tell_budget(self, answer: Answer | None) -> None:
        """Let all who share the budget know what this answer says about it. Never fails: the call has been made."""
        if answer is None:
            return
        try:
            if answer.status == 429:
                asked = requested_pause(answer.status, answer.headers, self._clock()) or PAUSE_WHEN_LIMITED
                self._budget.pause(asked + self._random())
            elif answer.status not in RETRIED_STATUSES:
                self._budget.answered(stated_allowance(answer.headers))
        except (HomeError, SpotifyUnavailable) as reason:
            _log.warning("The rate budget could not be told of an answer: %s", reason)

    def pause_before(self, attempt: int, answer: Answer | None) -> float | None:
        """Seconds to wait before try number ``attempt``; None when the call is not to be tried again.

        ``answer`` is that to the try before, None where none came.
        """
        passing = answer is None or answer.status in RETRIED_STATUSES
        if not passing or attempt > MAX_TRIES or not self._may_repeat():
            return None
        if answer is None:
            return backoff(attempt, self._random())
        if answer.status == 429:
            return 0.0  # the budget is paused
        return pause_before(
            attempt, status=answer.status, headers=answer.headers, now=self._clock(), dice=self._random()
        )

    def _may_repeat(self) -> bool:
        """Never fails: what came of the call is what is to be told."""
        try:
            allowed = self._budget.may_repeat()
        except (HomeError, SpotifyUnavailable) as reason:
            _log.warning("Not tried again: the rate budget cannot be asked. %s", reason)
            return False
        if not allowed:
            _log.info("Not tried again: too many of the calls to Spotify have failed of late.")
        return allowed
