"""Runs that are stopped (SIGSTOP) at each of their boundaries, overtaken by another machine's, and continued."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from spotify_pipeline.mirror import AudienceSpec
from spotify_pipeline_tests.stress.machines.machine_process import Ended
from spotify_pipeline_tests.stress.machines.snapshots import Snapshot
from spotify_pipeline_tests.stress.machines.world import MIB, QUANTUM, World

SITUATIONS = ("new audience", "replacement")
SIZE = MIB
WRITES = ("new_upload_url", "replacement_upload_url", "start_upload", "put_upload", "create_audience", "edit_audience")
TYPED = ("MirrorRefused", "StateError")
"""What a run that was overtaken may end with: another has taken over, or the state has ended its transaction."""


@dataclass
class Overtaken:
    """What came of so many runs that were stopped."""

    name: str
    trials: int = 0
    wrote_to_spotify: int = 0
    """Runs after which an audience at Spotify is not as it was when they were continued."""
    wrote_to_the_state: int = 0
    untyped: int = 0
    """Runs that ended well, or with another error than that they were overtaken."""
    requests: int = 0
    """The most that one run made when it was continued, of those that write; the one that was under way included."""
    seconds: float = 0.0
    errors: dict[str, int] = field(default_factory=dict[str, int])
    stories: list[str] = field(default_factory=list[str])

    @property
    def right(self) -> bool:
        return not (self.wrote_to_spotify or self.wrote_to_the_state or self.untyped) and self.requests <= 1


def stop_at_each(world: World, situation: str, *, chunk_bytes: int | None = QUANTUM, every: int = 1) -> Overtaken:
    """Stop a run at each boundary, or at every second, third ..., send a newer list from another machine, go on."""
    chunks = "one request" if chunk_bytes is None else f"chunks of {chunk_bytes // 1024} KiB"
    result, begun = Overtaken(f"{situation}, {chunks}"), time.monotonic()
    world.machine().sync(world.audience("signs_in"), world.snapshot(SIZE))
    name = f"stopped_{situation.split()[0]}_{chunk_bytes or 0}"
    boundaries = _of_a_whole_run(world, f"{name}_whole", situation, chunk_bytes)
    for at in _chosen(boundaries, every):
        target = world.audience(f"{name}_{at}")
        if situation == "replacement":
            world.machine().sync(target, world.snapshot(SIZE))
        _stop_and_overtake(world, result, target, at, chunk_bytes)
    result.seconds = time.monotonic() - begun
    return result


def _chosen(boundaries: tuple[str, ...], every: int) -> Iterable[int]:
    """Those at which the list has not been accepted yet."""
    accepted = max(at for at, name in enumerate(boundaries) if name.startswith("before") and "receipt" in name)
    bodies = [at for at, name in enumerate(boundaries) if name.startswith("in the body of")]
    return [at for at in range(accepted + 1) if at % every == 0 or at == bodies[-1]]


def _of_a_whole_run(world: World, name: str, situation: str, chunk_bytes: int | None) -> tuple[str, ...]:
    target, boundaries = world.audience(name), ()
    for _ in range(2 if situation == "replacement" else 1):
        ended = world.machine().sync(target, world.snapshot(SIZE), chunk_bytes=chunk_bytes)
        assert ended is not None
        assert ended.error is None, ended.said
        boundaries = ended.boundaries
    return boundaries


def _stop_and_overtake(world: World, result: Overtaken, target: AudienceSpec, at: int, chunk_bytes: int | None) -> None:
    older, newer = world.snapshot(SIZE), world.snapshot(SIZE)
    stopped, other = world.machine(), world.machine()
    stopped.begin(target, older, chunk_bytes=chunk_bytes, ends_at=at, ends_by=signal.SIGSTOP, body_share=0.9)
    assert stopped.is_stopped()
    world.end_sessions()
    overtook = other.sync(target, newer, chunk_bytes=chunk_bytes)
    assert overtook is not None
    assert overtook.error is None, overtook.said
    before = _seen(world, target)
    world.watch()
    stopped.go_on()
    ended = stopped.end()
    assert ended is not None
    _judge(world, result, target, newer, ended, before)


def _seen(world: World, target: AudienceSpec) -> tuple[object, object]:
    return (world.received(target), world.audiences(target), world.texts(target)), world.state_of(target)


def _judge(
    world: World,
    result: Overtaken,
    target: AudienceSpec,
    newer: Snapshot,
    ended: Ended,
    before: tuple[object, object],
) -> None:
    after = _seen(world, target)
    requests = len(world.asked(*WRITES))
    spotify = after[0] != before[0] or world.received(target)[-1:] != [newer.sha256]
    state, untyped = after[1] != before[1], ended.error not in TYPED
    result.trials += 1
    result.wrote_to_spotify += spotify
    result.wrote_to_the_state += state
    result.untyped += untyped
    result.requests = max(result.requests, requests)
    result.errors[str(ended.error)] = result.errors.get(str(ended.error), 0) + 1
    if spotify or state or untyped or requests > 1:
        asked = [f"{each['operation']} {each['status']}" for each in world.asked(*WRITES)]
        went = f"Spotify {'changed' if spotify else 'as it was'}, state {'changed' if state else 'as it was'}"
        where = ended.boundaries[-len(asked) * 4 - 8 :]
        result.stories.append(f"{target.name}: {went}; {asked}; {ended.error}: {ended.said} {where}")
