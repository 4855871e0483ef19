"""Real processes, real sockets, and a sandbox that counts: the short form of :mod:`rate_race`, which prints a table.

How much of the limit is used is said by that table, and on a simulated clock by `test_rate_pace`: a machine that is
busy with other things cannot use all of it.
"""

from __future__ import annotations

import pytest

from spotify_pipeline_tests.spotify.stress.rate_race import SHARED, race


@pytest.mark.parametrize("store", ["file", "postgres"])
def test_r01_processes_that_share_a_budget_are_never_refused(request: pytest.FixtureRequest, store: str):
    database = request.getfixturevalue("empty_database") if store == "postgres" else None
    outcome = race(SHARED, processes=3, seconds=5, database=database)
    assert outcome.refused == 0
    assert outcome.answered > 0
