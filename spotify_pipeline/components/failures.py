"""Turns what went wrong into a Dagster failure that a person can act on and that holds no one's data."""

from __future__ import annotations

import traceback
from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from spotify_pipeline.customer_list import CustomerListError
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import JournalError, MirrorRefused
from spotify_pipeline.spotify import RateLimited, SpotifyError, SpotifyUnavailable
from spotify_pipeline.warehouse import SegmentError

EXPECTED = (CustomerListError, HomeError, JournalError, MirrorRefused, SegmentError, SpotifyError)
PASSING = (RateLimited, SpotifyUnavailable)
"""What may go well a minute later; everything else needs a person."""


@contextmanager
def failures_said_plainly() -> Generator[None]:
    """Replace every exception of the block by a `dagster.Failure` with one clear sentence and no cause attached.

    Dagster stores an exception's whole chain, and the messages of libraries may quote a cell (P03, P04). An exception
    that nobody expected is therefore shown by its type and the lines of code it passed, without its message.
    """
    try:
        yield
    except EXPECTED as error:
        raise dg.Failure(description=str(error), allow_retries=isinstance(error, PASSING)) from None
    except dg.Failure:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its message may quote personal data
        raise dg.Failure(
            description=(
                f"An unexpected {type(error).__name__}, whose message is withheld because it may quote a person's "
                f"data. It passed through:\n{passed_lines(error)}\nPlease report it with these lines."
            ),
            allow_retries=False,
        ) from None


def passed_lines(error: BaseException) -> str:
    """The places an exception passed through, innermost last: file, line and function, no values."""
    return "\n".join(
        f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    )
