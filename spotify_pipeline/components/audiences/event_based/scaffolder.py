"""What `dg scaffold defs` writes for an audience that Spotify fills."""

from __future__ import annotations

from typing import Any, ClassVar

import dagster as dg

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


class EventAudienceScaffolder(dg.Scaffolder[Any]):
    """Writes an audience's YAML with its usual fields, to be adapted."""

    template: ClassVar[str]

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write `defs.yaml` into the audience's own folder.

        Raises:
            ValueError: Python, or a second audience in one file, was asked for: an audience is one YAML file.
        """
        if request.scaffold_format != "yaml" or request.append:
            raise ValueError(
                "An audience is one YAML file in a folder of its own. Leave --format out; name a new folder."
            )
        name = request.target_path.name.replace("_", " ").capitalize()
        text = self.template.format(type_name=request.type_name, name=name)
        (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")


class WebEventAudienceScaffolder(EventAudienceScaffolder):
    """Of people by their events."""

    template: ClassVar[str] = WEB_EVENTS


class AdEngagementAudienceScaffolder(EventAudienceScaffolder):
    """Of people by the ads they heard or clicked."""

    template: ClassVar[str] = AD_ENGAGEMENT
