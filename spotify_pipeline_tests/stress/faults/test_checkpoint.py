"""A process, or a server, that dies amid a checkpoint of the state; `make faults` has more of them."""

from __future__ import annotations

import pytest

from spotify_pipeline_tests.stress.faults.checkpoint import checkpoints
from spotify_pipeline_tests.stress.faults.crash_sweep import STORES


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES)
def test_c01_a_state_whose_checkpoint_is_broken_off_is_sound_and_the_next_run_converges(store: str) -> None:
    (amid,) = checkpoints(store, 1)
    assert amid.survived, amid
