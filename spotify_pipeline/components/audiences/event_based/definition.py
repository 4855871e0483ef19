"""One audience that Spotify fills by itself, as the configuration has it, and the definitions that are made of it."""

from __future__ import annotations

from dataclasses import dataclass

from spotify_pipeline.components.audiences.definition import AudienceAtSpotify
from spotify_pipeline.components.audiences.event_based.config import AdEngagementAudienceConfig, WebEventAudienceConfig
from spotify_pipeline.mirror import AdEngagement, EventBasedDefinition, WebEvents, dataset_ids
from spotify_pipeline.spotify import SpotifyAdsClient


@dataclass(frozen=True)
class EventAudienceDefinition(AudienceAtSpotify):
    """One audience that Spotify fills."""

    config: WebEventAudienceConfig | AdEngagementAudienceConfig

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

    def event_based(self, client: SpotifyAdsClient, ad_account_id: str) -> EventBasedDefinition:
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
