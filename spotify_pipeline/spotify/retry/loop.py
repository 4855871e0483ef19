"""Decides whether and when a failed call is retried, and updates the rate limiter from Spotify's responses.

Spotify's documentation of rate limits: 429 carries ``X-RateLimit-Reset``, the seconds left until the window opens
(not a point in time). ``Retry-After`` is RFC 9110 section 10.2.3: seconds, or an HTTP date.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from spotify_pipeline.home import HomeError
from spotify_pipeline.retries import API_CALL
from spotify_pipeline.spotify.errors import SpotifyUnavailable
from spotify_pipeline.spotify.retry.rate_limiter import LONGEST_PAUSE, SHORTEST_PAUSE, RateLimiter
from spotify_pipeline.spotify.transport import Response

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
PAUSE_WHEN_LIMITED = 30.0
_log = logging.getLogger(__name__)


class RetryLoop:
    """Sends one request until its outcome is final, as ``API_CALL`` says.

    It pauses for as long as the server asks (60 s at most). A 429 pauses all who share the rate limiter.

    Args:
        rate_limiter: of the service that is called.
        max_wait: seconds that one request may wait in all, for the rate limiter and between tries.
        clock: seconds since the epoch.
        sleep, random: for pauses; random from 0 to 1.
    """

    def __init__(
        self,
        rate_limiter: RateLimiter,
        *,
        max_wait: float,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._rate_limiter = rate_limiter
        self._max_wait = max_wait
        self._clock = clock
        self._sleep = sleep
        self._random = random

    def run(
        self,
        send: Callable[[int, float], Response | SpotifyUnavailable],
        *,
        may_retry: Callable[[Response | SpotifyUnavailable], bool],
        resend_at_once: Callable[[Response], bool] = lambda _: False,
    ) -> Response | SpotifyUnavailable:
        """The first outcome that is not retried: a success, a final refusal, or that of the last try.

        Args:
            send: makes one try, given its number from 1 and the seconds waited before it. Returns the response, or
                the error when none came.
            may_retry: whether a try with this outcome may be followed by another at all.
            resend_at_once: whether a response is followed by another try whatever ``API_CALL`` says.

        Raises:
            RateLimited: the rate limiter's wait would be longer than ``max_wait``.
            SpotifyError: whatever ``send`` and ``resend_at_once`` raise.
        """
        left, pause, attempt = self._max_wait, 0.0, 1
        while True:
            wait = self._rate_limiter.take(left)
            outcome = send(attempt, pause + wait)
            response = outcome if isinstance(outcome, Response) else None
            self._update_limiter(response)
            attempt += 1
            if response is not None and resend_at_once(response):
                pause = 0.0
            else:
                next_pause = self._pause_before(attempt, response) if may_retry(outcome) else None
                if next_pause is None or wait + next_pause > left:
                    return outcome
                pause = next_pause
                if pause:
                    self._sleep(pause)
            left -= wait + pause

    def _update_limiter(self, response: Response | None) -> None:
        """Let all who share the rate limiter know what this response says. Never fails: the call has been made."""
        if response is None:
            return
        try:
            if response.status == 429:
                asked = requested_pause(response.status, response.headers, self._clock()) or PAUSE_WHEN_LIMITED
                self._rate_limiter.pause(asked + self._random())
            elif response.status not in RETRIED_STATUSES:
                self._rate_limiter.record_response(stated_allowance(response.headers))
        except (HomeError, SpotifyUnavailable) as reason:
            _log.warning("Could not update the rate limiter: %s", reason)

    def _pause_before(self, attempt: int, response: Response | None) -> float | None:
        """Seconds to wait before try number ``attempt``; None when the call is not retried.

        ``response`` is that of the try before, None where none came.
        """
        transient = response is None or response.status in RETRIED_STATUSES
        if not transient or attempt > API_CALL.tries or not self._may_retry():
            return None
        if response is None:
            return API_CALL.pause(attempt - 1, self._random())
        if response.status == 429:
            return 0.0  # the rate limiter is paused
        return pause_before(
            attempt, status=response.status, headers=response.headers, now=self._clock(), jitter=self._random()
        )

    def _may_retry(self) -> bool:
        """Never fails: the caller must learn the outcome of the call itself."""
        try:
            allowed = self._rate_limiter.may_retry()
        except (HomeError, SpotifyUnavailable) as reason:
            _log.warning("Not retried: the rate limiter cannot be used. %s", reason)
            return False
        if not allowed:
            _log.info("Not retried: too many recent calls to Spotify have failed.")
        return allowed


def pause_before(attempt: int, *, status: int, headers: Mapping[str, str], now: float, jitter: float) -> float:
    """Seconds to wait before try number ``attempt`` (2 is the first retry).

    Args:
        attempt: number of the try to come.
        status: of the response to the try before.
        headers: of that response, names in lower case.
        now: seconds since the epoch, for a ``Retry-After`` that is a date.
        jitter: a random number from 0 to 1, so that many waiting clients do not come back together.
    """
    asked = requested_pause(status, headers, now)
    return API_CALL.pause(attempt - 1, jitter) if asked is None else asked + jitter


def requested_pause(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """The pause that the server asks for, clamped to 1..60 s; 30 s for a 429 that states none; else None."""
    stated = [_retry_after(headers.get("retry-after"), now)]
    if status == 429:  # other responses carry the header too, where it means nothing
        stated.append(_seconds(headers.get("x-ratelimit-reset")))
    pauses = [pause for pause in stated if pause is not None]
    if pauses:
        return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, *pauses))
    return PAUSE_WHEN_LIMITED if status == 429 else None


def stated_allowance(headers: Mapping[str, str]) -> tuple[float, float] | None:
    """``X-RateLimit-Remaining`` and ``-Reset``: calls left, and seconds until there are more. None where unreadable."""
    remaining, reset = (_seconds(headers.get(f"x-ratelimit-{name}")) for name in ("remaining", "reset"))
    return None if remaining is None or reset is None else (remaining, reset)


def _retry_after(value: str | None, now: float) -> float | None:
    seconds = _seconds(value)
    if seconds is not None or value is None:
        return seconds
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _seconds(value: str | None) -> float | None:
    if value is None or len(value) > 32:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None
