"""Warehouse events to Spotify's Conversions API: judged, kept in an outbox, delivered once, accounted for.

Nothing here knows of Dagster or of the warehouse: rows come in as data frames, events go out through a function.
"""

from spotify_pipeline.conversions.content import CURRENCIES
from spotify_pipeline.conversions.day import Day, TimeRange, places_of, range_of, rows_of
from spotify_pipeline.conversions.delivery import (
    DeliveryPlan,
    DeliveryReport,
    FeedRefused,
    FeedStopped,
    Send,
    deliver,
    standing_stop,
)
from spotify_pipeline.conversions.errors import EventsError
from spotify_pipeline.conversions.feed_guards import FeedDecision, FeedGuard, FeedHeld, FeedLimits, HeldDay
from spotify_pipeline.conversions.feed_guards import decide as judge_feed
from spotify_pipeline.conversions.judge import judge
from spotify_pipeline.conversions.open_outbox import (
    WAIT_FOR_OTHERS,
    WAIT_TO_LOOK,
    kept_outboxes,
    look_into,
    open_outbox,
)
from spotify_pipeline.conversions.outbox import (
    Claimed,
    DayAccount,
    DayVerdicts,
    Guarantee,
    Outbox,
    OutboxBusy,
    OutboxError,
    OutboxMissing,
    Reading,
    Settled,
    Stop,
)
from spotify_pipeline.conversions.outbox_views import OutboxViews
from spotify_pipeline.conversions.parity import Parity, compare
from spotify_pipeline.conversions.plan import (
    Column,
    Constant,
    EventIdSource,
    FeedPlan,
    OptOutPolicy,
    Source,
    TimeSource,
    TimeUnit,
)
from spotify_pipeline.conversions.screen import erased_screen
from spotify_pipeline.conversions.time_units import unit_meant
from spotify_pipeline.conversions.verdict import VERDICTS, Dead, Filtered, State

__all__ = [
    "CURRENCIES",
    "VERDICTS",
    "WAIT_FOR_OTHERS",
    "WAIT_TO_LOOK",
    "Claimed",
    "Column",
    "Constant",
    "Day",
    "DayAccount",
    "DayVerdicts",
    "Dead",
    "DeliveryPlan",
    "DeliveryReport",
    "EventIdSource",
    "EventsError",
    "FeedDecision",
    "FeedGuard",
    "FeedHeld",
    "FeedLimits",
    "FeedPlan",
    "FeedRefused",
    "FeedStopped",
    "Filtered",
    "Guarantee",
    "HeldDay",
    "OptOutPolicy",
    "Outbox",
    "OutboxBusy",
    "OutboxError",
    "OutboxMissing",
    "OutboxViews",
    "Parity",
    "Reading",
    "Send",
    "Settled",
    "Source",
    "State",
    "Stop",
    "TimeRange",
    "TimeSource",
    "TimeUnit",
    "compare",
    "deliver",
    "erased_screen",
    "judge",
    "judge_feed",
    "kept_outboxes",
    "look_into",
    "open_outbox",
    "places_of",
    "range_of",
    "rows_of",
    "standing_stop",
    "unit_meant",
]
