from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.spotify.retry.loop import pause_before, requested_pause

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


def asked(status: int = 429, **headers: str) -> float | None:
    return requested_pause(status, {name.replace("_", "-"): value for name, value in headers.items()}, NOW)


def test_r02_reset_is_seconds_left_and_jitter_only_adds():
    pauses = [
        pause_before(2, status=429, headers={"x-ratelimit-reset": "12"}, now=NOW, jitter=jitter)
        for jitter in (0.0, 0.4, 0.99)
    ]
    assert pauses == [12.0, 12.4, 12.99]


@pytest.mark.parametrize(
    ("reset", "pause"),
    [("0", 1), ("-1", 1), ("-5", 1), ("1000000000", 60), ("1800000012", 60), ("12.5", 12.5), ("61", 60)],
)
def test_r03_absurd_reset_is_clamped(reset: str, pause: float):
    assert asked(x_ratelimit_reset=reset) == pause


@pytest.mark.parametrize("reset", ["abc", "", "nan", "inf", "-inf", "1e999", "9" * 40, "12 s"])
def test_r03_unreadable_reset_is_as_a_missing_one(reset: str):
    assert asked(x_ratelimit_reset=reset) == asked() == 30


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("7", 7),
        ("0", 1),
        ("Fri, 15 Jan 2027 08:00:40 GMT", 40),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 1),
        ("Fri, 15 Jan 2027 09:00:00 GMT", 60),
        ("Fri, 15 Jan 2027 10:00:40 +0200", 40),
        ("Fri, 99 Jan 2027 08:00:40 GMT", 30),
    ],
)
def test_r04_retry_after_in_both_forms(value: str, pause: float):
    assert asked(retry_after=value) == pause


def test_longer_of_the_two_headers_counts():
    assert asked(retry_after="5", x_ratelimit_reset="9") == 9
    assert asked(retry_after="9", x_ratelimit_reset="5") == 9


def test_server_error_heeds_retry_after_and_not_the_rate_window():
    assert asked(503, retry_after="9") == 9
    assert asked(503, x_ratelimit_reset="9") is None


@given(
    st.sampled_from([429, 500, 503]),
    st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-reset"]), st.text(max_size=40)),
    st.floats(0, 1),
)
def test_s12_any_headers_give_a_pause_of_sane_length(status: int, headers: dict[str, str], jitter: float):
    assert 0 <= pause_before(2, status=status, headers=headers, now=NOW, jitter=jitter) <= 61
