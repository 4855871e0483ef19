"""The outbox: the state of every event, kept through crashes, in a file or in PostgreSQL."""

from spotify_pipeline.conversions.outbox.erasure_filter import filter_erased
from spotify_pipeline.conversions.outbox.model import (
    Claimed,
    DayAccount,
    DayVerdicts,
    ErasureFilter,
    Guarantee,
    Outbox,
    OutboxBusy,
    OutboxError,
    OutboxMissing,
    Reading,
    Settled,
    Stop,
)
from spotify_pipeline.conversions.outbox.opening import (
    kept_outboxes,
    open_outbox,
    view_outbox,
)
from spotify_pipeline.conversions.outbox.views import OutboxViews

__all__ = [
    "Claimed",
    "DayAccount",
    "DayVerdicts",
    "ErasureFilter",
    "Guarantee",
    "Outbox",
    "OutboxBusy",
    "OutboxError",
    "OutboxMissing",
    "OutboxViews",
    "Reading",
    "Settled",
    "Stop",
    "filter_erased",
    "kept_outboxes",
    "open_outbox",
    "view_outbox",
]
