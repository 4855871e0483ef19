"""The limits within which a list may differ from the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from spotify_pipeline.spotify_limits import FEWEST_ROWS, LARGEST_FILE


@dataclass(frozen=True, kw_only=True)
class GuardLimits:
    """The limits of one audience. There is no way to leave one out: a missing one has its default.

    Shares are numbers: 0.3 is 30 %.

    Attributes:
        min_rows: the fewest rows of a list.
        max_shrink: how much shorter a list may be than the one Spotify has, as a share of that.
        max_growth: how much longer.
        max_churn: how many people may be exchanged for others: the smaller of those added and those removed, as a share
            of the shorter list.
        max_drain: how much shorter a list may be than any that Spotify had within the window, as a share of that. It is
            above ``max_shrink``, so that one step at its limit leaves room for ordinary days, and below half.
        max_invalid: how many of the identifiers found may be rejected as invalid.
        max_suppression_loss: how much smaller a source of suppressions may be than before, as a share of that.
        max_bytes: of a file that is sent.
        max_source_age: how old the newest row of the segment may be; None where no column says.
    """

    min_rows: int = FEWEST_ROWS
    max_shrink: float = 0.30
    max_growth: float = 2.0
    max_churn: float = 0.60
    max_drain: float = 0.40
    max_invalid: float = 0.20
    max_suppression_loss: float = 0.50
    max_bytes: int = LARGEST_FILE
    max_source_age: timedelta | None = None
