"""What `dg scaffold defs spotify_pipeline.CustomerListAudience audiences/NAME` writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dagster as dg

TEMPLATE = """\
type: {type_name}
attributes:
  name: {name}
  # description: Who they are, at most 80 characters
  segment:
    dbt_model: {folder}                    # a model of the dbt project; or table: schema.table
    consent_column: marketing_consent      # or consent: {{not_required: "the reason"}}
  identifiers:                             # keep what the segment has; a list of columns gives several rows
    email: email
    phone: {{column: phone, region_column: country}}
    device_id: device_id
  cadence: {{every: week, on: monday, at: "06:00", timezone: UTC, start: {today}}}
"""


class AudienceScaffolder(dg.Scaffolder[Any]):
    """Writes an audience's YAML with its usual fields, to be adapted."""

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
        text = TEMPLATE.format(
            type_name=request.type_name,
            name=folder.replace("_", " ").capitalize(),
            folder=folder,
            today=datetime.now(UTC).date().isoformat(),
        )
        (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")
