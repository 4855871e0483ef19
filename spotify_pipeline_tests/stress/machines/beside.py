"""A retry that is started beside a run that lives, as Dagster does with one that it calls dead."""

from __future__ import annotations

import random
import time

from spotify_pipeline_tests.stress.machines.trials import Tally, Trial
from spotify_pipeline_tests.stress.machines.world import MIB, QUANTUM, World

SIZE = 2 * MIB


def retry_beside(world: World, trials: int, *, fails_over: bool = False, seed: int = 1) -> Tally:
    """Start the same run once more, at any moment of the first one's upload, which pauses until the other has started.

    ``fails_over``: the database has just ended all sessions, and with them the first one's lock.
    """
    name = "retry, and failover" if fails_over else "retry beside a run"
    draw, result, begun = random.Random(seed), Tally(name, QUANTUM), time.monotonic()
    for number in range(trials):
        trial = Trial(world, f"beside_{seed}_{fails_over:d}_{number}", world.snapshot(SIZE))
        first = trial.begin(tells=True)
        first.stored_at_least(draw.randrange(trial.snapshot.size))
        first.stop()
        if fails_over:
            world.end_sessions()
            trial.broken += 1
        second = trial.begin()
        first.go_on()
        ended = [each for each in (first.end(), second.end()) if each is not None]
        trial.ended = next((each for each in ended if each.error is None), None)
        trial.finish(result, [])
    result.seconds = time.monotonic() - begun
    return result
