from __future__ import annotations

from typing import get_args

from spotify_pipeline import spotify_limits
from spotify_pipeline.components.audiences.event_based.config import LookbackDays
from spotify_pipeline.spotify.retry.gcra import SPOTIFY_RATE_LIMIT
from spotify_pipeline_tests.spotify_limits.page import PAGE, as_markdown

NAMES = [name for name in vars(spotify_limits) if name.isupper()]


def test_the_page_says_what_the_module_says():
    assert as_markdown() == PAGE.stated, "run `python -m spotify_pipeline_tests.spotify_limits.page`"


def test_every_limit_is_on_the_page_with_its_source():
    rows = [row for row in as_markdown().splitlines() if row.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == NAMES
    assert all(row.count(" | ") == 3 for row in rows)


def test_the_yaml_takes_the_days_that_spotify_takes():
    """A type is written out, so that editors know its values."""
    assert get_args(LookbackDays) == spotify_limits.LOOKBACK_DAYS


def test_r01_the_pace_uses_nearly_all_of_the_rate_limit_and_no_more():
    window = spotify_limits.CALLS_WITHIN.total_seconds()
    most = SPOTIFY_RATE_LIMIT.per_second * window + SPOTIFY_RATE_LIMIT.burst
    assert 0.95 * spotify_limits.CALLS <= most < spotify_limits.CALLS
