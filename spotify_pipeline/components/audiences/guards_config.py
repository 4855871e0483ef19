"""What may stand in YAML about the guards of an audience, and about what becomes of a list that is too large.

There is no way to turn a guard off: what is not stated has its default, and null is no value.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from spotify_pipeline.components.yaml import ColumnName, Duration, Growth, Share, StrictModel, not_null
from spotify_pipeline.mirror.guards import SPOTIFY_LARGEST_FILE, GuardLimits

_DEFAULTS = GuardLimits()


class GuardsConfig(StrictModel):
    """What a list must satisfy before anything is asked of Spotify. A guard that is not named has its default."""

    min_rows: Annotated[int, BeforeValidator(not_null)] = Field(default=_DEFAULTS.min_rows, ge=1)
    """The fewest rows that may be sent. Below it the audience is left as it is. Spotify is reported to ignore lists of
    fewer than 1,000 rows, which is the default."""
    max_shrink: Share = _DEFAULTS.max_shrink
    """How much shorter a list may be than the one Spotify has: "30%" or 0.3."""
    max_growth: Growth = _DEFAULTS.max_growth
    """How much longer a list may be than the one Spotify has: "200%" is three times as long."""
    max_churn: Share = _DEFAULTS.max_churn
    """How many of the people may be others than before: the smaller of those added and removed, as a share."""
    max_drain: Share = _DEFAULTS.max_drain
    """How much shorter a list may be than any that Spotify had within a week or four cadences, whichever is longer:
    small losses add up. Where `max_shrink` is larger, and this is not stated, as much as that."""
    max_invalid: Share = _DEFAULTS.max_invalid
    """How many of the identifiers found may be turned away as not valid, as a share."""
    max_suppression_loss: Share = _DEFAULTS.max_suppression_loss
    """How much smaller a suppression segment may be than before, as a share."""
    max_source_age: Annotated[Duration | None, BeforeValidator(not_null)] = None
    """How old the newest row of the segment may be, by `segment.updated_at`: "36h" or "7d"."""
    max_bytes: Annotated[int, BeforeValidator(not_null)] = Field(
        default=_DEFAULTS.max_bytes, ge=1, le=SPOTIFY_LARGEST_FILE
    )
    """The largest file that may be sent, in bytes; by default 1 GiB, the most that Spotify is reported to take."""

    def limits(self) -> GuardLimits:
        """The limits as the guards know them."""
        stated = GuardLimits(**{name: getattr(self, name) for name in type(self).model_fields})
        if "max_drain" in self.model_fields_set:
            return stated
        return replace(stated, max_drain=max(stated.max_drain, stated.max_shrink))


class TruncateConfig(StrictModel):
    """Which people are kept when a list is too large."""

    order_by: ColumnName
    """A column of the segment to sort people by, such as the day of their last visit."""
    keep: Literal["highest", "lowest"]
    """Which end of that order is kept. People without a value are cut first."""

    @property
    def in_words(self) -> str:
        """Such as `highest last_visit`, for the manifest."""
        return f"{self.keep} {self.order_by}"


class OversizeConfig(StrictModel):
    """What becomes of a list larger than `guards.max_bytes`: `fail`, `split` or `{truncate: {order_by, keep}}`."""

    short_forms: ClassVar[dict[str, Any]] = {"type": "string"}

    split: bool = False
    """Send it as several audiences, called "Name (1/2)" and so on."""
    truncate: TruncateConfig | None = None
    """Send as many people as fit."""

    @model_validator(mode="after")
    def _one_way(self) -> OversizeConfig:
        if self.split and self.truncate is not None:
            raise ValueError("state one of fail, split and truncate: {order_by, keep}")
        return self


def _oversize_shorthand(value: object) -> object:
    if isinstance(value, str):
        if value not in ("fail", "split"):
            raise ValueError("state one of fail, split and truncate: {order_by, keep}")
        return {"split": value == "split"}
    return value


Oversize = Annotated[OversizeConfig, BeforeValidator(_oversize_shorthand)]


class RetainConfig(StrictModel):
    """How long what was built is kept."""

    customer_lists: int = Field(default=3, ge=1, le=1000)
    """How many hashed lists (partitions) stay on disk. The one Spotify has stays beyond that."""
    identifiers: int = Field(default=1, ge=0, le=100)
    """For how many partitions the normalized identifiers stay; 0: until their list is built."""
    days: int = Field(default=7, ge=1, le=365)
    """Normalized identifiers older than so many days are deleted, whatever else is said."""

    @property
    def identifiers_age(self) -> timedelta:
        """How old normalized identifiers may become."""
        return timedelta(days=self.days)
