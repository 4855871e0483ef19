"""Which list is sent: so many people whom no other list has, built later than every list before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from spotify_pipeline_tests.stress.faults.lists import FIRST_BUILD, HEADER

ROW_BYTES = 65


@dataclass(frozen=True)
class Snapshot:
    """List ``number``, of ``rows`` e-mail addresses."""

    number: int
    rows: int

    @property
    def built_at(self) -> datetime:
        return FIRST_BUILD + timedelta(hours=self.number)

    @property
    def name(self) -> str:
        return f"{self.built_at.astimezone(UTC):%Y-%m-%d-%H:%M}"

    @property
    def size(self) -> int:
        """Bytes of the list."""
        return len(HEADER) + self.rows * ROW_BYTES

    def addresses(self, first: int, end: int) -> Iterator[str]:
        return (f"{self.number}-{each}@example.com" for each in range(first, min(end, self.rows)))

    @cached_property
    def sha256(self) -> str:
        """Of the list, reckoned without the product."""
        digests = sorted(hashlib.sha256(each.encode()).hexdigest() for each in self.addresses(0, self.rows))
        return hashlib.sha256(HEADER + "".join(f"{each}\n" for each in digests).encode()).hexdigest()
