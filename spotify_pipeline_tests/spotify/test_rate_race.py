"""Real processes, real sockets, and a sandbox that counts: the short form of :mod:`rate_race`, which prints a table."""

from __future__ import annotations

from spotify_pipeline_tests.spotify.rate_race import SHARED, race


def test_r01_processes_that_share_a_budget_are_never_refused_and_use_it():
    outcome = race(SHARED, processes=3, seconds=5)
    assert outcome.refused == 0
    assert outcome.used >= 0.9
