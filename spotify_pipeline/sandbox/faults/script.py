"""The faults that are scripted on one sandbox: which of them hits a request, and which have happened."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass

from spotify_pipeline.sandbox.faults.model import Fault, is_of

_LONGEST_NAP = 0.05


@dataclass(frozen=True, kw_only=True)
class FaultReport:
    """How far a scripted fault is."""

    fault: Fault
    number: int
    seen: int
    """Matching requests since it was scripted, those that other faults hit included."""
    consumed: int
    """How often it has happened."""
    wanted: int
    """How often it is to happen; 1 for a fault that happens always."""

    @property
    def pending(self) -> bool:
        """Whether it has not happened as often as it was to."""
        return self.consumed < self.wanted

    def as_json(self) -> dict[str, object]:
        """Ready for JSON."""
        return {
            "number": self.number,
            "name": self.fault.name,
            "seen": self.seen,
            "consumed": self.consumed,
            "wanted": self.wanted,
            "fault": self.fault.model_dump(mode="json"),
        }


@dataclass
class _Scripted:
    number: int
    fault: Fault
    counting: bool
    seen: int = 0
    consumed: int = 0
    claimed: int = 0

    def due(self) -> bool:
        times = self.fault.times
        return self.seen >= self.fault.nth and (times == "always" or self.consumed + self.claimed < times)

    def report(self) -> FaultReport:
        times = self.fault.times
        return FaultReport(
            fault=self.fault,
            number=self.number,
            seen=self.seen,
            consumed=self.consumed,
            wanted=1 if times == "always" else times,
        )


class Hit:
    """A fault's hold on one request. It counts as consumed once :meth:`strike` says that it really happens."""

    def __init__(self, scripted: _Scripted, fault: Fault, lock: threading.Lock) -> None:
        self._scripted = scripted
        self._fault = fault
        self._lock = lock
        self._strike = 0
        self._held = True

    @property
    def fault(self) -> Fault:
        """The fault; of a mixture, the way that was drawn."""
        return self._fault

    @property
    def number(self) -> int:
        """Its number in the script."""
        return self._scripted.number

    @property
    def struck(self) -> bool:
        """Whether it has happened to this request."""
        return self._strike > 0

    @property
    def turn(self) -> int:
        """How often it has happened, this request included."""
        return self._strike or self._scripted.consumed + 1

    def strike(self) -> None:
        """It happens now. Say so before the client can notice."""
        with self._lock:
            if not self._strike:
                self._scripted.consumed += 1
                self._strike = self._scripted.consumed
                self._let_go()

    def release(self) -> None:
        """The request is over. A fault that did not happen waits for the next. Say so before the client can send it."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        self._scripted.claimed -= self._held
        self._held = False


class FaultScript:
    """Every scripted fault, in the order of scripting. In memory only; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripted: list[_Scripted] = []
        self._last_number = 0
        self._generation = 0

    def script(self, fault: Fault) -> int:
        """Let a fault hit requests from now on. Its number."""
        with self._lock:
            self._last_number += 1
            self._scripted.append(_Scripted(self._last_number, fault, counting=fault.since is None))
            return self._last_number

    def report(self) -> list[FaultReport]:
        """Every scripted fault."""
        with self._lock:
            return [scripted.report() for scripted in self._scripted]

    def unconsumed(self) -> list[FaultReport]:
        """The faults that have not happened as often as they were to."""
        return [report for report in self.report() if report.pending]

    def clear(self) -> None:
        """Forget every fault, and end the pauses that faults make right now. Numbers go on."""
        with self._lock:
            self._scripted.clear()
        self.release()

    def release(self) -> None:
        """End the pauses that faults make right now."""
        with self._lock:
            self._generation += 1

    def claim(self, operation: str, kinds: frozenset[str]) -> Hit | None:
        """Count a request, and give it to the first fault that is due."""
        hit = None
        with self._lock:
            for scripted in self._scripted:
                if not scripted.counting or not scripted.fault.concerns(operation, kinds):
                    continue
                scripted.seen += 1
                fault = scripted.fault.drawn(scripted.seen) if hit is None and scripted.due() else None
                if fault is not None:
                    scripted.claimed += 1
                    hit = Hit(scripted, fault, self._lock)
        return hit

    def carried_out(self, operation: str) -> None:
        """An operation has succeeded: faults that wait for it count requests from now on."""
        with self._lock:
            for scripted in self._scripted:
                since = scripted.fault.since
                if since is not None and is_of(operation, since):
                    scripted.counting = True

    async def pause(self, seconds: float) -> bool:
        """Wait so many real seconds. False if that ended early: the faults were cleared, or the sandbox stops."""
        generation = self._generation
        end = time.monotonic() + seconds
        while generation == self._generation and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left, _LONGEST_NAP))
        return generation == self._generation
