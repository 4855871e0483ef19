"""A small storm; `make storm` is the one of a million events."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline_tests.conversions.stress.storm import storm

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a01_a05_a10_nothing_is_lost_or_doubled_though_requests_fail_and_the_sender_is_killed(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    database = request.getfixturevalue("empty_database") if store == "postgres" else None
    outcome = storm(tmp_path, events=10_000, kills=2, database=database)
    assert outcome.survived, outcome
    assert outcome.kills == 2
    assert outcome.faults > 0
