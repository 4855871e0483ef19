"""The second half of the demo: send a day of the web shop's events, and compare with Spotify's own count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg
from rich.table import Table

from spotify_pipeline.components import SpotifyAdsResource
from spotify_pipeline.components.conversions import FeedDefinition, Outboxes, received_events
from spotify_pipeline.conversions import DayAccount
from spotify_pipeline.demo.raw_tables import DEFAULT_AS_OF
from spotify_pipeline.sandbox import DEFAULTS

DAY = DEFAULT_AS_OF - timedelta(days=1)
"""The last whole day of the generated events."""
COLUMNS = ("feed", "day", "read", "delivered", "filtered", "dead", "pending")
SendDay = Callable[[FeedDefinition, date], str | None]
"""Materializes a day of a feed; why that failed, or None."""


@dataclass(frozen=True, kw_only=True)
class DemoFeed:
    """The result of one feed.

    Attributes:
        feed: its name.
        accounts: of every day that was ever read.
        failure: what went wrong, if anything did.
        skipped: why nothing was sent, if that is intended.
    """

    feed: str
    accounts: Sequence[DayAccount] = ()
    failure: str | None = None
    skipped: str | None = None

    @property
    def delivered(self) -> int:
        """Events that Spotify accepted, of all days."""
        return sum(each.delivered for each in self.accounts)

    @property
    def succeeded(self) -> bool:
        """Whether it was sent and accounted for, or skipped for a stated reason."""
        if self.skipped is not None:
            return True
        whole = bool(self.accounts) and all(each.adds_up and not each.pending for each in self.accounts)
        return self.failure is None and whole and self.delivered > 0


def sent(feed: FeedDefinition, send: SendDay) -> DemoFeed:
    """Send a day of a feed to the demo's Spotify."""
    if feed.config.connection_id not in (None, DEFAULTS.capi_connection_id):
        return DemoFeed(feed=feed.name, skipped="Skipped: its YAML names a real connection.")
    if feed.config.events.table is not None:
        return DemoFeed(
            feed=feed.name, skipped="Skipped: it reads a table, and the demo's warehouse has only the dbt models."
        )
    if not feed.config.start <= DAY:
        return DemoFeed(feed=feed.name, skipped=f"Skipped: it starts after {DAY}, the day that the demo sends.")
    failure = send(feed, DAY)
    if failure is not None:
        return DemoFeed(feed=feed.name, failure=failure)
    with Outboxes().look(feed) as outbox:
        return DemoFeed(feed=feed.name, accounts=outbox.accounts())


def counted_by_spotify() -> int:
    """Events that the diagnostics show for the demo's connection, over all hours."""
    with SpotifyAdsResource().client() as client:
        return sum(each.events for each in received_events(client, DEFAULTS.capi_connection_id) or [])


def feeds_table(feeds: Sequence[DemoFeed]) -> Table:
    """A line for each day of each feed."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("feed", "day") else "right", no_wrap=True)
    for each in feeds:
        for account in each.accounts:
            table.add_row(*_cells(each.feed, account))
    return table


def feed_notes(feeds: Sequence[DemoFeed]) -> list[str]:
    """Why events were filtered or are dead, and why a feed was skipped or failed."""
    notes = [f"{each.feed}: {each.skipped or each.failure}" for each in feeds if each.skipped or each.failure]
    for each in feeds:
        for account in each.accounts:
            for what, reasons in (("filtered", account.filtered), ("dead", account.dead)):
                if reasons:
                    shown = ", ".join(f"{name} {count:,}" for name, count in sorted(reasons.items()))
                    notes.append(f"{each.feed}, {account.day}, {what}: {shown}")
    return notes


def _cells(feed: str, account: DayAccount) -> tuple[str, ...]:
    counts = (account.read, account.delivered, sum(account.filtered.values()), sum(account.dead.values()))
    return (feed, account.day.isoformat(), *(f"{count:,}" for count in (*counts, account.pending)))


def feed_assets(feed: FeedDefinition) -> list[dg.AssetKey]:
    """The assets of a feed."""
    return [feed.validated_key, feed.delivery_key]
