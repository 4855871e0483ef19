"""Counts of identifiers by outcome."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of values, by type of identifier, while they are normalized.

    Attributes:
        types: that are counted.
        rejected: values that gave no identifier, by reason.
        kept: values that did; of a row's repeated values one.
        repeated: values that a row held more than once.
        arrays: of the rejected values, those that look like an array or JSON as text.
    """

    types: tuple[str, ...]
    rejected: dict[str, Counter[str]] = field(init=False)
    kept: Counter[str] = field(default_factory=Counter[str])
    repeated: Counter[str] = field(default_factory=Counter[str])
    arrays: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self.rejected = {identifier: Counter() for identifier in self.types}

    def add(self, other: Tally) -> None:
        """Count what another has counted, of the same types."""
        for identifier, reasons in other.rejected.items():
            self.rejected[identifier].update(reasons)
        self.kept.update(other.kept)
        self.repeated.update(other.repeated)
        self.arrays.update(other.arrays)
