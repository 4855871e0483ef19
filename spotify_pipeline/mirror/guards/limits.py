"""The limits that an audience's YAML states for its guards: what one is, and those of one audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

_T = TypeVar("_T")
LimitValue = int | float | timedelta | None
_MUST_BE_STATED: Any = ...  # as in pydantic; dataclasses take MISSING for "no default at all"


class LimitKind(StrEnum):
    """What a limit is, and so how YAML writes it."""

    SHARE = "share"
    """Of at most 99 %: "30%" or 0.3, here the number 0.3."""
    GROWTH = "growth"
    """A share of up to 10,000 %: "200%" or 2.0."""
    COUNT = "count"
    """A whole number."""
    AGE = "age"
    """Hours or days, "36h" or "7d", here a ``timedelta``."""


@dataclass(frozen=True, kw_only=True)
class Limit(Generic[_T]):
    """A limit that each audience may state for a guard. ``limits[it]`` is its value for one audience.

    Attributes:
        field: of the ``guards:`` block of an audience's YAML.
        kind: how it is written.
        meaning: for the reader of the YAML.
        default: its value where an audience states none. Without a default every audience must state it. None: the
            guard is asked for only where an audience states it.
        least, most: of a count.
    """

    field: str
    kind: LimitKind
    meaning: str
    default: _T = _MUST_BE_STATED
    least: int = 1
    most: int | None = None

    @property
    def must_be_stated(self) -> bool:
        """Whether it has no default."""
        return self.default is _MUST_BE_STATED


@dataclass(frozen=True)
class GuardLimits:
    """The limits of one audience: a value of every limit there is, so that none is left out. See ``guard_limits``.

    Attributes:
        values: by the limit's field.
    """

    values: Mapping[str, LimitValue]

    def __getitem__(self, limit: Limit[_T]) -> _T:
        return cast("_T", self.values[limit.field])

    def to_json(self) -> dict[str, int | float | None]:
        """As plain JSON values, a time span in seconds."""
        return {
            field: value.total_seconds() if isinstance(value, timedelta) else value
            for field, value in self.values.items()
        }
