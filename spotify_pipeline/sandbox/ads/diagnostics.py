"""The diagnostics of a data set: how many events arrived at it, by hour and by day."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from starlette.requests import Request

from spotify_pipeline.sandbox.ads.errors import invalid
from spotify_pipeline.sandbox.ads.responses import SIGNAL_NAMES, seen_until
from spotify_pipeline.sandbox.config import DAY, HOUR
from spotify_pipeline.sandbox.store import Bucket, CapiConnection, Dataset, SandboxState

DIAGNOSTICS_QUERY = frozenset({"granularities", "datasource_ids"})
GRANULARITIES = {"HOURLY": HOUR, "DAILY": DAY}
"""Their lengths, in seconds."""


def granularities_of(request: Request) -> list[str]:
    """The granularities that are asked for, each once.

    Raises:
        ApiError: 400 where none is named, or one that does not exist.
    """
    wanted = list(dict.fromkeys(request.query_params.getlist("granularities")))
    if not wanted or not set(wanted) <= set(GRANULARITIES):
        raise invalid("GRANULARITIES", f"granularities must hold {' or '.join(GRANULARITIES)}")
    return wanted


def diagnostics_response(
    state: SandboxState, dataset: Dataset, granularities: Collection[str], datasource_ids: Collection[str]
) -> dict[str, object]:
    """The document's ``DiagnosticsResponse``. An id is an integration's; none means all."""
    sources = [
        _datasource(state, dataset, connection, granularity)
        for connection in _connections(state, dataset)
        for granularity in granularities
        if not datasource_ids or connection.integration_id in datasource_ids
    ]
    pixels: list[dict[str, object]] = [
        {
            "datasource_type": "PIXEL",
            "datasource_id": pixel.integration_id,
            "granularity": granularity,
            "timeseries": [],
        }
        for pixel in state.pixels.of(dataset.id)
        for granularity in granularities
        if not datasource_ids or pixel.integration_id in datasource_ids
    ]
    return {"dataset_id": dataset.id, "datasources": [*sources, *pixels]}


def _connections(state: SandboxState, dataset: Dataset) -> list[CapiConnection]:
    """The connection of the data set, and those that sent to it before they moved on."""
    earlier = {tally.connection_id for tally in state.events.tallies(dataset.id)}
    return [one for one in state.capi_connections.all() if one.dataset_id == dataset.id or one.id in earlier]


def _datasource(
    state: SandboxState, dataset: Dataset, connection: CapiConnection, granularity: str
) -> dict[str, object]:
    buckets = state.events.buckets(dataset.id, GRANULARITIES[granularity], seen_until(state))
    own = [bucket for bucket in buckets if bucket.connection_id == connection.id]
    return {
        "datasource_type": "CAPI",
        "datasource_id": connection.integration_id,
        "granularity": granularity,
        "timeseries": [_period(list(group)) for _, group in groupby(own, key=lambda bucket: bucket.start)],
    }


def _period(buckets: list[Bucket]) -> dict[str, object]:
    return {
        "total": sum(bucket.events for bucket in buckets),
        "timestamp": int(buckets[0].start.timestamp()) * 1000,
        "event_counts": [
            {
                "name": SIGNAL_NAMES.get(bucket.name, bucket.name),
                "event_count": bucket.events,
                "last_activity_ms": int(bucket.last_at.timestamp()) * 1000,
            }
            for bucket in buckets
        ],
    }
