"""Defines what Spotify fills an audience with. None of it can be changed once the audience is created."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

from spotify_pipeline.mirror.journal import SettingValue
from spotify_pipeline.mirror.receipts import ReceiptKind
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.spotify import Audience, SpotifyAdsClient
from spotify_pipeline.spotify.ads import AD_ENGAGEMENT, CUSTOM, LOOKALIKE, WEB_EVENT


class EventBasedDefinition(ABC):
    """One way in which Spotify fills audiences, and what it is told for one of them."""

    word: ClassVar[str]
    """What such an audience is called in sentences."""
    created: ClassVar[ReceiptKind]
    audience_type: ClassVar[str] = CUSTOM
    needs_own_name: ClassVar[bool] = True
    """Whether none is created where another audience of the ad account bears the name."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, SettingValue]:
        """What it is made of, by Spotify's names of the fields, as plain JSON values."""

    @abstractmethod
    def is_kind(self, audience: Audience) -> bool:
        """Whether an audience is filled in this way, as far as Spotify says: a subtype may be left out."""

    @abstractmethod
    def shown(self, audience: Audience) -> dict[str, SettingValue | None]:
        """What Spotify shows of the settings. An empty list where what it does show implies that there is nothing."""

    @abstractmethod
    def create(self, client: SpotifyAdsClient, spec: AudienceSpec) -> Audience:
        """Ask Spotify for the audience. Errors are those of the client."""

    def differing(self, made_of: Mapping[str, SettingValue]) -> list[str]:
        """The settings that an audience made of ``made_of`` has otherwise; what is not known of it is passed over."""
        return [name for name, value in self.settings.items() if name in made_of and made_of[name] != value]

    def mismatch(self, found: Audience, spec: AudienceSpec, made_of: Mapping[str, SettingValue]) -> str:
        """Why an audience that was made of something else is left alone, and the two ways out."""
        told = "; ".join(
            f"its {_YAML_NAMES.get(name, name)} {'are' if name.endswith('s') else 'is'} {_said(made_of[name])}, and "
            f"by the YAML {_said(self.settings[name])}"
            for name in self.differing(made_of)
        )
        return (
            f"Spotify cannot change what an audience is made of, and {self.word} {found.id} ({spec.audience}) is "
            f"made of something else than its YAML says: {told}. Nothing was changed. Put the YAML back; or take "
            f"{found.id} out of its ad sets and delete it in Ads Manager, and the next run creates a new one."
        )


_YAML_NAMES = {
    "dataset_ids": "data sets",
    "included_events": "included events",
    "excluded_events": "excluded events",
    "lookback_days": "lookback days",
    "campaign_ids": "campaigns",
    "ad_set_ids": "ad sets",
    "exposure_type": "exposure",
}


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, cast("list[object]", value))) or "none"
    return str(value)


@dataclass(frozen=True, kw_only=True)
class Lookalike(EventBasedDefinition):
    """A lookalike: people who are like those of another audience."""

    word: ClassVar[str] = "lookalike"
    created: ClassVar[ReceiptKind] = ReceiptKind.LOOKALIKE_CREATED
    audience_type: ClassVar[str] = LOOKALIKE
    needs_own_name: ClassVar[bool] = False

    seed_audience_id: str

    @property
    def settings(self) -> dict[str, SettingValue]:
        return {"seed_audience_id": self.seed_audience_id}

    def is_kind(self, audience: Audience) -> bool:
        return audience.type == LOOKALIKE

    def shown(self, audience: Audience) -> dict[str, SettingValue | None]:
        return {"seed_audience_id": audience.seed_audience_id}

    def create(self, client: SpotifyAdsClient, spec: AudienceSpec) -> Audience:
        return client.create_lookalike_audience(
            spec.ad_account_id,
            name=spec.name,
            description=spec.full_description,
            seed_audience_id=self.seed_audience_id,
        )

    def mismatch(self, found: Audience, spec: AudienceSpec, made_of: Mapping[str, SettingValue]) -> str:
        return (
            f"Lookalike {found.id} ({spec.audience}) is like audience {made_of['seed_audience_id']}, and the "
            f"audience is {self.seed_audience_id} now: it was created again, or another is adopted. Spotify cannot "
            f"change whom it is like. Nothing was changed. Delete {found.id} in Ads Manager, and the next run creates "
            "a new one; or take the lookalike out of the YAML."
        )


@dataclass(frozen=True, kw_only=True)
class WebEvents(EventBasedDefinition):
    """People whose events arrived in data sets.

    Attributes:
        dataset_ids: of which data sets.
        included_events: who did one of these belongs to it; as audiences spell them (``ADDTOCART``).
        excluded_events: who did one of these does not.
        lookback_days: how long ago an event may be.
    """

    word: ClassVar[str] = "web event audience"
    created: ClassVar[ReceiptKind] = ReceiptKind.WEB_EVENT_CREATED

    dataset_ids: tuple[str, ...]
    included_events: tuple[str, ...]
    excluded_events: tuple[str, ...] = ()
    lookback_days: int

    @property
    def settings(self) -> dict[str, SettingValue]:
        return {
            "dataset_ids": _ids(self.dataset_ids),
            "included_events": sorted(self.included_events),
            "excluded_events": sorted(self.excluded_events),
            "lookback_days": self.lookback_days,
        }

    def is_kind(self, audience: Audience) -> bool:
        return audience.type == CUSTOM and audience.subtype in (None, WEB_EVENT)

    def shown(self, audience: Audience) -> dict[str, SettingValue | None]:
        lists = {"included_events": sorted(audience.included_events)} if audience.included_events else {}
        if lists:
            lists["excluded_events"] = sorted(audience.excluded_events)
        return {
            **lists,
            **({"dataset_ids": _ids(audience.dataset_ids)} if audience.dataset_ids else {}),
            "lookback_days": audience.lookback_days,
        }

    def create(self, client: SpotifyAdsClient, spec: AudienceSpec) -> Audience:
        return client.create_web_event_audience(
            spec.ad_account_id,
            name=spec.name,
            description=spec.full_description,
            dataset_ids=self.dataset_ids,
            included_events=self.included_events,
            excluded_events=self.excluded_events,
            lookback_days=self.lookback_days,
        )


@dataclass(frozen=True, kw_only=True)
class AdEngagement(EventBasedDefinition):
    """People who heard, saw or clicked ads.

    Attributes:
        campaign_ids, ad_set_ids: whose ads; one of the two is empty.
        exposure_type: IMPRESSIONS or CLICKS.
        lookback_days: how long ago that may be.
    """

    word: ClassVar[str] = "ad engagement audience"
    created: ClassVar[ReceiptKind] = ReceiptKind.AD_ENGAGEMENT_CREATED

    campaign_ids: tuple[str, ...] = ()
    ad_set_ids: tuple[str, ...] = ()
    exposure_type: str
    lookback_days: int

    @property
    def settings(self) -> dict[str, SettingValue]:
        return {
            "campaign_ids": _ids(self.campaign_ids),
            "ad_set_ids": _ids(self.ad_set_ids),
            "exposure_type": self.exposure_type,
            "lookback_days": self.lookback_days,
        }

    def is_kind(self, audience: Audience) -> bool:
        return audience.type == CUSTOM and audience.subtype in (None, AD_ENGAGEMENT)

    def shown(self, audience: Audience) -> dict[str, SettingValue | None]:
        whose = {"campaign_ids": _ids(audience.campaign_ids), "ad_set_ids": _ids(audience.ad_set_ids)}
        return {
            **(whose if any(whose.values()) else {}),
            "exposure_type": audience.exposure_type,
            "lookback_days": audience.lookback_days,
        }

    def create(self, client: SpotifyAdsClient, spec: AudienceSpec) -> Audience:
        return client.create_ad_engagement_audience(
            spec.ad_account_id,
            name=spec.name,
            description=spec.full_description,
            campaign_ids=self.campaign_ids,
            ad_set_ids=self.ad_set_ids,
            exposure_type=self.exposure_type,
            lookback_days=self.lookback_days,
        )


def _ids(ids: tuple[str, ...]) -> list[str]:
    return sorted({each.lower() for each in ids})
