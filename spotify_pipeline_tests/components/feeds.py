"""Feeds for tests: their YAML, an events table, runs of days, and what can be read of them afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb

from spotify_pipeline.components.conversions.schedules import RANGE_END_TAG, RANGE_START_TAG
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline_tests.components.runs import QUIET

FEED = """
type: spotify_pipeline.ConversionFeed
attributes:
  events: {table: shop.orders, consent_column: agreed}
  event_name: {value: PURCHASE}
  event_id: order_id
  event_time: ordered_at
  identifiers: {email: email}
  amount: total
  currency: {value: SEK}
  start: 2026-01-01
  schedule: {every: hour}
"""
SMALL_BATCHES = FEED + "  delivery: {batch: 5}\n"
TABLE = (
    "CREATE TABLE shop.orders (order_id VARCHAR, ordered_at TIMESTAMPTZ, email VARCHAR, agreed BOOLEAN, "
    "opted_out BOOLEAN, total DECIMAL(12, 2))"
)


def days_ago(days: int, *, hour: int = 0, minute: int = 0) -> datetime:
    """A time of an earlier day, UTC; of today a moment that has passed already."""
    if not days:
        return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (datetime.now(UTC) - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)


def partition(days: int) -> str:
    """The partition of the day so many days ago."""
    return days_ago(days).date().isoformat()


def add_orders(environment: Path, *orders: tuple[object, ...]) -> None:
    """Rows of `shop.orders`: order_id, ordered_at, email, agreed, opted_out, total."""
    with duckdb.connect(str(environment / "warehouse" / "warehouse.duckdb")) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.execute("CREATE SCHEMA IF NOT EXISTS shop")
        connection.execute(TABLE.replace("TABLE shop", "TABLE IF NOT EXISTS shop"))
        if orders:
            connection.executemany("INSERT INTO shop.orders VALUES (?, ?, ?, ?, ?, ?)", list(orders))


def order(number: int, when: datetime | None, **changes: object) -> tuple[object, ...]:
    """A good order, but for what is changed."""
    row = {
        "order_id": f"order-{number}",
        "ordered_at": when,
        "email": f"person{number}@example.com",
        "agreed": True,
        "opted_out": False,
        "total": 100 + number,
        **changes,
    }
    return tuple(row.values())


class FeedRuns:
    """Definitions and an instance, to run a feed's days in."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance | None = None) -> None:
        self.definitions = definitions
        self.instance = instance or dg.DagsterInstance.ephemeral()

    def run(
        self,
        first: int = 0,
        last: int | None = None,
        *assets: str,
        feed: str = "orders",
        parity: bool = False,
        resources: dict[str, object] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """A run of the days from ``first`` days ago to ``last`` days ago, by default of one day, with its checks."""
        keys = {dg.AssetKey([feed, asset]) for asset in assets or ("validated_events", "delivery")}
        whole = self.definitions.resolve_implicit_global_asset_job_def()
        checks = {
            key
            for key in whole.asset_layer.asset_graph.asset_check_keys
            if key.asset_key in keys and (parity or key.name != "parity")
        }
        job = whole.get_subset(asset_selection=keys, asset_check_selection=checks)
        tags = {RANGE_START_TAG: partition(first), RANGE_END_TAG: partition(first if last is None else last)}
        return job.execute_in_process(
            instance=self.instance, tags=tags, raise_on_error=False, run_config=QUIET, resources=resources
        )


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, dict[str, object]]:
    """The metadata of an asset's days."""
    found: dict[str, dict[str, object]] = {}
    for event in result.get_asset_materialization_events():
        each = event.step_materialization_data.materialization
        if each.asset_key.path[-1] == asset:
            found[str(each.partition)] = {key: value.value for key, value in each.metadata.items()}
    return found


def account(result: dg.ExecuteInProcessResult, days: int = 0, asset: str = "delivery") -> dict[str, object]:
    """A day's account as a person sees it in the metadata."""
    metadata = shown(result, asset)[partition(days)]
    return {key: metadata[key] for key in ("read", "delivered", "pending", "filtered", "dead")}


def received(sandbox: SandboxServer) -> dict[str, dict[str, object]]:
    """What arrived at Spotify, by event id."""
    return {str(each["event_id"]): each for each in sandbox.state.events.page(0, 10_000)}
