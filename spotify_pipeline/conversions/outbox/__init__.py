"""The outbox: what became of every event, kept through crashes, in a file or in PostgreSQL."""

from spotify_pipeline.conversions.outbox.erasure_filter import erased_screen
from spotify_pipeline.conversions.outbox.model import (
    Claimed,
    DayAccount,
    DayVerdicts,
    Guarantee,
    Outbox,
    OutboxBusy,
    OutboxError,
    OutboxMissing,
    Reading,
    Screen,
    Settled,
    Stop,
)
from spotify_pipeline.conversions.outbox.opening import (
    WAIT_FOR_OTHERS,
    WAIT_TO_LOOK,
    kept_outboxes,
    look_into,
    open_outbox,
)
from spotify_pipeline.conversions.outbox.views import OutboxViews

__all__ = [
    "WAIT_FOR_OTHERS",
    "WAIT_TO_LOOK",
    "Claimed",
    "DayAccount",
    "DayVerdicts",
    "Guarantee",
    "Outbox",
    "OutboxBusy",
    "OutboxError",
    "OutboxMissing",
    "OutboxViews",
    "Reading",
    "Screen",
    "Settled",
    "Stop",
    "erased_screen",
    "kept_outboxes",
    "look_into",
    "open_outbox",
]
