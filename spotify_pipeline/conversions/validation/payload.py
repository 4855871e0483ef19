"""An event as JSON, as the Conversions API takes it: compact, absent values left out, keys always in one order."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from spotify_pipeline.conversions.validation.user_data import IP_ADDRESS, parameters
from spotify_pipeline.identity import EventParameter

LONG_TEXTS = ("event_id", "content_category", "content_name", "event_source_url")
"""Parameters that may make an event too large."""

_ESCAPES = {"\\": "\\\\", '"': '\\"'} | {chr(code): f"\\u{code:04x}" for code in range(0x20)}


def bodies(events: pl.DataFrame, now: datetime) -> pl.Series:
    """The body of each event that has an id, a name, a time and an identifier; null else.

    Args:
        events: the columns ``event_name``, ``event_id``, ``event_time`` (UTC), those of ``user_data`` and ``money``,
            ``content_category``, ``content_name``, ``event_source_url`` and ``action_source``.
        now: aware; later times are written as this, for Spotify demands the past.
    """
    text = {name: _text(name) for name in ("content_category", "content_name", "event_source_url", "action_source")}
    identifiers = [
        _member(each.name, _texts(each) if each.is_list else _text(each.name)) for each in parameters().values()
    ]
    user_data = _object(*identifiers, _member(IP_ADDRESS, _text(IP_ADDRESS)))
    details = _object(
        _member("currency", _text("currency")),
        _member("amount", pl.col("amount")),
        _member("content_category", text["content_category"]),
        _member("content_name", text["content_name"]),
    )
    members = [
        _member("event_name", _text("event_name")),
        _member("event_id", _text("event_id")),
        _member("event_time", _time(now)),
        _member("user_data", user_data),
        _member("event_details", details),
        _member("event_source_url", text["event_source_url"]),
        _member("action_source", text["action_source"]),
        _member("opt_out_targeting", pl.col("opted_out").cast(pl.String)),
    ]
    complete = pl.all_horizontal([member.is_not_null() for member in members[:4]])
    return events.select(body=pl.when(complete).then(_object(*members))).to_series()


def _object(*members: pl.Expr) -> pl.Expr:
    """An object of those members that are not null; null if none is."""
    joined = pl.concat_str(members, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then(pl.concat_str(pl.lit("{"), joined, pl.lit("}")))


def _member(name: str, value: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit(f'"{name}":'), value)


def _text(name: str) -> pl.Expr:
    return pl.concat_str(pl.lit('"'), _escaped(pl.col(name)), pl.lit('"'))


def _texts(parameter: EventParameter) -> pl.Expr:
    found = pl.col(parameter.name)
    # Nothing needs to be escaped in a digest.
    texts = found if parameter.hashed else found.list.eval(_escaped(pl.element()))
    return pl.when(found.is_not_null()).then(pl.format('["{}"]', texts.list.join('","')))


def _escaped(text: pl.Expr) -> pl.Expr:
    return text.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))


def _time(now: datetime) -> pl.Expr:
    at = pl.min_horizontal(pl.col("event_time"), pl.lit(now, pl.Datetime("us", "UTC")))
    in_the_past = pl.when(pl.col("event_time").is_not_null()).then(at)
    return pl.concat_str(pl.lit('"'), in_the_past.dt.to_string("%Y-%m-%dT%H:%M:%S%.3fZ"), pl.lit('"'))
