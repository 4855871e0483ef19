"""The fields of an audience's YAML, and the sentence for each mistake.

Plain pydantic models without Dagster. Dagster validates the file against them when definitions load, and prints the
file, the line and the sentence raised here. Values are literal; what differs between environments (credentials, the ad
account) comes from environment variables when a run starts. A guard cannot be turned off: a field that is not given has
its default, and null is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
    model_validator,
)

from spotify_pipeline.components.cadence import Cadence
from spotify_pipeline.components.sources import (
    IdentifiersConfig,
    SegmentConfig,
    SettingPath,
    Suppress,
    each_suppressed_once,
)
from spotify_pipeline.components.yaml import (
    WITHOUT_SOURCE,
    AssetKeyName,
    AuthorizationLabel,
    ColumnName,
    Duration,
    Growth,
    Share,
    SpotifyId,
    StrictModel,
    no_such_field,
    not_null,
)
from spotify_pipeline.customer_list import Layout
from spotify_pipeline.mirror.guards import (
    GUARDS,
    MAX_DRAIN,
    MAX_SHRINK,
    Guard,
    GuardLimits,
    Limit,
    LimitKind,
    LimitValue,
    guard_limits,
    limits_of,
)
from spotify_pipeline.spotify_limits import LONGEST_DESCRIPTION, NAME_LENGTH

_TYPES: dict[LimitKind, Any] = {
    LimitKind.SHARE: Share,
    LimitKind.GROWTH: Growth,
    LimitKind.AGE: Annotated[Duration | None, BeforeValidator(not_null)],
}


class GuardLimitError(ValueError):
    """A value of the guards' block is wrong.

    Attributes:
        field: which; None where one is missing.
    """

    def __init__(self, problem: str, field: str | None) -> None:
        super().__init__(problem)
        self.field = field


def _type_of(limit: Limit[Any]) -> Any:  # noqa: ANN401 - a type for pydantic
    if limit.kind is LimitKind.COUNT:
        return Annotated[int, Field(ge=limit.least, le=limit.most), BeforeValidator(not_null)]
    return _TYPES[limit.kind]


class _OurGuards(StrictModel):
    """What a list must satisfy before any call to Spotify. A guard that is not named has its default."""

    # Limits of a project's own guards are held against them by ``limits``, as files are read before guards are known.
    model_config = ConfigDict(extra="allow")


_stated: dict[str, Any] = {
    each.field: (_type_of(each), Field(default=each.default, description=each.meaning)) for each in limits_of(GUARDS)
}


class GuardsConfig(create_model("GuardsConfig", __base__=_OurGuards, __cls_kwargs__=WITHOUT_SOURCE, **_stated)):
    """What a list must satisfy before any call to Spotify. A guard that is not named has its default."""

    def limits(self, own_guards: Sequence[Guard] = ()) -> GuardLimits:
        """The limits as the guards know them.

        Args:
            own_guards: of the project, which have limits here, too.

        Raises:
            GuardLimitError: a field is no guard's, or its value is none; or one that must be stated is missing.
        """
        stated = {name: getattr(self, name) for name in type(self).model_fields}
        if MAX_DRAIN.field not in self.model_fields_set:
            stated[MAX_DRAIN.field] = max(stated[MAX_DRAIN.field], stated[MAX_SHRINK.field])
        extra, known = self.model_extra or {}, {each.field: each for each in limits_of(own_guards)}
        for field, value in extra.items():
            if field not in known:
                raise GuardLimitError(no_such_field(field, [*type(self).model_fields, *known]), field)
            stated[field] = _validated(known[field], value)
        for field, limit in known.items():
            if limit.must_be_stated and field not in extra:
                raise GuardLimitError(f"lacks {field}, which has no default: {limit.meaning}", None)
        return guard_limits(own_guards, **stated)


def _validated(limit: Limit[Any], value: object) -> LimitValue:
    try:
        return TypeAdapter[LimitValue](_type_of(limit)).validate_python(value)
    except ValidationError as error:
        raise GuardLimitError(error.errors()[0]["msg"].removeprefix("Value error, "), limit.field) from None


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
    key_prefix: AssetKeyName | None = None
    """What comes before the folder's name in the keys of its assets, such as `marketing` or `marketing/ads`."""
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
