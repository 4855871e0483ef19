"""Since when a run is under way: what was read before it may be outdated by the time it sends."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg


def started_at(context: dg.AssetExecutionContext) -> datetime:
    """When the run of this step began; now where Dagster does not say, so that everything counts as read before."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    began = record.start_time if record is not None else None
    return datetime.fromtimestamp(began, UTC) if began is not None else datetime.now(UTC)
