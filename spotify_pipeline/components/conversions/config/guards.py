"""What may stand in a feed's YAML about its guards. There is no way to turn one off."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from spotify_pipeline.components.yaml import Share, StrictModel, not_null
from spotify_pipeline.conversions import FeedLimits

_DEFAULTS = FeedLimits()


class FeedGuardsConfig(StrictModel):
    """How far a day may differ from those before it, before it holds the delivery. Rises are percentage points."""

    min_events: Annotated[int, BeforeValidator(not_null)] = Field(default=_DEFAULTS.min_events, ge=1)
    """Days with fewer rows are not judged, as chance alone makes them differ."""
    max_no_consent_rise: Share = _DEFAULTS.max_no_consent_rise
    """Of the share of wanted rows without consent: "30%" or 0.3."""
    max_suppressed_rise: Share = _DEFAULTS.max_suppressed_rise
    """Of the share of suppressed people among those who consented."""
    max_not_wanted_rise: Share = _DEFAULTS.max_not_wanted_rise
    """Of the share of rows whose name `event_name.names` ignores."""
    max_dead_rise: Share = _DEFAULTS.max_dead_rise
    """Of the share of dead letters among the events that are not filtered."""

    def limits(self) -> FeedLimits:
        """The limits as the guards know them."""
        return FeedLimits(**{name: getattr(self, name) for name in type(self).model_fields})
