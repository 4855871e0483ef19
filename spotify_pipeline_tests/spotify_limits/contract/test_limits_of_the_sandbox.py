"""The client's limits and the sandbox's are written down twice, apart from each other, and are the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spotify_pipeline import spotify_limits as client
from spotify_pipeline.sandbox import SandboxConfig
from spotify_pipeline.sandbox.ads import audience_rules
from spotify_pipeline.sandbox.http import CHUNK_QUANTUM

SANDBOX = SandboxConfig()


@pytest.mark.parametrize(
    ("of_the_client", "of_the_sandbox"),
    [
        (client.NAME_LENGTH, audience_rules.NAME_LENGTH),
        (client.LONGEST_DESCRIPTION, audience_rules.DESCRIPTION_LENGTH[1]),
        (client.LOOKBACK_DAYS, audience_rules.LOOKBACK_DAYS),
        (client.PAGE_SIZE, audience_rules.LARGEST_PAGE),
        (client.FEWEST_ROWS, SANDBOX.minimum_rows),
        (client.LARGEST_FILE, SANDBOX.maximum_object_bytes),
        (client.STORAGE_BLOCK, CHUNK_QUANTUM),
        (client.CALLS, SANDBOX.requests_per_window),
        (client.CALLS_WITHIN, timedelta(seconds=SANDBOX.window_seconds)),
        (client.TOKEN_LIFE, timedelta(seconds=SANDBOX.access_token_seconds)),
        (client.MOST_EVENTS, SANDBOX.events_per_request),
    ],
)
def test_both_keep_one_limit(of_the_client: object, of_the_sandbox: object) -> None:
    assert of_the_client == of_the_sandbox


def test_a_list_is_processed_within_the_time_that_the_client_waits_for() -> None:
    assert timedelta(seconds=SANDBOX.processing_seconds) <= client.LONGEST_PROCESSING


def test_the_largest_batch_of_the_client_fits_into_a_request() -> None:
    assert SANDBOX.event_request_bytes > client.LARGEST_EVENT
