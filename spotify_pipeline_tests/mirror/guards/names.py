"""The guards by name, written down a second time: none goes, moves or becomes one that can be approved unnoticed."""

from __future__ import annotations

from enum import StrEnum


class GuardName(StrEnum):
    """Ours, in the order in which they are shown."""

    EMPTY = "empty"
    MINIMUM = "minimum"
    SHRINK = "shrink"
    GROWTH = "growth"
    CHURN = "churn"
    DRAIN = "drain"
    INVALID = "invalid share"
    COLUMN_GONE = "column gone"
    COLUMN_CONSTANT = "column constant"
    PARTIAL_READ = "partial read"
    STALE_SOURCE = "stale source"
    SWAPPED = "swapped segments"
    AD_ACCOUNT = "ad account"
    HISTORY = "history"
    SUPPRESSIONS = "suppressions"
    ERASED = "erased people"
    OVERSIZE = "oversize"


FINAL = frozenset({GuardName.EMPTY, GuardName.PARTIAL_READ, GuardName.ERASED, GuardName.OVERSIZE})
"""Those that no approval overrides."""
