"""Runs that are killed in the middle of their upload, on machines that are gone with their disks; others continue."""

from __future__ import annotations

import random
import time

from spotify_pipeline_tests.stress.machines.trials import Tally, Trial
from spotify_pipeline_tests.stress.machines.world import MIB, QUANTUM, World

Boundaries = tuple[str, ...]
LISTS_OF_AN_AUDIENCE = 4
"""The first of them makes the audience, the others replace its list."""
SMALL, LARGE = 4 * MIB, 200_000_000
LARGE_CHUNK = 8 * MIB


def kill_small(world: World, trials: int, *, seed: int = 1, size: int = SMALL) -> Tally:
    """Kill at random boundaries, amid bodies and from outside, once or twice in a trial."""
    draw, result, begun = random.Random(seed), Tally(f"{size / MIB:.0f} MiB", QUANTUM), time.monotonic()
    creation, replacement = _boundaries(world, size)
    sent: dict[str, list[str]] = {}
    for number in range(trials):
        name = f"small_{seed}_{number // LISTS_OF_AN_AUDIENCE}"
        trial = Trial(world, name, world.snapshot(size))
        before = sent.setdefault(name, [])
        _kill_some(trial, draw, replacement if before else creation)
        trial.finish(result, before)
        before.append(trial.snapshot.sha256)
    result.seconds = time.monotonic() - begun
    return result


def kill_large(world: World, *, size: int = LARGE) -> Tally:
    """Kill one run once it has sent half of a large list, in chunks as they are by default."""
    result, begun = Tally(f"{size / 1e6:.0f} MB", LARGE_CHUNK), time.monotonic()
    trial = Trial(world, "large", world.snapshot(size), LARGE_CHUNK)
    machine = trial.begin(tells=True)
    machine.stored_at_least(trial.snapshot.size // 2)
    machine.is_lost()
    trial.broken = 1
    trial.finish(result, [])
    result.seconds = time.monotonic() - begun
    return result


def _boundaries(world: World, size: int) -> tuple[Boundaries, Boundaries]:
    """Those of a sync that makes an audience, and of one that replaces its list."""
    passed: list[Boundaries] = []
    for name in ("signs_in", "whole", "whole"):
        ended = world.machine().sync(world.audience(name), world.snapshot(size))
        assert ended is not None
        assert ended.error is None, ended.said
        passed.append(ended.boundaries)
    return passed[1], passed[2]


def _kill_some(trial: Trial, draw: random.Random, boundaries: Boundaries) -> None:
    """Once or twice: at any boundary, within any body, or from outside at any moment of an upload."""
    bodies = [at for at, name in enumerate(boundaries) if name.startswith("in the body of")]
    for _ in range(draw.choice((1, 1, 2))):
        match draw.choice(("boundary", "body", "outside")):
            case "boundary":
                machine = trial.begin(ends_at=draw.randrange(len(boundaries)), body_share=draw.random())
            case "body":
                machine = trial.begin(ends_at=draw.choice(bodies), body_share=draw.random())
            case _:
                machine = trial.begin(tells=True)
                machine.stored_at_least(draw.randrange(trial.snapshot.size))
                machine.kill()
        trial.ended = machine.end()
        machine.is_lost()
        if trial.ended is not None:
            return  # it came to its end before
        trial.broken += 1
