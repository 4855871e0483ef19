"""One list that several machines try to send, and the count of what came of many such lists."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from spotify_pipeline_tests.stress.machines.machine_process import Ended
from spotify_pipeline_tests.stress.machines.snapshots import Snapshot
from spotify_pipeline_tests.stress.machines.world import QUANTUM, Machine, World

_RESUMED = re.compile("continued at byte|had arrived whole")


@dataclass
class Tally:
    """What came of so many trials."""

    name: str
    chunk_bytes: int
    trials: int = 0
    broken: int = 0
    """Runs that were killed, or whose database failed over."""
    resumed: int = 0
    """Trials whose last run continued at a byte that another machine's had reached."""
    lost: int = 0
    """Trials in which no run succeeded, or the list is not the one that the audience has."""
    doubled: int = 0
    """Lists that arrived more than once, or audiences of which there are two."""
    wrong_bytes: int = 0
    receipts_wrong: int = 0
    most_sent_again: int = 0
    """Bytes, for each run that was broken."""
    seconds: float = 0.0
    stories: list[str] = field(default_factory=list[str])

    @property
    def right(self) -> bool:
        wrong = self.lost + self.doubled + self.wrong_bytes + self.receipts_wrong
        return not wrong and self.most_sent_again <= self.chunk_bytes


class Trial:
    """One list, and the machines that tried to send it."""

    def __init__(self, world: World, name: str, snapshot: Snapshot, chunk_bytes: int = QUANTUM) -> None:
        self._world = world
        self._machines: list[Machine] = []
        self._chunk_bytes = chunk_bytes
        self.target = world.audience(name)
        self.snapshot = snapshot
        self.ended: Ended | None = None
        self.broken = 0

    def begin(self, **how: Any) -> Machine:
        """Begin to send it from a new machine, with an empty disk."""
        machine = self._world.machine()
        self._machines.append(machine)
        machine.begin(self.target, self.snapshot, chunk_bytes=self._chunk_bytes, **how)
        return machine

    def finish(self, result: Tally, before: list[str]) -> None:
        """Let another machine send the list, after those of ``before``, and count what came of it."""
        if self.ended is None:
            self.ended = self.begin().end()
        expected = [*before, self.snapshot.sha256]
        received, receipts = self._world.received(self.target), self._world.receipts(self.target)
        again = sum(each.bytes_sent for each in self._machines) - self.snapshot.size
        wrong = {
            "lost": self.ended is None or self.ended.error is not None or received[-1:] != expected[-1:],
            "doubled": len(received) != len(set(received)) or self._world.audiences(self.target) > 1,
            "wrong_bytes": not set(received) <= set(expected),
            "receipts_wrong": receipts != expected or not self._world.receipts_are_whole(),
        }
        for name, is_so in wrong.items():
            setattr(result, name, getattr(result, name) + is_so)
        result.trials += 1
        result.broken += self.broken
        result.resumed += self.ended is not None and _RESUMED.search(self.ended.said or "") is not None
        result.most_sent_again = max(result.most_sent_again, -(-again // max(1, self.broken)))
        if any(wrong.values()) or again > self.broken * result.chunk_bytes:
            story = f"{self.broken} broken, {again:,} bytes again, {self.ended}"
            result.stories.append(f"{self.target.name}, {self.snapshot.name}: {story}")
