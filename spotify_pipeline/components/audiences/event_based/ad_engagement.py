"""The component: one YAML file, one audience of people who heard, saw or clicked ads."""

from __future__ import annotations

from typing import ClassVar

import dagster as dg

from spotify_pipeline.components.audiences.event_based.component import EventAudienceComponent
from spotify_pipeline.components.audiences.event_based.config import AdEngagementAudienceConfig, WebEventAudienceConfig
from spotify_pipeline.components.audiences.event_based.scaffolder import AdEngagementAudienceScaffolder


@dg.scaffold_with(AdEngagementAudienceScaffolder)
class AdEngagementAudience(EventAudienceComponent):
    """Makes one Spotify audience of people by the ads they heard or clicked; Spotify fills it and keeps it up to date.

    Put each audience into a folder of its own below `defs/audiences`; the folder's name is the audience's identity.

    ```yaml
    type: spotify_pipeline.AdEngagementAudience
    attributes:
      name: Heard the autumn spot
      campaigns: [ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a]
      exposure: impressions
      lookback_days: 90
    ```
    """

    model: ClassVar[type[WebEventAudienceConfig | AdEngagementAudienceConfig]] = AdEngagementAudienceConfig
    summary: ClassVar[str] = "Makes one Spotify audience of people by the ads they heard or clicked."
