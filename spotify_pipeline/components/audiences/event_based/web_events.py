"""The component: one YAML file, one audience of people whose events arrived in a data set."""

from __future__ import annotations

from typing import ClassVar

import dagster as dg

from spotify_pipeline.components.audiences.event_based.component import EventAudienceComponent
from spotify_pipeline.components.audiences.event_based.config import AdEngagementAudienceConfig, WebEventAudienceConfig
from spotify_pipeline.components.audiences.event_based.scaffolder import WebEventAudienceScaffolder


@dg.scaffold_with(WebEventAudienceScaffolder)
class WebEventAudience(EventAudienceComponent):
    """Makes one Spotify audience of people by their events in a data set; Spotify fills it and keeps it up to date.

    Put each audience into a folder of its own below `defs/audiences`; the folder's name is the audience's identity.

    ```yaml
    type: spotify_pipeline.WebEventAudience
    attributes:
      name: Bought lately
      dataset: Web shop
      include: [PURCHASE]
      lookback_days: 30
    ```
    """

    model: ClassVar[type[WebEventAudienceConfig | AdEngagementAudienceConfig]] = WebEventAudienceConfig
    summary: ClassVar[str] = "Makes one Spotify audience of people by their events in a data set."
