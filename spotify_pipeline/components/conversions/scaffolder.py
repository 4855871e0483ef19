"""What `dg scaffold defs spotify_pipeline.ConversionFeed conversions/NAME` writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dagster as dg

TEMPLATE = """\
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
        text = TEMPLATE.format(
            type_name=request.type_name,
            folder=request.target_path.name,
            today=datetime.now(UTC).date().isoformat(),
        )
        (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")
