"""Audiences that Spotify fills by itself: YAML, assets."""

from spotify_pipeline.components.audiences.event_based.ad_engagement import AdEngagementAudience
from spotify_pipeline.components.audiences.event_based.component import EventAudienceComponent
from spotify_pipeline.components.audiences.event_based.definition import EventAudienceDefinition
from spotify_pipeline.components.audiences.event_based.web_events import WebEventAudience

__all__ = [
    "AdEngagementAudience",
    "EventAudienceComponent",
    "EventAudienceDefinition",
    "WebEventAudience",
]
