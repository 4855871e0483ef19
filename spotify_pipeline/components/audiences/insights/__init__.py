"""What spans a run or an audience: the plan of the next run, and the overlap of audiences."""

from spotify_pipeline.components.audiences.insights.overlap import (
    NO_ORPHANS,
    live_lists,
    overlap_definitions,
    overlap_key,
    overlap_rows,
)
from spotify_pipeline.components.audiences.insights.plan import (
    KEPT_OUT_COLUMNS,
    PLAN_COLUMNS,
    PlannedAction,
    plan_all,
    plan_job,
)

__all__ = [
    "KEPT_OUT_COLUMNS",
    "NO_ORPHANS",
    "PLAN_COLUMNS",
    "PlannedAction",
    "live_lists",
    "overlap_definitions",
    "overlap_key",
    "overlap_rows",
    "plan_all",
    "plan_job",
]
