"""SIGKILL at every sixth boundary of a sync or so; `make faults` does it at all, for more lists and chunk sizes."""

from __future__ import annotations

from itertools import product

import pytest

from spotify_pipeline_tests.stress.faults.crash_sweep import SITUATIONS, Sweep, sweep

BOTH_STORES = {"SQLite": 6, "PostgreSQL": 7}
"""At every so many boundaries."""


@pytest.fixture(scope="module")
def swept() -> Sweep:
    result = Sweep()
    for store, every in BOTH_STORES.items():
        found = sweep(range(1), store=store, every=every)
        result.boundaries |= found.boundaries
        result.crashes += found.crashes
    return result


@pytest.mark.slow
def test_c01_u17_a_sync_killed_anywhere_converges_to_one_audience_with_the_right_bytes(swept: Sweep) -> None:
    assert all(crash.killed for crash in swept.crashes)
    assert not [crash for crash in swept.crashes if not crash.converged]


@pytest.mark.slow
@pytest.mark.parametrize(("store", "situation"), [*product(BOTH_STORES, SITUATIONS)])
def test_the_harness_finds_boundaries_of_every_kind(swept: Sweep, store: str, situation: str) -> None:
    names = set(swept.boundaries[store, situation, 0])
    assert {"before PUT upload/sandbox-audience-lists", "behind PUT upload/sandbox-audience-lists"} <= names
    assert any(name.startswith("in the body of") for name in names)
    commits = ["audience, held_audience, lease", "audience, held_audience, lease, receipt", "lease"]
    assert {f"{side} the commit of {tables}" for side in ("before", "behind") for tables in commits} <= names
    # The rate limit is a file of the home, or a row.
    assert ("flock" in names) is (store == "SQLite")
    assert ("before the commit of rate" in names) is (store == "PostgreSQL")
    assert ("behind POST ads/v3/ad_accounts/audiences" in names) is (situation == "new audience")
    assert len([each for each in swept.crashes if each.run == (store, situation, 0)]) > 4


@pytest.mark.slow
def test_o03_only_a_token_that_nobody_could_save_asks_for_a_sign_in(swept: Sweep) -> None:
    for run, names in swept.boundaries.items():
        asked = {each.boundary for each in swept.crashes if each.signed_in and each.run == run}
        if "behind POST api/token" not in names:  # the sync before it has left a token that is good
            assert not asked
            continue
        answered = names.index("behind POST api/token")
        saved = names.index("behind the commit of lease, sign_in", answered)
        assert asked <= set(names[answered:saved])
    assert any("behind POST api/token" in names for names in swept.boundaries.values())


@pytest.mark.slow
def test_u17_a_killed_upload_sends_at_most_a_chunk_again(swept: Sweep) -> None:
    assert all(crash.bytes_sent_twice <= crash.chunk_bytes for crash in swept.crashes)
    assert any(crash.bytes_sent_twice for crash in swept.crashes)
