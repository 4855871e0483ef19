"""What the YAML of an audience that Spotify fills may contain, and the error for each mistake."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from spotify_pipeline.components.audiences.config import Lookalike
from spotify_pipeline.components.yaml import AssetKeyName, AuthorizationLabel, SpotifyId, StrictModel
from spotify_pipeline.spotify import CAPI_EVENT_NAMES, is_signal, signal_event_name
from spotify_pipeline.spotify_limits import LONGEST_DESCRIPTION, NAME_LENGTH

EVENT_NAMES = (*CAPI_EVENT_NAMES, "CLICK")
_SHORT_FORMS: dict[str, Any] = {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1}


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _each_once(value: list[str]) -> list[str]:
    repeated = sorted({name for name in value if value.count(name) > 1})
    if repeated:
        raise ValueError(f"{', '.join(repeated)} is listed twice")
    return value


def _event(name: str) -> str:
    if not is_signal(name):
        near = difflib.get_close_matches(name.upper(), EVENT_NAMES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(f"not one of Spotify's events.{hint} There are: {', '.join(EVENT_NAMES)}")
    return signal_event_name(name)


Events = Annotated[
    list[Annotated[str, AfterValidator(_event)]],
    Field(min_length=1),
    AfterValidator(_each_once),
    BeforeValidator(_as_list),
    WithJsonSchema(_SHORT_FORMS),
]
"""Events in any of Spotify's spellings, kept in that of audiences (``ADDTOCART``); one alone needs no list."""
Datasets = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    Field(min_length=1),
    AfterValidator(_each_once),
    BeforeValidator(_as_list),
    WithJsonSchema(_SHORT_FORMS),
]
SpotifyIds = Annotated[
    list[SpotifyId],
    Field(min_length=1),
    AfterValidator(_each_once),
    BeforeValidator(_as_list),
    WithJsonSchema(_SHORT_FORMS),
]
LookbackDays = Literal[30, 60, 90, 180]


class EventAudienceConfig(StrictModel):
    """What both kinds of audiences that Spotify fills have in common."""

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
    """The label of the sign-in to use, where there are several. Default: SPOTIFY_AUTHORIZATION, or `default`; read when
    a run starts."""
    lookback_days: LookbackDays
    """How many days back Spotify looks: 30, 60, 90 or 180. Cannot be changed later."""
    lookalike: Lookalike | None = None
    """A lookalike audience of this one: its name, or `{name, description}`."""

    @model_validator(mode="before")
    @classmethod
    def _must_be_mapping(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever stood in the file
        if value is None:
            needed = [name for name, field in cls.model_fields.items() if field.is_required()]
            raise ValueError(f"specify at least {', '.join(needed)}")
        return value


class WebEventAudienceConfig(EventAudienceConfig):
    """People whose events arrived in a data set, by the pixel or by the Conversions API."""

    dataset: str | None = Field(default=None, min_length=1)
    """The data set whose events count: its id or its name. Exactly one of this and `datasets`."""
    datasets: Datasets | None = None
    """Several data sets, where the events of any of them count."""
    include: Events
    """Who did one of these belongs to the audience, such as `[PURCHASE]`."""
    exclude: Events = Field(default=[])
    """Who did one of these does not."""

    @model_validator(mode="after")
    def _events_fit(self) -> WebEventAudienceConfig:
        if (self.dataset is None) == (self.datasets is None):
            raise ValueError("specify one of dataset (its id or name) and datasets (a list of them)")
        both = sorted({*self.include} & {*self.exclude})
        if both:
            raise ValueError(f"include and exclude both list {', '.join(both)}, so nobody would be in the audience")
        return self

    @property
    def stated_datasets(self) -> tuple[str, ...]:
        """Ids or names of the data sets."""
        return tuple(self.datasets) if self.datasets is not None else (str(self.dataset),)


class AdEngagementAudienceConfig(EventAudienceConfig):
    """People who heard, saw or clicked ads of campaigns or of ad sets."""

    campaigns: SpotifyIds | None = None
    """Ids of the campaigns whose ads count. Exactly one of this and `ad_sets`."""
    ad_sets: SpotifyIds | None = None
    """Ids of the ad sets whose ads count."""
    exposure: Literal["impressions", "clicks"]
    """`impressions`: who heard or saw an ad. `clicks`: who clicked one."""

    @model_validator(mode="after")
    def _one_source(self) -> AdEngagementAudienceConfig:
        if (self.campaigns is None) == (self.ad_sets is None):
            raise ValueError("specify one of campaigns and ad_sets: Spotify takes either, not both")
        return self
