"""What goes wrong in a step: one sentence, tried again only where that may help, never in the way of a stop."""

from __future__ import annotations

import dagster as dg
import pytest

from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.mirror import MirrorRefused
from spotify_pipeline.retries import STEP
from spotify_pipeline.spotify import (
    RateLimited,
    SignInRequired,
    SpotifyUnavailable,
    UploadDataLoss,
    UploadIncomplete,
    UploadRefused,
)


def rate_limited(retry_after: float) -> RateLimited:
    error = RateLimited("Too many requests.")
    error.retry_after = retry_after
    return error


@pytest.mark.parametrize(
    "error",
    [
        SpotifyUnavailable("Spotify was not reached."),
        rate_limited(1.0),
        # The mirror goes on with it where it was broken off.
        UploadIncomplete("The upload was broken off."),
    ],
)
@pytest.mark.parametrize("retried", [0, 1])
def test_what_may_pass_is_tried_again_within_a_minute_with_its_sentence_kept(error: Exception, retried: int) -> None:
    with pytest.raises(dg.RetryRequested) as asked, sanitized_failures(retried=retried):
        raise error
    assert asked.value.max_retries == 2
    assert 0 <= (asked.value.seconds_to_wait or 0) <= 60
    failure = asked.value.__cause__
    assert isinstance(failure, dg.Failure)
    assert failure.description == str(error)


@pytest.mark.parametrize(
    "error",
    [
        UploadDataLoss("The storage holds other bytes than were sent."),
        UploadRefused("The upload was not begun."),
        SignInRequired("Nobody has signed in."),
        MirrorRefused("The list is too short."),
        ZeroDivisionError(),
    ],
)
def test_what_needs_a_person_fails_at_once(error: Exception) -> None:
    with pytest.raises(dg.Failure), sanitized_failures(retried=0):
        raise error


def test_a_step_that_is_not_repeated_fails_at_once() -> None:
    with pytest.raises(dg.Failure), sanitized_failures():
        raise SpotifyUnavailable("Spotify was not reached.")


@pytest.mark.parametrize("asked_for", [60.0, 3600.0])
def test_r02_a_repetition_is_no_earlier_than_spotify_asks_and_no_later_than_a_minute(asked_for: float) -> None:
    with pytest.raises(dg.RetryRequested) as asked, sanitized_failures(retried=0):
        raise rate_limited(asked_for)
    # A cancelled run ends after the wait only. Whatever is left of Spotify's, the client waits for by itself.
    assert asked.value.seconds_to_wait == 60.0


@pytest.mark.parametrize("stop", [dg.DagsterExecutionInterruptedError, KeyboardInterrupt, SystemExit])
def test_c11_a_stop_is_let_through_as_it_is(stop: type[BaseException]) -> None:
    with pytest.raises(stop), sanitized_failures(retried=0):
        raise stop


def test_after_the_last_repetition_the_failure_stands_with_what_it_is_shown_with() -> None:
    shown = {"calls": dg.IntMetadataValue(3)}
    with (
        pytest.raises(dg.Failure) as failed,
        sanitized_failures(retried=STEP.retries, metadata=lambda: shown),
    ):
        raise SpotifyUnavailable("Spotify was not reached.")
    assert failed.value.metadata == shown
