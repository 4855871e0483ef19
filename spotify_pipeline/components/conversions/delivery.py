"""The asset that is a feed's events at Spotify: it sends what waits in the outbox, each event once.

No postponed annotations here: see `identifiers_asset`.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.conversions.checks import (
    accounts_result,
    accounts_spec,
    answers_result,
    answers_spec,
    dead_letters_result,
    dead_letters_spec,
)
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.guards import decide_sending, feed_guards_result, feed_guards_spec
from spotify_pipeline.components.conversions.metadata import account_metadata, dead_letters_metadata, report_metadata
from spotify_pipeline.components.conversions.reading import read_what_waits
from spotify_pipeline.components.conversions.resources import Outboxes, SpotifyConversions
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.components.run_log import DeliveryProgressLog, calls_metadata, new_call_log
from spotify_pipeline.components.run_start import started_at
from spotify_pipeline.conversions import (
    DayAccount,
    DeliveryReport,
    FeedHeld,
    FeedStopped,
    Outbox,
    active_stop,
    deliver,
    filter_erased,
)
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.spotify import CallRecord, ConversionsClient, UnknownSuccess


def delivery_asset(feed: FeedDefinition) -> dg.AssetsDefinition:
    """The events at Spotify: all that wait are sent, whichever day they are of, oldest first."""

    @dg.asset(
        key=feed.delivery_key,
        deps=[feed.validated_key],
        partitions_def=feed.partitions(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=feed.name,
        kinds={"spotify"},
        pool=feed.pool,
        check_specs=[
            accounts_spec(feed.delivery_key),
            dead_letters_spec(feed.delivery_key),
            feed_guards_spec(feed.delivery_key),
            answers_spec(feed.delivery_key),
        ],
        description=(
            f"The events of the feed {feed.name} at Spotify, sent {feed.config.schedule.in_words()}, "
            f"{feed.config.delivery.guarantee.value.replace('_', ' ')}.\n\n"
            "A run sends everything of the feed that waits, whichever day it is of, judged as of this run, and notes "
            "of each event that Spotify accepted it. An event that Spotify refuses becomes a dead letter and holds up "
            "no other."
        ),
    )
    def delivery(
        context: dg.AssetExecutionContext,
        spotify_home: PipelineHome,
        spotify_outbox: Outboxes,
        spotify_conversions: SpotifyConversions,
        spotify_warehouse: WarehouseResource,
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        now = datetime.now(UTC)
        calls, lines = new_call_log(), DeliveryProgressLog(context.log.info, context.log.warning)

        def on_call(call: CallRecord) -> None:
            calls(call)
            lines(call)

        def calls_shown() -> dict[str, dg.MetadataValue]:
            return calls_metadata(calls, retried=context.retry_number)

        with (
            sanitized_failures(retried=context.retry_number, metadata=calls_shown),
            spotify_outbox.hold(feed) as held,
        ):
            _read_again(feed, held, spotify_warehouse, spotify_home.ledger, context, now)
            sending = decide_sending(feed, held, spotify_home.approvals, now)
            report, forgotten, unknown = DeliveryReport(), 0, None
            # Neither a token nor a connection is needed where nothing is sent.
            if sending.waiting and not sending.holds:
                context.log.info("%s events wait to be sent.", f"{sending.waiting:,}")
                try:
                    with spotify_conversions.client(feed, on_call) as client:
                        report = _send(feed, held, client, spotify_home.ledger)
                except (FeedStopped, UnknownSuccess) as error:
                    unknown = error
            stop = active_stop(held, feed.delivery_plan)
            if not sending.holds:
                forgotten = held.forget_before(feed.forgets_before(now))
            everything = held.accounts()
            _show_days(feed, held, everything, context, now)
        if sending.holds:
            # The evaluation is stored although the step fails, so that the check shows why.
            yield feed_guards_result(sending)
            with sanitized_failures(metadata=calls_shown):
                raise FeedHeld(sending.sentence)
        if unknown is not None:
            yield answers_result(feed.name, stop)
            with sanitized_failures(metadata=calls_shown):
                raise unknown
        _say_what_was_done(context, report, forgotten)
        still_known = [each for each in everything if each.day >= feed.forgets_before(now)]
        yield dg.MaterializeResult(
            metadata={**report_metadata(report), **calls_shown()},
            check_results=[
                accounts_result(everything),
                dead_letters_result(feed.name, still_known, refused=report.refused),
                feed_guards_result(sending),
                answers_result(feed.name, stop),
            ],
        )

    return delivery


def _read_again(
    feed: FeedDefinition,
    outbox: Outbox,
    warehouse: WarehouseResource,
    ledger: ErasureLedger,
    context: dg.AssetExecutionContext,
    now: datetime,
) -> None:
    """Validate again what waits and was validated before this run."""
    for reading in read_what_waits(feed, outbox, warehouse, ledger, since=started_at(context), now=now):
        context.log.info(
            "%s was read again, as events of it waited: %s judged again, %s withdrawn.",
            reading.day,
            f"{reading.judged_again:,}",
            f"{reading.withdrawn:,}",
        )


def _show_days(
    feed: FeedDefinition,
    outbox: Outbox,
    accounts: Sequence[DayAccount],
    context: dg.AssetExecutionContext,
    now: datetime,
) -> None:
    """The account and the dead letters of each day of the run."""
    shown = {account.day: account for account in accounts}
    for partition in context.partition_keys:
        day = feed.day(partition, now).date
        account = shown.get(day, DayAccount(day=day, read=0, delivered=0, pending=0))
        of_day = {**account_metadata(account), **dead_letters_metadata(outbox.dead_letters(day))}
        context.add_asset_metadata(of_day, partition_key=partition)


def _send(feed: FeedDefinition, outbox: Outbox, client: ConversionsClient, ledger: ErasureLedger) -> DeliveryReport:
    """Send everything that waits, but for people who asked to be forgotten since their events were read."""
    return deliver(
        outbox,
        client.send,
        feed.delivery_plan,
        clock=lambda: datetime.now(UTC),
        erasure_filter=filter_erased(ledger.watched_digests()),
    )


def _say_what_was_done(context: dg.AssetExecutionContext, report: DeliveryReport, forgotten: int) -> None:
    dead, filtered = sum(report.dead.values()), sum(report.filtered.values())
    context.log.info(
        "Spotify accepted %s events in %s requests; %s became dead letters, %s were dropped at the last moment.",
        f"{report.delivered:,}",
        f"{report.calls:,}",
        f"{dead:,}",
        f"{filtered:,}",
    )
    if forgotten:
        context.log.info("%s events of older days are kept as totals only from now on.", f"{forgotten:,}")
