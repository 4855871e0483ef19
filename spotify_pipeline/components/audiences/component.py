"""The component: one YAML file, one audience."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg
from pydantic import BaseModel

from spotify_pipeline.components.audiences.checks import privacy_checks, targetable_check
from spotify_pipeline.components.audiences.config import AudienceConfig, GuardLimitError
from spotify_pipeline.components.audiences.customer_list import customer_list_asset
from spotify_pipeline.components.audiences.definition import AudienceDefinition, audience_named_by, refuse_own_name
from spotify_pipeline.components.audiences.identifiers import identifiers_asset
from spotify_pipeline.components.audiences.lookalike import lookalike_asset
from spotify_pipeline.components.audiences.scaffolders import AudienceScaffolder
from spotify_pipeline.components.audiences.sync import audience_asset
from spotify_pipeline.components.project_connection import connection_of, project_name
from spotify_pipeline.components.sources import (
    SuppressionList,
    find_source,
    refuse_unknown_columns,
    suppression_sources,
)
from spotify_pipeline.components.yaml import config_error
from spotify_pipeline.mirror.guards import MAX_SOURCE_AGE, Guard, GuardLimits


@dg.scaffold_with(AudienceScaffolder)
class CustomerListAudience(dg.Component):
    """Keeps one Spotify audience an exact mirror of one warehouse segment.

    Yields the chain of assets from the segment to the audience, partitioned by the cadence, and its checks. Put each
    audience into a folder of its own below `defs/audiences`; the folder's name is the audience's identity.

    ```yaml
    type: spotify_pipeline.CustomerListAudience
    attributes:
      name: Lapsed subscribers
      description: Cancelled in the last 90 days
      segment:
        dbt_model: lapsed_subscribers
        consent_column: marketing_consent
      identifiers:
        email: [email, billing_email]
        phone: {column: phone, region_column: country, default_region: SE}
        device_id: device_id
      cadence: {every: week, on: monday, at: "06:00", timezone: Europe/Stockholm}
    ```
    """

    def __init__(self, audience: AudienceDefinition) -> None:
        self.audience = audience

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The schema of `attributes`."""
        return AudienceConfig

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """How the component is listed by `dg list components`."""
        return dg.ComponentTypeSpec(
            description="Keeps one Spotify audience an exact mirror of one warehouse segment.", tags=["spotify"]
        )

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> CustomerListAudience:
        """Take over the validated attributes and look up what they refer to.

        Raises:
            AudienceConfigError: there are none, the project has no connection, the folder's name cannot serve, a dbt
                model, a column or a guard's limit is unknown, or two settings do not go together.
        """
        if not isinstance(attributes, AudienceConfig):
            raise config_error(context, (), "an audience needs at least segment, identifiers and cadence")
        own_guards = connection_of(context).guards
        audience = audience_named_by(attributes.name, context)
        segment = find_source(attributes.segment, context, ("segment",))
        refuse_unknown_columns(attributes.named_columns(), segment, context)
        _refuse_half_a_pair(attributes, _limits(attributes, own_guards, context)[MAX_SOURCE_AGE], context)
        refuse_own_name(attributes.name or audience, attributes.lookalike, context)
        everybodys = [each.source for each in context.component_tree.get_all_components(of_type=SuppressionList)]
        sources = suppression_sources(attributes, sorted(everybodys, key=lambda each: each.name), context)
        project = project_name(context)
        return cls(
            AudienceDefinition(
                audience,
                attributes,
                segment.asset_key,
                segment.relation,
                sources,
                project=project,
                own_guards=own_guards,
            )
        )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """The chain of assets and its checks."""
        audience = self.audience
        lookalike = audience.config.lookalike
        return dg.Definitions(
            assets=[
                identifiers_asset(audience),
                customer_list_asset(audience),
                audience_asset(audience),
                *([lookalike_asset(audience, lookalike)] if lookalike is not None else []),
            ],
            asset_checks=[targetable_check(audience), privacy_checks(audience)],
        )


def _limits(config: AudienceConfig, own_guards: Sequence[Guard], context: dg.ComponentLoadContext) -> GuardLimits:
    try:
        return config.guards.limits(own_guards)
    except GuardLimitError as error:
        path = ("guards",) if error.field is None else ("guards", error.field)
        raise config_error(context, path, str(error)) from None


def _refuse_half_a_pair(config: AudienceConfig, most: timedelta | None, context: dg.ComponentLoadContext) -> None:
    if config.segment.updated_at is not None and most is None:
        raise config_error(
            context,
            ("segment", "updated_at"),
            "requires guards.max_source_age, which is missing",
        )
    if most is not None and config.segment.updated_at is None:
        raise config_error(
            context,
            ("guards", "max_source_age"),
            "requires segment.updated_at, which is missing",
        )
