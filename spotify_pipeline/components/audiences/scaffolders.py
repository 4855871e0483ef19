"""What `dg scaffold defs` writes for a new audience."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import dagster as dg

CUSTOMER_LIST = """\
type: {type_name}
attributes:
  name: {name}
  # description: Who they are, at most 80 characters
  segment:
    {segment}
    consent_column: marketing_consent      # or consent: {{not_required: "the reason"}}
  identifiers:                             # keep what the segment has; a list of columns gives several rows
    email: email
    phone: {{column: phone, region_column: country}}
    device_id: device_id
  cadence: {{every: week, on: monday, at: "06:00", timezone: UTC, start: {week_ago}}}
"""
WEB_EVENTS = """\
type: {type_name}
attributes:
  name: {name}
  # description: Who they are, at most 80 characters
  dataset: Web shop                        # its id or name; or datasets: [...]
  include: [PURCHASE]                      # who did one of these
  # exclude: [LEAD]                        # and none of these
  lookback_days: 30                        # 30, 60, 90 or 180; cannot be changed later
"""
AD_ENGAGEMENT = """\
type: {type_name}
attributes:
  name: {name}
  # description: Who they are, at most 80 characters
  campaigns: [00000000-0000-4000-8000-000000000000]   # their ids in Ads Manager; or ad_sets: [...]
  exposure: impressions                    # or clicks
  lookback_days: 90                        # 30, 60, 90 or 180; cannot be changed later
"""


DBT_MODEL = "dbt_model: {folder}                    # a model of the dbt project; or table: schema.table"
TABLE = "table: {table}                  # schema.table of the warehouse; or dbt_model: a model of the dbt project"


def audience_of_table(folder: str, table: str) -> str:
    """The YAML of a new audience whose people are in a table, to be adapted."""
    return _filled_in(CUSTOMER_LIST, "spotify_pipeline.CustomerListAudience", folder, TABLE.format(table=table))


def _filled_in(template: str, type_name: str, folder: str, segment: str) -> str:
    return template.format(
        type_name=type_name,
        name=folder.replace("_", " ").capitalize(),
        segment=segment,
        # A window is open now, and few before it are empty.
        week_ago=(datetime.now(UTC) - timedelta(days=7)).date().isoformat(),
    )


class AudienceScaffolder(dg.Scaffolder[Any]):
    """Writes an audience's YAML with its usual fields, to be adapted."""

    template: ClassVar[str] = CUSTOMER_LIST

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write `defs.yaml` into the audience's own folder.

        Raises:
            ValueError: Python, or a second audience in one file, was asked for: an audience is one YAML file.
        """
        if request.scaffold_format != "yaml" or request.append:
            raise ValueError(
                "An audience is one YAML file in a folder of its own. Leave --format out; name a new folder."
            )
        folder = request.target_path.name
        text = _filled_in(self.template, request.type_name, folder, DBT_MODEL.format(folder=folder))
        (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")


class WebEventAudienceScaffolder(AudienceScaffolder):
    """For an audience of people by their events."""

    template: ClassVar[str] = WEB_EVENTS


class AdEngagementAudienceScaffolder(AudienceScaffolder):
    """For an audience of people by the ads they heard or clicked."""

    template: ClassVar[str] = AD_ENGAGEMENT
