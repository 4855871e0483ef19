"""Leaves out events of people who asked to be forgotten since their event was judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, cast

import polars as pl

from spotify_pipeline.conversions.delivery import Screen
from spotify_pipeline.conversions.outbox import Claimed
from spotify_pipeline.conversions.outbox_store import withheld
from spotify_pipeline.customer_list import DigestSet
from spotify_pipeline.identity import digest


def erased_screen(erased: Callable[[], DigestSet]) -> Screen:
    """Names the events whose body holds one of these digests, or a device id that has one in either letter case.

    Args:
        erased: is asked anew for each batch, as somebody may ask to be forgotten while a delivery is under way.
    """

    def named(events: Sequence[Claimed]) -> Collection[int]:
        digests = erased()
        if not len(digests):
            return ()
        with withheld("Looking for people who asked to be forgotten"):
            pairs = [(each.number, found) for each in events for found in _digests_or_ids(each.body)]
            held = pl.DataFrame(pairs, schema={"number": pl.Int64, "found": pl.String}, orient="row")
            # What is a digest already stays as it is.
            return set(held.filter(digests.holds(digest(held["found"])))["number"])

    return named


def _digests_or_ids(body: str) -> Iterator[str]:
    person = cast("dict[str, Any]", json.loads(body).get("user_data") or {})
    yield from person.get("hashed_emails") or ()
    if phone := person.get("hashed_phone_number"):
        yield phone
    if device := person.get("device_id"):
        yield device.lower()
        yield device.upper()
