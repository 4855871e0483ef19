"""Turns what went wrong into a Dagster failure that a person can act on and that holds no one's data."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from random import random

import dagster as dg

from spotify_pipeline.errors import ExpectedError
from spotify_pipeline.printable import printable
from spotify_pipeline.retries import STEP
from spotify_pipeline.spotify import (
    RateLimited,
    SpotifyUnavailable,
    UploadDataLoss,
    UploadIncomplete,
)

PASSING = (RateLimited, SpotifyUnavailable, UploadIncomplete)
"""Transient: nothing was carried out, or the mirror resumes it. Everything else needs a person."""


@contextmanager
def sanitized_failures(
    *, retried: int | None = None, metadata: Callable[[], Mapping[str, dg.MetadataValue]] | None = None
) -> Generator[None]:
    """Replace every exception of the block by a `dagster.Failure` with one clear sentence and no cause attached.

    Dagster stores an exception's whole chain, and the messages of libraries may quote a cell (P03, P04). An exception
    that nobody expected is therefore shown by its type and the lines of code it passed, without its message. A run
    that is cancelled passes through as it is: what it interrupts is no failure.

    Args:
        retried: how often this step was retried already, if transient failures are to be retried, as ``STEP`` says.
            It is not the asset's policy: Dagster applies that to a cancelled run, too, and would upload again.
        metadata: what the failure is shown with, asked for when there is one.
    """

    def failure(sentence: str) -> dg.Failure:
        return dg.Failure(sentence, metadata=metadata() if metadata else None, allow_retries=False)

    try:
        yield
    except ExpectedError as error:
        failed = failure(printable(str(error), lines=True))
        if retried is None or retried >= STEP.retries or not may_pass(error):
            raise failed from None
        raise dg.RetryRequested(STEP.retries, _seconds_before_retry(retried, error)) from failed
    except dg.Failure:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its message may quote personal data
        raise failure(
            f"An unexpected {type(error).__name__}, whose message is withheld because it may quote a person's "
            f"data. It passed through:\n{passed_lines(error)}\nPlease report it with these lines."
        ) from None


def may_pass(error: Exception) -> bool:
    """Whether the same step may go well a minute later, with nobody doing anything.

    Not where the storage holds something else than was sent: that somebody must know of, and no repetition hide.
    """
    return isinstance(error, PASSING) and not isinstance(error, UploadDataLoss)


def passed_lines(error: BaseException) -> str:
    """The places an exception passed through, innermost last: file, line and function, no values."""
    return "\n".join(
        f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    )


def _seconds_before_retry(retried: int, error: Exception) -> float:
    """No earlier than Spotify asks, and at most a minute; what is left of its time then the client waits by itself."""
    wait = STEP.pause(retried + 1, random())  # noqa: S311
    return min(max(wait, error.retry_after), STEP.pauses[-1]) if isinstance(error, RateLimited) else wait
