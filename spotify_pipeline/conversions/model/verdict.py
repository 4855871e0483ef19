"""What is made of one row: it waits to be sent, or it is not sent, and why."""

from __future__ import annotations

from enum import StrEnum

import polars as pl


class State(StrEnum):
    """Where an event stands. Every event that was read is in exactly one of these."""

    PENDING = "pending"
    """It is to be sent."""
    SENDING = "sending"
    """It is on its way; counted as pending."""
    DELIVERED = "delivered"
    """Spotify accepted it."""
    FILTERED = "filtered"
    """It is not sent, as somebody decided: the person, the policy, or the YAML."""
    DEAD = "dead"
    """It cannot be sent as it is: a dead letter. It can be replayed after a fix."""


class Filtered(StrEnum):
    """Why an event is not sent on purpose."""

    NO_CONSENT = "no_consent"
    SUPPRESSED = "suppressed"
    ERASED = "erased"
    OPTED_OUT = "opted_out"
    NOT_WANTED = "not_wanted"
    """The YAML maps its name to nothing. Such a row is no event of its id: it is only counted."""
    TOO_OLD = "too_old"
    REPEATED = "repeated"
    """The relation has another row with its id; that one counts."""
    WITHDRAWN = "withdrawn"
    """It was not sent yet, and its row is gone."""


class Dead(StrEnum):
    """Why an event cannot be sent."""

    NO_EVENT_ID = "no_event_id"
    EVENT_ID_UNUSABLE = "event_id_unusable"
    UNKNOWN_NAME = "unknown_name"
    NO_TIME = "no_time"
    TIME_UNREADABLE = "time_unreadable"
    TIME_IN_FUTURE = "time_in_future"
    NO_IDENTIFIER = "no_identifier"
    AMOUNT_UNUSABLE = "amount_unusable"
    AMOUNT_MISSING = "amount_missing"
    """A purchase without an amount, or with an amount but no currency."""
    CURRENCY_UNKNOWN = "currency_unknown"
    CATEGORY_UNUSABLE = "category_unusable"
    CONTENT_NAME_UNUSABLE = "content_name_unusable"
    """It holds personal data, which would be sent as it stands."""
    URL_UNUSABLE = "url_unusable"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    """Spotify refused it, sent alone (400)."""
    UNCONFIRMED = "unconfirmed"
    """It was sent once, no answer came, and the feed sends at most once."""


DECIDED_BY_SPOTIFY = frozenset({Dead.REFUSED, Dead.UNCONFIRMED})
"""Dead letters that only a replay validates again; the others are validated again whenever their row is read."""

VERDICTS = {
    "key": pl.String,
    "event_id": pl.String,
    "event_name": pl.String,
    "event_time": pl.Datetime("us", "UTC"),
    "state": pl.String,
    "reason": pl.String,
    "fields": pl.String,
    "body": pl.String,
}
"""Columns of a frame of verdicts, a row for each row that was validated, in its order.

``key`` is never null and names the event in the outbox: its id, or ``row:`` and a SHA-256 of the row where it has none.
``state`` is pending, filtered or dead. ``fields`` names the parameters at fault, with commas, and never holds a value;
in pending rows those that are left out, as the event can be sent without them.
``body`` is the event as JSON, as Spotify accepts it, in pending rows only.
"""
