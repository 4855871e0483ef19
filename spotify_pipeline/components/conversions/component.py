"""The component: one YAML file, one feed of events; and the file that `dg scaffold defs` writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dagster as dg
from pydantic import BaseModel

from spotify_pipeline.components.conversions.config import FeedConfig
from spotify_pipeline.components.conversions.delivery import delivery_asset
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.validated_events import validated_events_asset
from spotify_pipeline.components.project_connection import connection_of, project_name
from spotify_pipeline.components.sources import (
    SuppressionList,
    find_source,
    refuse_unknown_columns,
    suppression_sources,
)
from spotify_pipeline.components.yaml import config_error, named_by_folder
from spotify_pipeline.process import keep_from_children

_TEMPLATE = """\
type: {type_name}
attributes:
  events:
    dbt_model: {folder}                    # a model of the dbt project; or table: schema.table
    consent_column: ad_consent             # or consent: {{not_required: "the reason"}}
  event_name: {{value: PURCHASE}}            # or a column, or {{column: event, names: {{order_completed: PURCHASE}}}}
  event_id: order_id                       # what never changes; or {{columns: [order_id, line]}}
  event_time: ordered_at                   # numbers: {{column: ordered_at, unit: ms}}
  timezone: UTC                            # of the days, and of times that state no zone
  identifiers:                             # keep what the events have
    email: email
    phone: {{column: phone, region_column: country}}
  amount: total
  currency: {{value: EUR}}                   # or a column
  action_source: {{value: WEB}}              # WEB, APP or OFFLINE
  start: {today}
  schedule: {{every: hour}}                  # or {{every: 15 minutes}}, {{every: day, at: "06:00"}}, on_update, by_hand
"""


class FeedScaffolder(dg.Scaffolder[Any]):
    """Writes a feed's YAML with its usual fields, to be adapted."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write `defs.yaml` into the feed's own folder.

        Raises:
            ValueError: Python, or a second feed in one file, was asked for: a feed is one YAML file.
        """
        if request.scaffold_format != "yaml" or request.append:
            raise ValueError("A feed is one YAML file in a folder of its own. Leave --format out; name a new folder.")
        text = _TEMPLATE.format(
            type_name=request.type_name,
            folder=request.target_path.name,
            today=datetime.now(UTC).date().isoformat(),
        )
        (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")


@dg.scaffold_with(FeedScaffolder)
class ConversionFeed(dg.Component):
    """Sends the events of one warehouse relation to Spotify's Conversions API, each once, and accounts for all.

    Yields the assets `validated_events` and `delivery`, partitioned by the day of the events, and their checks. Put
    each feed into a folder of its own below `defs/conversions`; the folder's name is the feed's identity.

    ```yaml
    type: spotify_pipeline.ConversionFeed
    attributes:
      events: {dbt_model: purchases, consent_column: ad_consent}
      event_name: {value: PURCHASE}
      event_id: order_id
      event_time: ordered_at
      timezone: Europe/Stockholm
      identifiers:
        email: email
        phone: {column: phone, region_column: country}
      amount: total
      currency: {value: SEK}
      schedule: {every: hour}
    ```
    """

    def __init__(self, feed: FeedDefinition) -> None:
        self.feed = feed

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The schema of `attributes`."""
        return FeedConfig

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """How the component is listed by `dg list components`."""
        return dg.ComponentTypeSpec(
            description="Sends the events of one warehouse relation to Spotify's Conversions API, each once.",
            tags=["spotify"],
        )

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> ConversionFeed:
        """Take over the validated attributes and look up what they refer to.

        Raises:
            AudienceConfigError: there are none, the project has no connection, the folder's name cannot serve, or a dbt
                model or column is unknown.
        """
        if not isinstance(attributes, FeedConfig):
            raise config_error(context, (), "a feed needs at least events, event_name, event_id and event_time")
        connection_of(context)
        name = named_by_folder(context, "a feed")
        if attributes.token is not None:
            keep_from_children(attributes.token.env)
        events = find_source(attributes.events, context, ("events",))
        refuse_unknown_columns(attributes.named_columns(), events, context)
        everybodys = [each.source for each in context.component_tree.get_all_components(of_type=SuppressionList)]
        sources = suppression_sources(attributes, sorted(everybodys, key=lambda each: each.name), context)
        return cls(FeedDefinition(name, attributes, events.asset_key, events.relation, sources, project_name(context)))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """The feed's assets and what is checked in their runs. Parity is a check of all feeds together."""
        return dg.Definitions(assets=[validated_events_asset(self.feed), delivery_asset(self.feed)])
