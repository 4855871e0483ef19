"""One audience that Spotify fills by itself, as the configuration has it, and the definitions that are made of it."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from spotify_pipeline.components.audiences.event_based.config import AdEngagementAudienceConfig, WebEventAudienceConfig
from spotify_pipeline.mirror import AdEngagement, AudienceSpec, EventBasedDefinition, WebEvents, dataset_ids
from spotify_pipeline.spotify import SpotifyAdsClient


@dataclass(frozen=True)
class EventAudienceDefinition:
    """One audience that Spotify fills."""

    folder: str
    """The folder's name: the audience's identity."""
    config: WebEventAudienceConfig | AdEngagementAudienceConfig

    @property
    def audience_key(self) -> dg.AssetKey:
        """The asset that is the audience at Spotify."""
        return dg.AssetKey([self.folder, "spotify_audience"])

    @property
    def lookalike_key(self) -> dg.AssetKey:
        """The asset that is the lookalike of the audience, where the YAML asks for one."""
        return dg.AssetKey([self.folder, "lookalike"])

    @property
    def name(self) -> str:
        """The audience's name in Ads Manager."""
        return self.config.name or self.folder

    @property
    def in_words(self) -> str:
        """Who is in it, for a person."""
        config = self.config
        days = f"in the last {config.lookback_days} days"
        if isinstance(config, AdEngagementAudienceConfig):
            kind, ids = ("campaign", config.campaigns) if config.campaigns else ("ad set", config.ad_sets or [])
            verb = "clicked" if config.exposure == "clicks" else "heard or saw"
            return f"People who {verb} an ad of {len(ids)} {kind}{'' if len(ids) == 1 else 's'} {days}."
        unless = f" and not {' or '.join(config.exclude)}" if config.exclude else ""
        return f"People of {', '.join(config.stated_datasets)} with {' or '.join(config.include)}{unless} {days}."

    def target(self, ad_account_id: str) -> AudienceSpec:
        """The audience as the mirror needs to know it."""
        return AudienceSpec(
            audience=self.folder,
            name=self.name,
            description=self.config.description,
            ad_account_id=ad_account_id,
            name_is_stated=self.config.name is not None,
        )

    def filling(self, client: SpotifyAdsClient, ad_account_id: str) -> EventBasedDefinition:
        """What Spotify is to fill it with; data sets given by name are looked up.

        Raises:
            MirrorRefused: there is no such data set, or there are several.
            SpotifyError: Spotify refused or was not reached.
        """
        config = self.config
        if isinstance(config, AdEngagementAudienceConfig):
            return AdEngagement(
                campaign_ids=tuple(config.campaigns or ()),
                ad_set_ids=tuple(config.ad_sets or ()),
                exposure_type=config.exposure.upper(),
                lookback_days=config.lookback_days,
            )
        return WebEvents(
            dataset_ids=dataset_ids(client, ad_account_id, config.stated_datasets),
            included_events=tuple(config.include),
            excluded_events=tuple(config.exclude),
            lookback_days=config.lookback_days,
        )
