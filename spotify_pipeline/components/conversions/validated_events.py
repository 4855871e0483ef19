"""The asset of a feed's validated events: the rows of some days, validated, and kept in the feed's outbox.

No postponed annotations here: see `identifiers_asset`.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.conversions.checks import (
    accounts_result,
    accounts_spec,
    coverage_metadata,
    coverage_result,
    coverage_spec,
)
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.metadata import account_metadata, dead_letters_metadata, reading_metadata
from spotify_pipeline.components.conversions.reading import coverage, read_days
from spotify_pipeline.components.conversions.resources import Outboxes
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.components.sources import WAREHOUSE_POOL, read_suppressions


def validated_events_asset(feed: FeedDefinition) -> dg.AssetsDefinition:
    """The events of some days, each of which waits to be sent or is not sent for a stated reason."""

    @dg.asset(
        key=feed.validated_key,
        deps=list(dict.fromkeys([feed.events_key, *(each.asset_key for each in feed.suppressions)])),
        partitions_def=feed.partitions(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=feed.name,
        kinds={"polars"},
        pool=WAREHOUSE_POOL,
        check_specs=[accounts_spec(feed.validated_key), coverage_spec(feed.validated_key)],
        description=(
            f"The events of `{feed.relation}`, a day of {feed.config.timezone} a partition, as Spotify takes them: "
            "name, id, time and amount checked, identifiers normalized and hashed.\n\n"
            "A day can be read as often as one likes: an event that is known stays as it is, and only new ones are "
            f"added. {_consent_sentence(feed)}"
        ),
    )
    def validated_events(
        context: dg.AssetExecutionContext,
        spotify_warehouse: WarehouseResource,
        spotify_home: PipelineHome,
        spotify_outbox: Outboxes,
    ) -> Iterator[dg.MaterializeResult]:
        now = datetime.now(UTC)
        with sanitized_failures():
            days = {partition: feed.day(partition, now) for partition in context.partition_keys}
            with spotify_outbox.hold(feed, to_read=True) as held:
                suppressions = read_suppressions(feed.suppressions, spotify_warehouse, spotify_home.ledger)
                with spotify_warehouse.segment(feed.relation) as segment:
                    readings = read_days(feed, list(days.values()), segment, held, suppressions, now)
                    found = coverage(feed, segment, now)
                accounts = held.accounts([day.date for day in days.values()])
                of_day = {each.day: each for each in accounts}
                for partition, day in days.items():
                    reading = readings[day.date]
                    context.log.info(
                        "%s: %s rows, %s new events, %s known before.",
                        partition,
                        f"{reading.rows:,}",
                        f"{reading.new:,}",
                        f"{reading.known:,}",
                    )
                    shown = {
                        **account_metadata(of_day[day.date]),
                        **reading_metadata(reading),
                        **dead_letters_metadata(held.dead_letters(day.date)),
                    }
                    context.add_asset_metadata(shown, partition_key=partition)
        read = sum(each.rows for each in readings.values())
        reached = coverage_result(feed, found, read=read, with_today=any(day.is_open for day in days.values()))
        yield dg.MaterializeResult(
            metadata=coverage_metadata(found), check_results=[accounts_result(accounts), reached]
        )

    return validated_events


def _consent_sentence(feed: FeedDefinition) -> str:
    events = feed.config.events
    if events.consent is not None:
        return f"Consent is not asked for: {events.consent.not_required}"
    return f"Only events whose `{events.consent_column}` is yes are sent."
