"""The fields of an audience's YAML, and the sentence for each mistake.

Plain pydantic models without Dagster. Dagster validates the file against them when definitions load, and prints the
file, the line and the sentence raised here. Values are literal; what differs between environments (credentials, the ad
account) comes from environment variables when a run starts. A guard cannot be turned off: a field that is not given has
its default, and null is refused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from spotify_pipeline.components.cadence import Cadence
from spotify_pipeline.components.sources import (
    IdentifiersConfig,
    SegmentConfig,
    SettingPath,
    Suppress,
    each_suppressed_once,
)
from spotify_pipeline.components.yaml import (
    AuthorizationLabel,
    ColumnName,
    Duration,
    Growth,
    Share,
    SpotifyId,
    StrictModel,
    not_null,
)
from spotify_pipeline.customer_list import Layout
from spotify_pipeline.mirror.guards import GuardLimits
from spotify_pipeline.spotify_limits import LARGEST_FILE, LONGEST_DESCRIPTION, NAME_LENGTH

_DEFAULTS = GuardLimits()


class GuardsConfig(StrictModel):
    """What a list must satisfy before any call to Spotify. A guard that is not named has its default."""

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
    small losses add up. Where `max_shrink` is larger, and this is missing, as much as that."""
    max_invalid: Share = _DEFAULTS.max_invalid
    """How many of the identifiers found may be rejected as not valid, as a share."""
    max_suppression_loss: Share = _DEFAULTS.max_suppression_loss
    """How much smaller a suppression segment may be than before, as a share."""
    max_source_age: Annotated[Duration | None, BeforeValidator(not_null)] = None
    """How old the newest row of the segment may be, by `segment.updated_at`: "36h" or "7d"."""
    max_bytes: Annotated[int, BeforeValidator(not_null)] = Field(default=_DEFAULTS.max_bytes, ge=1, le=LARGEST_FILE)
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
    """What happens to a list larger than `guards.max_bytes`: `fail`, `split` or `{truncate: {order_by, keep}}`."""

    short_forms: ClassVar[dict[str, Any]] = {"type": "string"}

    split: bool = False
    """Send it as several audiences, called "Name (1/2)" and so on."""
    truncate: TruncateConfig | None = None
    """Send as many people as fit."""

    @model_validator(mode="after")
    def _one_way(self) -> OversizeConfig:
        if self.split and self.truncate is not None:
            raise ValueError("specify one of fail, split and truncate: {order_by, keep}")
        return self


def _oversize_shorthand(value: object) -> object:
    if isinstance(value, str):
        if value not in ("fail", "split"):
            raise ValueError("specify one of fail, split and truncate: {order_by, keep}")
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


def _mirror_only(value: object) -> object:
    if value != "mirror":
        raise ValueError(
            "the only mode is mirror: Spotify replaces a customer list as a whole and has no call that adds people "
            "to one or removes them"
        )
    return value


class LookalikeConfig(StrictModel):
    """An audience of listeners like those of this one, which Spotify finds."""

    short_forms: ClassVar[dict[str, Any]] = {"type": "string"}

    name: str = Field(min_length=NAME_LENGTH[0], max_length=NAME_LENGTH[1])
    """Its name in Ads Manager, 2 to 80 characters."""
    description: str | None = Field(default=None, min_length=1, max_length=LONGEST_DESCRIPTION)
    """At most 80 characters, shown in Ads Manager."""


def _name_shorthand(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Lookalike = Annotated[LookalikeConfig, BeforeValidator(_name_shorthand)]
"""A lookalike: its name, or the mapping."""


class AudienceConfig(StrictModel):
    """One audience at Spotify, kept equal to one segment of the warehouse."""

    name: str | None = Field(default=None, min_length=NAME_LENGTH[0], max_length=NAME_LENGTH[1])
    """The audience's name in Spotify Ads Manager, 2 to 80 characters. Default: the folder's name."""
    description: str | None = Field(default=None, min_length=1, max_length=LONGEST_DESCRIPTION)
    """At most 80 characters, shown in Ads Manager. Where they leave room, a short key such as `[sp:1a2b3c4d]` is added
    by which the audience is found again should this machine be lost."""
    ad_account_id: SpotifyId | None = None
    """The ad account that owns the audience. Default: SPOTIFY_AD_ACCOUNT_ID, read when a run starts."""
    authorization: AuthorizationLabel | None = None
    """The label of the sign-in with which this audience is mirrored, where there are several. Default:
    SPOTIFY_AUTHORIZATION, or `default`; read when a run starts."""
    audience_id: SpotifyId | None = None
    """Adopt this audience, which exists at Spotify already, instead of creating one. **Its list is replaced**, and its
    name and description where this file states them."""
    mode: Annotated[Literal["mirror"], BeforeValidator(_mirror_only)] = "mirror"
    """Spotify offers full replacement only, so an audience is always an exact mirror."""
    segment: SegmentConfig
    """The warehouse segment that the audience mirrors."""
    identifiers: IdentifiersConfig
    """Which of its columns identify a person."""
    cadence: Cadence
    """`once`, or `{every: day|week|month, on: ..., at: "06:00", timezone: Europe/Stockholm}`. The cadence is the
    partition: one window, one snapshot of the segment, one list."""
    suppress: Annotated[list[Suppress], AfterValidator(each_suppressed_once)] = Field(default=[])
    """Segments of people who are kept out: names of dbt models, or `{dbt_model|table, asset_key, identifiers}`. Those
    of `defs/suppressions` apply to every audience and are not named here."""
    guards: GuardsConfig = GuardsConfig()
    """Limits that protect the live audience. A missing field has its default; none can be turned off."""
    max_age: Duration | None = None
    """How long Spotify may have a list that did not change before it is sent again, such as "30d"."""
    oversize: Oversize = OversizeConfig()
    """What happens to a list beyond `guards.max_bytes`: `fail`, `split`, or `{truncate: {order_by: column, keep:
    highest|lowest}}`."""
    layout: Layout = Layout.WIDE
    """`wide`: a column per identifier type, as most partners send. `long`: the columns type and value."""
    retain: RetainConfig = RetainConfig()
    """How long what was built is kept."""
    lookalike: Lookalike | None = None
    """A lookalike audience of this one: its name, or `{name, description}`."""

    @model_validator(mode="before")
    @classmethod
    def _must_be_mapping(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever stood in the file
        if value is None:
            raise ValueError("specify at least segment, identifiers and cadence")
        return value

    def named_columns(self) -> list[tuple[SettingPath, str]]:
        """Every column of the segment that is named, with the path of the setting that names it."""
        found: list[tuple[SettingPath, str]] = []
        if self.segment.consent_column is not None:
            found.append((("segment", "consent_column"), self.segment.consent_column))
        found += [(("identifiers", *path), name) for path, name in self.identifiers.named_columns()]
        if self.segment.updated_at is not None:
            found.append((("segment", "updated_at"), self.segment.updated_at))
        if self.oversize.truncate is not None:
            found.append((("oversize", "truncate", "order_by"), self.oversize.truncate.order_by))
        return found
