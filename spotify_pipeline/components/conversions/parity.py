"""Compares what was delivered with what Spotify says it received, hour by hour: the check `parity`.

Spotify's diagnostics count what came in through a connection, so the feeds that share one are added up.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl

from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.resources import Outboxes, SpotifyConversions
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.resources import SpotifyAdsResource
from spotify_pipeline.conversions import OutboxError, OutboxMissing, Parity, compare
from spotify_pipeline.printable import printable
from spotify_pipeline.spotify import CallRecord, ReceivedEvents, SpotifyAdsClient, SpotifyError
from spotify_pipeline.state import StateError

PARITY = "parity"
COMPARED = timedelta(hours=24)
"""How far back hours are compared."""
FROM_CONNECTIONS = "CAPI"
NOTHING = pl.DataFrame(schema={"hour": pl.Datetime("us", "UTC"), "event_name": pl.String, "events": pl.Int64})


def parity_check(feed: FeedDefinition, feeds: Sequence[FeedDefinition]) -> dg.AssetChecksDefinition:
    """A check that asks Spotify what it received. It can be run at any time, by itself, and changes nothing.

    Args:
        feed: that is checked.
        feeds: all of the project, as some may share its connection.
    """

    @dg.asset_check(
        asset=feed.delivery_key,
        name=PARITY,
        description="Spotify's diagnostics show as many events of each hour of the last day as were delivered. Hours "
        "younger than 20 minutes are left out, for Spotify counts that much later.",
    )
    def parity(
        context: dg.AssetCheckExecutionContext,
        spotify_outbox: Outboxes,
        spotify_conversions: SpotifyConversions,
        spotify_ads: SpotifyAdsResource,
    ) -> dg.AssetCheckResult:
        def on_call(call: CallRecord) -> None:
            context.log.info(str(call))

        now = datetime.now(UTC)
        since = (now - COMPARED).replace(minute=0, second=0, microsecond=0)
        with sanitized_failures():
            try:
                connection = spotify_conversions.settings(feed).require_connection_id()
                sharing = [each for each in feeds if spotify_conversions.settings(each).connection_id == connection]
                delivered = pl.concat([_delivered(each, spotify_outbox, since, now) for each in sharing])
                with spotify_ads.client(on_call) as client:
                    received = received_events(client, connection)
            except (SpotifyError, OutboxError, StateError) as error:
                return _not_compared(printable(str(error)))
        if received is None:
            return _not_compared(
                f"The sign-in of this deployment sees no data set of the connection {connection}. Sign in as somebody "
                "who sees its business, or correct connection_id."
            )
        counted = [(each.hour, each.event_name, each.events) for each in received if each.hour >= since]
        return parity_result(compare(delivered, counted, now=now), [each.name for each in sharing])

    return parity


def received_events(client: SpotifyAdsClient, connection_id: str) -> list[ReceivedEvents] | None:
    """What Spotify received through a connection, by hour; None where its data set is not found."""
    found = client.find_capi_connection(connection_id)
    if found is None:
        return None
    business, dataset = found
    return [
        each for each in client.diagnostics(business.id, dataset.id) if each.datasource_type.upper() == FROM_CONNECTIONS
    ]


def parity_result(parity: Parity, feeds: Sequence[str]) -> dg.AssetCheckResult:
    """The comparison as a check's result, with its bars."""
    said = f"{parity.delivered:,} events delivered, {parity.received:,} received by Spotify"
    together = f" (the feeds {' and '.join(feeds)} together, as they share a connection)" if len(feeds) > 1 else ""
    advice = (
        ""
        if parity.agrees
        else ". Look at the hours that differ below. More received than delivered: another sender uses this "
        "connection, or events were sent again after their answer was lost. Fewer: Spotify may still count; if it "
        "lasts for hours, ask Spotify's support"
    )
    return dg.AssetCheckResult(
        passed=parity.agrees,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{said}{together}{advice}.",
        metadata={
            "delivered": dg.IntMetadataValue(parity.delivered),
            "received": dg.IntMetadataValue(parity.received),
            "by hour": dg.MarkdownMetadataValue(parity.plot()),
        },
    )


def _delivered(feed: FeedDefinition, outbox: Outboxes, since: datetime, until: datetime) -> pl.DataFrame:
    try:
        with outbox.look(feed) as opened:
            return opened.delivered_by_hour(since, until)
    except OutboxMissing:
        return NOTHING


def _not_compared(sentence: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=False, severity=dg.AssetCheckSeverity.WARN, description=f"Not compared. {sentence}"
    )
