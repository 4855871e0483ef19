"""What may stand in an audience's YAML, and the sentence each mistake gets.

Plain pydantic models without any Dagster in them: Dagster validates the file against them when definitions load, and
prints the file, the line and the sentence raised here. Values are literal; what differs between environments
(credentials, the ad account) comes from environment variables when a run starts.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from spotify_pipeline.components.audiences.guards_config import GuardsConfig, Oversize, OversizeConfig, RetainConfig
from spotify_pipeline.components.cadence import Cadence
from spotify_pipeline.components.sources import (
    IdentifiersConfig,
    SegmentConfig,
    SettingPath,
    Suppress,
    each_suppressed_once,
)
from spotify_pipeline.components.yaml import AuthorizationLabel, Duration, SpotifyId, StrictModel
from spotify_pipeline.customer_list import Layout

NAME_LENGTHS = (2, 80)
LONGEST_DESCRIPTION = 80


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

    name: str = Field(min_length=NAME_LENGTHS[0], max_length=NAME_LENGTHS[1])
    """Its name in Ads Manager, 2 to 80 characters."""
    description: str | None = Field(default=None, min_length=1, max_length=LONGEST_DESCRIPTION)
    """At most 80 characters, shown in Ads Manager."""


def _name_shorthand(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Lookalike = Annotated[LookalikeConfig, BeforeValidator(_name_shorthand)]
"""A lookalike: its name, or the mapping."""


class AudienceConfig(StrictModel):
    """One audience at Spotify, kept equal to one segment of the warehouse."""

    name: str | None = Field(default=None, min_length=NAME_LENGTHS[0], max_length=NAME_LENGTHS[1])
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
    """Limits that protect the live audience. What is not stated has its default; none can be turned off."""
    max_age: Duration | None = None
    """How long Spotify may have a list that did not change before it is sent again, such as "30d"."""
    oversize: Oversize = OversizeConfig()
    """What becomes of a list beyond `guards.max_bytes`: `fail`, `split`, or `{truncate: {order_by: column, keep:
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
            raise ValueError("state at least segment, identifiers and cadence")
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
