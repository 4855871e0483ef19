"""An upload's progress as a person reads it in a run's log."""

from __future__ import annotations

import pytest

from spotify_pipeline.components.run_log.progress import LONGEST_SILENCE, UploadProgressLog, progress_line
from spotify_pipeline.spotify import UploadProgress

MIB = 1 << 20


def progress(stored: int, size: int, *, seconds: float = 12.0, rate: float = 25.1 * MIB) -> UploadProgress:
    remaining = (size - stored) / rate if rate else None
    return UploadProgress(stored=stored, size=size, seconds=seconds, rate=rate, remaining=remaining)


class Watched:
    """Lines said while a clock is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.lines = UploadProgressLog(self.said.append, clock=lambda: self.now)

    def hear(self, stored: int, size: int = 1024 * MIB, *, after: float = 0.0) -> None:
        self.now += after
        self.lines(progress(stored, size))


def test_a_line_says_how_much_how_fast_and_how_long_it_will_take() -> None:
    assert progress_line(progress(312 * MIB, 1024 * MIB)) == "Uploaded 312 of 1,024 MiB (30 %), 25.1 MiB/s, 28 s left."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (progress(0, 1024 * MIB, rate=0.0), "Uploaded 0 of 1,024 MiB (0 %)."),
        (progress(1024 * MIB, 1024 * MIB, seconds=41.2), "Uploaded 1,024 of 1,024 MiB (100 %), 25.1 MiB/s, in 41 s."),
        (
            progress(1980, 1980, seconds=0.01, rate=198_000),
            "Uploaded 1,980 of 1,980 bytes (100 %), 193.4 KiB/s, in less ",
        ),
        (progress(100 * 1024, 600 * 1024, rate=1024), "Uploaded 100 of 600 KiB (16 %), 1.0 KiB/s, 8 min left."),
        (progress(0, 1024 * MIB, rate=100 * 1024), "Uploaded 0 of 1,024 MiB (0 %), 100.0 KiB/s, 2 h 54 min left."),
    ],
)
def test_sizes_and_times_are_in_units_that_fit(said: UploadProgress, shown: str) -> None:
    assert progress_line(said).startswith(shown)


def test_a_fast_upload_says_each_tenth_and_no_more() -> None:
    watched = Watched()
    for mib in range(0, 1025, 8):
        watched.hear(mib * MIB, after=0.05)
    assert len(watched.said) == 11
    assert watched.said[0].startswith("Uploaded 0 of 1,024 MiB")
    assert watched.said[-1].startswith("Uploaded 1,024 of 1,024 MiB (100 %)")


def test_a_slow_upload_is_never_silent_for_longer_than_ten_seconds() -> None:
    watched = Watched()
    for mib in range(100):
        watched.hear(mib * MIB, after=1.0)
    # 0 to 99 MiB of 1,024 is below the first tenth: every line was due to the clock.
    assert len(watched.said) == 100 / LONGEST_SILENCE


def test_an_upload_that_begins_again_says_so() -> None:
    watched = Watched()
    watched.hear(512 * MIB)
    watched.hear(0)
    assert [line.split(" (")[0] for line in watched.said] == ["Uploaded 512 of 1,024 MiB", "Uploaded 0 of 1,024 MiB"]
