"""Audiences that Spotify fills by itself: YAML, assets."""

from spotify_pipeline.components.audiences.event_based.component import (
    AdEngagementAudience,
    EventAudienceComponent,
    WebEventAudience,
)
from spotify_pipeline.components.audiences.event_based.definition import EventAudienceDefinition

__all__ = [
    "AdEngagementAudience",
    "EventAudienceComponent",
    "EventAudienceDefinition",
    "WebEventAudience",
]
