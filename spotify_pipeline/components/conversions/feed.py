"""One feed of the configuration: the keys of its assets, its days, and the plans that its runs follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import dagster as dg

from spotify_pipeline.components.conversions.config import FeedConfig
from spotify_pipeline.components.sources import SuppressionSource
from spotify_pipeline.conversions import Day, DayAccount, DeliveryPlan, FeedPlan, OptOutPolicy, TimeSource
from spotify_pipeline.rows import IdentifierPlan
from spotify_pipeline.warehouse import Relation


@dataclass(frozen=True)
class FeedDefinition:
    """One feed of the configuration, with everything it refers to looked up."""

    name: str
    """The folder's name."""
    config: FeedConfig
    events_key: dg.AssetKey
    relation: Relation
    suppressions: tuple[SuppressionSource, ...] = ()
    """Whose events are not sent: the lists of everybody, and this feed's own."""
    project: str = ""
    """The project's name: the runs of an instance may also be of other projects."""

    @property
    def validated_key(self) -> dg.AssetKey:
        """The asset of events that were read and validated."""
        return self._key("validated_events")

    @property
    def delivery_key(self) -> dg.AssetKey:
        """The asset that is the events at Spotify."""
        return self._key("delivery")

    def _key(self, asset: str) -> dg.AssetKey:
        prefix = self.config.key_prefix
        return dg.AssetKey([*(prefix.split("/") if prefix else []), self.name, asset])

    @property
    def keys(self) -> list[dg.AssetKey]:
        """Its assets, in order."""
        return [self.validated_key, self.delivery_key]

    @property
    def token_variable(self) -> str | None:
        """The variable that holds its token; None where it is the connection's."""
        return self.config.token.env if self.config.token is not None else None

    @property
    def pool(self) -> str:
        """The concurrency pool of its delivery: feeds send at the same time, one feed does so once."""
        return f"spotify_conversions_{self.name}"

    @cached_property
    def plan(self) -> FeedPlan:
        """How its rows become events."""
        return _feed_plan(self.config)

    @cached_property
    def delivery_plan(self) -> DeliveryPlan:
        """How its events are sent."""
        return _delivery_plan(self.config)

    def partitions(self) -> dg.DailyPartitionsDefinition:
        """A partition for each day, today's among them."""
        return dg.DailyPartitionsDefinition(
            start_date=self.config.start.isoformat(), timezone=self.config.timezone, end_offset=1
        )

    def today(self, now: datetime) -> date:
        """The open day of its time zone at ``now``, an aware time."""
        return now.astimezone(ZoneInfo(self.config.timezone)).date()

    def day(self, partition: str, now: datetime) -> Day:
        """The day that a partition stands for."""
        return Day.of(date.fromisoformat(partition), self.config.timezone, now=now)

    def due(
        self, now: datetime, unfinished: Sequence[date] = (), accounts: Sequence[DayAccount] = ()
    ) -> tuple[date, date] | None:
        """The first and the last day that a run of its schedule reads; None before its first day.

        The late window counts from the oldest day that was not read to its end: where nothing ran for days, none of
        them is left out. Days whose events are too old to be sent are not made up for.

        Args:
            now: aware.
            unfinished: days with events that still wait; the range reaches back to the oldest of them.
            accounts: of the days that were read.
        """
        today = self.today(now)
        if today < self.config.start:
            return None
        made_up_for = self._made_up_for(now, accounts)
        return max(min([self._window_of(today), *made_up_for, *unfinished]), self.config.start), today

    def _window_of(self, day: date) -> date:
        """The first day whose events may still come late on that one."""
        start = datetime.combine(day, time(), ZoneInfo(self.config.timezone))
        return (start - self.config.late_window).date()

    def _made_up_for(self, now: datetime, accounts: Sequence[DayAccount]) -> list[date]:
        """The day to begin with, where a day since runs began was not read after its end.

        Runs began with the first day that was read soon enough to be read by one; where there is none, with the newest
        days in a row that are as many as a run reads. A day that was backfilled alone says nothing of the days behind
        it: nobody may want them.
        """
        read_at = {each.day: each.read_at for each in accounts if each.read_at is not None}
        followed = [each.day for each in accounts if self._was_read_in_time(each)]
        if not followed and (stretch := self._newest_stretch(sorted(read_at))):
            followed = stretch
        if not followed:
            return []
        first = max(min(followed), self.today(now - max(self.config.max_age, self.config.late_window)))
        days = [first + timedelta(days=count) for count in range((self.today(now) - first).days)]
        unread = (day for day in days if day not in read_at or read_at[day] < self._end_of(day))
        return [max(first, self._window_of(day)) for day in unread][:1]

    def _was_read_in_time(self, account: DayAccount) -> bool:
        first = account.first_read_at
        return first is not None and first <= self._end_of(account.day) + self.config.late_window + timedelta(days=1)

    def _newest_stretch(self, days: Sequence[date]) -> list[date]:
        """The newest of these days that follow each other and are as many as a scheduled run reads."""
        stretch: list[date] = []
        for day in reversed(days):
            if stretch and (stretch[-1] - day).days != 1:
                if len(stretch) > self.config.late_window.days:
                    break
                stretch = []
            stretch.append(day)
        return stretch if len(stretch) > self.config.late_window.days else []

    def _end_of(self, day: date) -> datetime:
        return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(self.config.timezone))

    def forgets_before(self, now: datetime) -> date:
        """The first day whose events are still known one by one."""
        return self.today(now) - timedelta(days=self.config.retain.events.days)


def _feed_plan(config: FeedConfig) -> FeedPlan:
    """Which columns of the events hold which parameters, and what is done with events that are not sent."""
    stated, opt_out = config.identifiers, config.opt_out
    return FeedPlan(
        event_name=config.event_name.source,
        names=config.event_name.mapping,
        event_id=config.event_id.source,
        event_time=TimeSource(
            column=config.event_time.column,
            zone=config.timezone,
            unit=config.event_time.unit,
            missing_is_now=config.event_time.missing == "now",
        ),
        identifiers=IdentifierPlan(identifiers=stated.by_type()) if stated is not None else None,
        ip_address=config.ip_address,
        amount=config.amount,
        currency=config.currency.source if config.currency is not None else None,
        content_name=config.content_name,
        content_category=config.content_category,
        event_source_url=config.event_source_url,
        action_source=config.action_source.source if config.action_source is not None else None,
        consent_column=config.events.consent_column,
        opt_out_column=opt_out.column if opt_out is not None else None,
        opt_out_policy=opt_out.policy if opt_out is not None else OptOutPolicy.FLAG,
        purchase_needs_amount=config.purchase_without_amount == "refuse",
        max_age=config.max_age,
    )


def _delivery_plan(config: FeedConfig) -> DeliveryPlan:
    """How events are sent."""
    stated = config.delivery
    return DeliveryPlan(
        batch_events=stated.batch, guarantee=stated.guarantee, taken_answers=tuple(stated.taken_answers)
    )
