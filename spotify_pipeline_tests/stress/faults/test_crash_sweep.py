"""SIGKILL at every third boundary of a sync; `make faults` does it at all, for more lists and chunk sizes."""

from __future__ import annotations

import pytest

from spotify_pipeline_tests.stress.faults.crash_sweep import SITUATIONS, Sweep, sweep


@pytest.fixture(scope="module")
def swept() -> Sweep:
    return sweep(range(1), every=3)


@pytest.mark.slow
def test_c01_u17_a_sync_killed_anywhere_converges_to_one_audience_with_the_right_bytes(swept: Sweep) -> None:
    assert all(crash.killed for crash in swept.crashes)
    assert not [crash for crash in swept.crashes if not crash.converged]


@pytest.mark.slow
def test_the_harness_finds_boundaries_of_every_kind(swept: Sweep) -> None:
    for situation in SITUATIONS:
        names = set(swept.boundaries[situation, 0])
        assert {"before PUT upload/sandbox-audience-lists", "behind PUT upload/sandbox-audience-lists"} <= names
        assert any(name.startswith("in the body of") for name in names)
        assert any(name.startswith("os.rename") for name in names)
    assert "behind POST ads/v3/ad_accounts/audiences" in swept.boundaries["new audience", 0]
    assert len(swept.crashes) > 40


@pytest.mark.slow
def test_o03_only_a_token_that_nobody_could_save_asks_for_a_sign_in(swept: Sweep) -> None:
    for run, names in swept.boundaries.items():
        asked = {each.boundary for each in swept.crashes if each.signed_in and (each.situation, each.seed) == run}
        if "behind POST api/token" not in names:  # the sync before it has left a token that is good
            assert not asked
            continue
        answered = names.index("behind POST api/token")
        renamed = next(at for at in range(answered, len(names)) if names[at].startswith("os.rename"))
        assert asked <= set(names[answered : renamed + 1])
    assert any("behind POST api/token" in names for names in swept.boundaries.values())


@pytest.mark.slow
def test_u17_a_killed_upload_sends_at_most_a_chunk_again(swept: Sweep) -> None:
    assert all(crash.bytes_sent_twice <= crash.chunk_bytes for crash in swept.crashes)
    assert any(crash.bytes_sent_twice for crash in swept.crashes)
