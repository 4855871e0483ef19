"""Validates the rows of an events relation: what is sent and as what, what is not, and why.

Each row gets exactly one verdict, which depends on that row, the plan, the time and the suppressions alone.
"""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from spotify_pipeline.conversions.model import Column, Dead, FeedPlan, Filtered, OptOutPolicy, State
from spotify_pipeline.conversions.validation.event_details import categories, content_names, money
from spotify_pipeline.conversions.validation.event_ids import event_ids, keys
from spotify_pipeline.conversions.validation.event_names import event_names
from spotify_pipeline.conversions.validation.event_source import action_sources, urls
from spotify_pipeline.conversions.validation.event_times import event_times
from spotify_pipeline.conversions.validation.payload import LONG_TEXTS, bodies
from spotify_pipeline.conversions.validation.personal_texts import own_identifiers
from spotify_pipeline.conversions.validation.source_columns import require_columns, source_text
from spotify_pipeline.conversions.validation.user_data import IP_ADDRESS, parameters, unusable_identifiers, user_data
from spotify_pipeline.rows import Suppressions, withheld_errors
from spotify_pipeline.spotify_limits import LARGEST_EVENT

_FILTERED, _DEAD, _NOBODY = "filtered", "dead", "nobody"
_NO_SUPPRESSIONS = Suppressions()


def validate_events(
    rows: pl.DataFrame, plan: FeedPlan, *, now: datetime, suppressions: Suppressions = _NO_SUPPRESSIONS
) -> pl.DataFrame:
    """The verdicts on these rows, in their order, as ``VERDICTS`` says.

    Where several reasons apply, what somebody decided goes before what is wrong with the event, in
    this order: its name is not wanted, no consent, the person is suppressed or erased, opted out, it is too old. A dead
    letter's reason is the first in the order of ``Dead``; its ``fields`` name every parameter at fault.

    Args:
        rows: have the columns that the plan names; at most some 50,000 at a time, for memory holds all of them.
        plan: which column holds what, and what is done with events that are not sent.
        now: aware.
        suppressions: people who share a digest with one of these are not sent.

    Raises:
        EventsError: a column is missing, or holds lists or structures.
        RowsError: an identifier's column holds what cannot be read.
        ValueError: ``now`` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("The time at which events are validated needs a time zone.")
    require_columns(rows, plan.columns, lists=plan.identifier_columns)
    with withheld_errors("Validating the events"):
        now = now.astimezone(UTC)
        rows = rows.rechunk()
        found = _found(rows, plan, now, suppressions)
        found = found.with_columns(key=keys(rows, found["event_id"], plan.columns), body=bodies(found, now))
        return _verdicts(found.with_columns(_nobody(rows, found, plan)))


def _found(rows: pl.DataFrame, plan: FeedPlan, now: datetime, suppressions: Suppressions) -> pl.DataFrame:
    """What the rows hold, and why an event is not sent on purpose (``filtered``)."""
    own = own_identifiers(rows, plan)
    names = event_names(source_text(rows, plan.event_name), plan.names)
    times = event_times(rows[plan.event_time.column], plan.event_time)
    texts = {
        name: source_text(rows, Column(column) if isinstance(column, str) else column)
        for name, column in (
            ("content_given", plan.content_name),
            ("category_given", plan.content_category),
            ("url_given", plan.event_source_url),
            ("action_given", plan.action_source),
        )
    }
    found = pl.concat(
        [
            names,
            event_ids(rows, plan.event_id, own),
            _moments(times, plan, now),
            user_data(rows, plan, suppressions),
            money(rows, plan, names["event_name"]),
            pl.DataFrame(texts),
        ],
        how="horizontal",
    )
    in_future = pl.col("event_time") > now + plan.allowed_skew
    return found.with_columns(
        content_category=categories(texts["category_given"]),
        content_name=content_names(texts["content_given"], own),
        event_source_url=urls(texts["url_given"], own),
        action_source=action_sources(texts["action_given"]),
        time_fault=pl.when(in_future).then(pl.lit(Dead.TIME_IN_FUTURE.value)).otherwise("time_fault"),
        filtered=pl.when(~pl.col("wanted"))
        .then(_word(Filtered.NOT_WANTED))
        .when(~pl.col("agreed"))
        .then(_word(Filtered.NO_CONSENT))
        .when(pl.col("suppressed").is_not_null())
        .then("suppressed")
        .when(pl.col("opted_out") & (plan.opt_out_policy is OptOutPolicy.DROP))
        .then(_word(Filtered.OPTED_OUT))
        .when(pl.col("event_time") < now - plan.max_age)
        .then(_word(Filtered.TOO_OLD)),
    )


def _moments(times: pl.DataFrame, plan: FeedPlan, now: datetime) -> pl.DataFrame:
    """When each event happened, and what is at fault with its time."""
    if not plan.event_time.missing_is_now:
        return times.select("time_fault", event_time="at")
    missing = (pl.col("time_fault") == Dead.NO_TIME.value).fill_null(value=False)
    return times.select(
        time_fault=pl.when(~missing).then("time_fault"),
        event_time=pl.when(missing).then(pl.lit(now, pl.Datetime("us", "UTC"))).otherwise("at"),
    )


def _nobody(rows: pl.DataFrame, found: pl.DataFrame, plan: FeedPlan) -> pl.Series:
    """Of events without any usable identifier: the parameters at fault; null for all others."""
    named = [each.name for each in parameters().values()]
    none = found.select(pl.all_horizontal(pl.col(*named, IP_ADDRESS).is_null())).to_series()
    fields = pl.repeat(None, rows.height, dtype=pl.String, eager=True).alias(_NOBODY)
    return fields.scatter(none.arg_true(), unusable_identifiers(rows.filter(none), plan)) if none.any() else fields


def _faults() -> list[tuple[Dead, pl.Expr, pl.Expr]]:
    """Why an event cannot be sent, in the order of ``Dead``: the reason, whether it is so, and the parameters."""

    def unread(given: str, value: str) -> pl.Expr:
        return pl.col(given).is_not_null() & pl.col(value).is_null()

    def named(parameter: str) -> pl.Expr:
        return pl.lit(parameter)

    id_fault, time_fault = pl.col("id_fault"), pl.col("time_fault")
    amount_missing, currency_missing = pl.col("amount_missing"), pl.col("currency_missing")
    missing = pl.concat_str(
        pl.when(amount_missing).then(named("amount")),
        pl.when(currency_missing).then(named("currency")),
        separator=",",
        ignore_nulls=True,
    )
    too_large = pl.col("body").str.len_bytes() > LARGEST_EVENT
    return [
        (Dead.NO_EVENT_ID, id_fault == Dead.NO_EVENT_ID, named("event_id")),
        (Dead.EVENT_ID_UNUSABLE, id_fault == Dead.EVENT_ID_UNUSABLE, named("event_id")),
        (Dead.UNKNOWN_NAME, pl.col("event_name").is_null(), named("event_name")),
        (Dead.NO_TIME, time_fault == Dead.NO_TIME, named("event_time")),
        (Dead.TIME_UNREADABLE, time_fault == Dead.TIME_UNREADABLE, named("event_time")),
        (Dead.TIME_IN_FUTURE, time_fault == Dead.TIME_IN_FUTURE, named("event_time")),
        (Dead.NO_IDENTIFIER, pl.col(_NOBODY).is_not_null(), pl.col(_NOBODY)),
        (Dead.AMOUNT_UNUSABLE, pl.col("amount_unusable"), named("amount")),
        (Dead.AMOUNT_MISSING, amount_missing | currency_missing, missing),
        (Dead.CURRENCY_UNKNOWN, pl.col("currency_unknown"), named("currency")),
        (Dead.CATEGORY_UNUSABLE, unread("category_given", "content_category"), named("content_category")),
        (Dead.CONTENT_NAME_UNUSABLE, unread("content_given", "content_name"), named("content_name")),
        (Dead.URL_UNUSABLE, unread("url_given", "event_source_url"), named("event_source_url")),
        (Dead.TOO_LARGE, too_large, _longest()),
    ]


def _left_out() -> pl.Expr:
    """The parameters that an event is sent without, as their value cannot be used and Spotify needs none."""
    unknown = pl.col("action_given").is_not_null() & pl.col("action_source").is_null()
    return pl.when(unknown).then(pl.lit("action_source"))


def _longest() -> pl.Expr:
    """The name of the parameter with the longest text."""
    lengths = {name: pl.col(name).str.len_bytes().fill_null(0) for name in LONG_TEXTS}
    most = pl.max_horizontal(lengths.values())
    return pl.coalesce(*(pl.when(length == most).then(pl.lit(name)) for name, length in lengths.items()))


def _verdicts(found: pl.DataFrame) -> pl.DataFrame:
    faults = _faults()
    dead = pl.coalesce(*(pl.when(is_so).then(_word(reason)) for reason, is_so, _ in faults))
    at_fault = pl.concat_str(
        *(pl.when(is_so).then(fields) for _, is_so, fields in faults), separator=",", ignore_nulls=True
    )
    is_filtered, is_dead = pl.col(_FILTERED).is_not_null(), pl.col(_DEAD).is_not_null()
    state = (
        pl.when(is_filtered)
        .then(_word(State.FILTERED))
        .when(is_dead)
        .then(_word(State.DEAD))
        .otherwise(_word(State.PENDING))
    )
    return found.with_columns(dead.alias(_DEAD)).select(
        "key",
        "event_id",
        "event_name",
        "event_time",
        state=state,
        reason=pl.coalesce(_FILTERED, _DEAD),
        fields=pl.when(is_dead & ~is_filtered).then(at_fault).when(~is_filtered).then(_left_out()),
        body=pl.when(~is_dead & ~is_filtered).then("body"),
    )


def _word(word: Dead | Filtered | State) -> pl.Expr:
    return pl.lit(word.value)
