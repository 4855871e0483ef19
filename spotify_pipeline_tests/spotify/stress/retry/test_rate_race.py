"""Real processes, real sockets, and a sandbox that counts: the short form of :mod:`rate_race`, which prints a table.

How much of the limit is used is said by that table, and on a simulated clock by `test_rate_pace`: a machine that is
busy with other things cannot use all of it.
"""

from __future__ import annotations

from spotify_pipeline_tests.spotify.stress.rate_race import SHARED, race


def test_r01_processes_that_share_a_budget_are_never_refused():
    outcome = race(SHARED, processes=3, seconds=5)
    assert outcome.refused == 0
    assert outcome.answered > 0
