"""The components of audiences that Spotify fills: one YAML file, one audience."""

from __future__ import annotations

from typing import ClassVar, Self

import dagster as dg
from pydantic import BaseModel

from spotify_pipeline.components.audiences.checks import targetable_check
from spotify_pipeline.components.audiences.definition import audience_named_by, refuse_own_name
from spotify_pipeline.components.audiences.event_based.asset import event_audience_asset
from spotify_pipeline.components.audiences.event_based.config import AdEngagementAudienceConfig, WebEventAudienceConfig
from spotify_pipeline.components.audiences.event_based.definition import EventAudienceDefinition
from spotify_pipeline.components.audiences.lookalike import lookalike_asset
from spotify_pipeline.components.audiences.scaffolders import AdEngagementAudienceScaffolder, WebEventAudienceScaffolder
from spotify_pipeline.components.project_connection import connection_of, project_name
from spotify_pipeline.components.yaml import config_error


class EventAudienceComponent(dg.Component):
    """One YAML file, one audience that Spotify fills."""

    model: ClassVar[type[WebEventAudienceConfig | AdEngagementAudienceConfig]]
    summary: ClassVar[str]
    """What it does, for `dg list components`."""

    def __init__(self, audience: EventAudienceDefinition) -> None:
        self.audience = audience

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The schema of `attributes`."""
        return cls.model

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """How the component is listed by `dg list components`."""
        return dg.ComponentTypeSpec(description=cls.summary, tags=["spotify"])

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Take over the validated attributes.

        Raises:
            AudienceConfigError: there are none, the project has no connection, or the folder's name cannot serve.
        """
        if not isinstance(attributes, WebEventAudienceConfig | AdEngagementAudienceConfig):
            needed = [name for name, field in cls.model.model_fields.items() if field.is_required()]
            raise config_error(context, (), f"an audience that Spotify fills needs at least {', '.join(needed)}")
        connection_of(context)
        audience = audience_named_by(attributes.name, context)
        refuse_own_name(attributes.name or audience, attributes.lookalike, context)
        return cls(EventAudienceDefinition(audience, attributes, project=project_name(context)))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """The audience, its lookalike where there is one, and the check."""
        audience = self.audience
        lookalike = audience.config.lookalike
        return dg.Definitions(
            assets=[
                event_audience_asset(audience),
                *([lookalike_asset(audience, lookalike)] if lookalike is not None else []),
            ],
            asset_checks=[targetable_check(audience)],
        )


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
