"""Every way an upload can go wrong, and what must come of it. The faults are the sandbox's, F01 to F34."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from spotify_pipeline.sandbox import Fault, named_fault
from spotify_pipeline.spotify import SpotifyError, SpotifyUnavailable, UploadDataLoss, UploadIncomplete, UploadRefused

KIB = 1024
QUANTUM = 256 * KIB


@dataclass(frozen=True)
class Layout:
    """One cell's file and chunks, in bytes."""

    size: int
    chunk: int | None

    @property
    def chunk_bytes(self) -> int:
        return self.chunk or self.size

    @property
    def requests(self) -> int:
        return -(-self.size // self.chunk_bytes)

    @property
    def middle(self) -> int:
        """The number of a data request that is neither first nor last, where there are so many."""
        return min(2, self.requests)


class Outcome(Enum):
    """What a cell must end with, where it is no error."""

    IDENTICAL = "identical"
    """A success, proven, and the storage holds exactly the file's bytes."""
    EITHER = "either"
    """That, or a data loss: it depends on who came first. Neither is a false success."""


Script = Callable[[Layout], list[Fault] | None]
"""The faults of a cell; None where the fault cannot happen there."""


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        expected: how it must end. An error is this very class: others are retried, or leave no mark on the audience.
        restarts: how often the file may be sent again from its first byte.
        chunks_again: how many chunks a fault may cost.
        unverified: the storage states no checksum, so that a success is proven by the length alone.
        happening: what the harness itself does, where no server causes the fault.
    """

    code: str
    title: str
    expected: Outcome | type[SpotifyError]
    script: Script
    restarts: int = 0
    unverified: bool = False
    chunks_again: int = 1
    happening: str = ""

    @property
    def label(self) -> str:
        return f"{self.code} {self.title}"

    @property
    def refused(self) -> bool:
        """Whether it must end with an error."""
        return not isinstance(self.expected, Outcome)


def fault(name: str, **options: object) -> Script:
    return lambda _: [named_fault(name, **options)]


def in_the_middle(name: str, **options: object) -> Script:
    """The second data request, or the only one."""
    return lambda layout: [named_fault(name, nth=layout.middle, **options)]


def before_the_last(name: str, **options: object) -> Script:
    """A request that is not the last, which needs two of them."""
    return lambda layout: [named_fault(name, **options)] if layout.requests > 1 else None


def with_something_stored(name: str, **options: object) -> Script:
    return lambda layout: [named_fault(name, nth=2, **options)] if layout.requests > 1 else None


def nothing(layout: Layout) -> list[Fault]:
    return []


def twice_malformed(layout: Layout) -> list[Fault]:
    first = named_fault("F23", nth=layout.middle)
    return [
        first,
        first.model_copy(update={"kind": "query", "nth": 1, "midway": None, "after": first.midway and first.midway.do}),
    ]


def lost_four_times(layout: Layout) -> list[Fault] | None:
    return [named_fault("F09", nth=2, times=4, bytes=None)] if layout.requests > 1 else None


def flipped_twice(layout: Layout) -> list[Fault]:
    """Once in each of two uploads of the file."""
    return [named_fault("F26"), named_fault("F26", nth=layout.requests + 1)]


SAME = Outcome.IDENTICAL
CASES = (
    Case("F34", "no fault", SAME, nothing),
    *(Case("F01", f"start answers {each}", SAME, fault("F01", status=each)) for each in (408, 429, 500, 502, 503, 504)),
    Case("F01", "start answers 503, then 429, then 408", SAME, lambda _: [named_fault("F01", status=each) for each in (503, 429, 408)]),  # noqa: E501
    Case("F01", "start answers 503, a session was opened", SAME, fault("F01", orphan=True)),
    Case("F01", "start answers 503 without end", SpotifyUnavailable, fault("F01", times="always")),
    Case("F02", "start without Location", UploadRefused, fault("F02")),
    *(Case("F03", f"signed URL refused once ({each})", SAME, fault("F03", status=each)) for each in (400, 401, 403)),
    Case("F03", "signed URL refused twice", UploadRefused, fault("F03", times=2)),
    Case("F04", "reset before any byte", SAME, in_the_middle("F04")),
    Case("F04", "closed before any byte", SAME, in_the_middle("F04", how="close")),
    *(Case("F05", f"{each} after half was stored", SAME, in_the_middle("F05", status=each)) for each in (408, 500, 502, 503, 504)),  # noqa: E501
    Case("F05", "503 after all was stored", SAME, in_the_middle("F05", stored="all")),
    Case("F06", "half is acknowledged", SAME, in_the_middle("F06")),
    Case("F06", "nothing is acknowledged", SAME, in_the_middle("F06", stored=0)),
    Case("F07", "308 without Range, all kept", SAME, in_the_middle("F07")),
    Case("F07", "308 without Range, nothing kept", SAME, in_the_middle("F07", stored=0)),
    Case("F08", "more acknowledged than sent", UploadDataLoss, in_the_middle("F08")),
    Case("F09", "256 KiB of acknowledged bytes lost", SAME, with_something_stored("F09"), chunks_again=2),
    Case("F09", "all acknowledged bytes lost", SAME, with_something_stored("F09", bytes=None), chunks_again=2),
    Case("F09", "lost four times over", UploadIncomplete, lost_four_times),
    *(Case("F10", f"finished, answered {each}", SAME, fault("F10", status=each)) for each in (500, 503, 504)),
    Case("F11", "finished, connection reset", SAME, fault("F11")),
    Case("F11", "finished, connection closed", SAME, fault("F11", how="close")),
    Case("F12", "finished, garbled JSON, with proof", SAME, fault("F12")),
    Case("F12", "finished, garbled JSON, no proof", SAME, fault("F12", proof=False)),
    # An empty body whose headers state both is the ordinary answer: F34, no fault.
    *(Case("F13", f"finished, empty body, states {each}", SAME, fault("F13", states=each), unverified=each == "size") for each in ("size", "hash", "nothing")),  # noqa: E501
    Case("F13", "finished, nothing stated however often asked", UploadIncomplete, lambda _: [named_fault("F13", states="nothing", kind="any", times="always")]),  # noqa: E501
    Case("F14", "200 before the last chunk", UploadDataLoss, before_the_last("F14")),
    Case("F14", "200 before the last chunk, object ends there", UploadDataLoss, before_the_last("F14", truncated=True)),
    Case("F15", "finished, of another size", UploadDataLoss, fault("F15")),
    Case("F15", "finished, of another size, no hash", UploadDataLoss, fault("F15", hashes=False)),
    Case("F16", "session gone (404)", SAME, in_the_middle("F16"), restarts=1),
    Case("F16", "session gone (410)", SAME, in_the_middle("F16", status=410), restarts=1),
    Case("F16", "session gone three times", UploadIncomplete, fault("F16", times=3)),
    Case("F17", "session older than a week", SAME, in_the_middle("F17"), restarts=1),
    Case("F18", "429 with Retry-After", SAME, in_the_middle("F18")),
    Case("F18", "429 without Retry-After", SAME, in_the_middle("F18", retry_after=None)),
    *(Case("F19", f"{each} for it", UploadRefused, in_the_middle("F19", status=each)) for each in (400, 401, 403, 412)),
    Case("F20", "cancelled elsewhere (499)", SAME, in_the_middle("F20"), restarts=1),
    Case("F21", "200 that stands for 308", SAME, in_the_middle("F21")),
    *(Case("F22", f"{each} away", UploadRefused, in_the_middle("F22", status=each)) for each in (301, 302, 307, 308)),
    Case("F23", "malformed Range once", SAME, in_the_middle("F23")),
    Case("F23", "two Range headers", SAME, in_the_middle("F23", value=("bytes=0-262143", "bytes=0-524287"))),
    Case("F23", "malformed Range, and again when asked", UploadIncomplete, twice_malformed),
    Case("F24", "stall after half", SAME, in_the_middle("F24", seconds=1.0)),
    Case("F25", "answer drips", SAME, in_the_middle("F25", seconds=0.05)),
    Case("F26", "a bit flips on the way", SAME, in_the_middle("F26"), restarts=1),
    Case("F26", "a bit flips on the way, twice", UploadDataLoss, flipped_twice),
    Case("F26", "the storage states other hashes", SAME, fault("F26", where="answer"), restarts=1),
    Case("F26", "400 BadDigest", SAME, fault("F26", where="refused"), restarts=1),
    Case("F27", "the file grows meanwhile", UploadRefused, nothing, happening="file grows"),
    Case("F27", "the file changes meanwhile", UploadRefused, nothing, happening="file changes"),
    Case("F27", "the file is cut short meanwhile", UploadRefused, nothing, happening="file shrinks"),
    Case("F29", "the process dies, another resumes", SAME, nothing, happening="process dies"),
    Case("F30", "eight hours asleep", UploadIncomplete, nothing, happening="sleep past the limit"),
    Case("F30", "two hours asleep", SAME, nothing, happening="sleep"),
    Case("F32", "login page at the start", UploadRefused, fault("F32")),
    Case("F32", "login page for a chunk", SAME, in_the_middle("F32", operation="put_upload", kind="data")),
    Case("F33", "another writer behind us", Outcome.EITHER, before_the_last("F33"), restarts=1),
    Case("F33", "another writer before us", Outcome.EITHER, before_the_last("F33", moment="before"), restarts=1),
)  # fmt: skip
