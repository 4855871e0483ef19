"""Leaves out events of people who asked to be forgotten since their event was validated."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, cast

import polars as pl

from spotify_pipeline.conversions.outbox.model import Claimed, ErasureFilter
from spotify_pipeline.conversions.outbox.store import withheld
from spotify_pipeline.identity import IdentifierType, digest, in_every_form
from spotify_pipeline.rows import DigestSet


def filter_erased(erased: Callable[[], DigestSet]) -> ErasureFilter:
    """Names the events whose body holds one of these digests, or a device id that has one in either letter case.

    Args:
        erased: is called for each batch, because somebody may ask to be forgotten during a delivery.
    """

    def named(events: Sequence[Claimed]) -> Collection[int]:
        digests = erased()
        if not len(digests):
            return ()
        with withheld("Looking for people who asked to be forgotten"):
            held = identifiers_in((each.number, each.body) for each in events)
            return set(held.filter(digests.holds(held["hashed"]))["number"])

    return named


def identifiers_in(bodies: Iterable[tuple[int, str]]) -> pl.DataFrame:
    """Whose events these are: columns number, kind (of identifier) and hashed, in every form in which it may be known.

    Args:
        bodies: number and body of each event.
    """
    found = [(number, kind, value) for number, body in bodies for kind, value in _identifiers(body)]
    values = pl.DataFrame(found, schema={"number": pl.Int64, "kind": pl.String, "value": pl.String}, orient="row")
    of_each_kind = [
        of_kind.select("number", "kind", digest(form).alias("hashed"))  # what is a digest already stays as it is
        for kind in IdentifierType
        for of_kind in [values.filter(pl.col("kind") == kind.value)]
        for form in in_every_form(of_kind["value"], kind)
    ]
    return pl.concat(of_each_kind)


def _identifiers(body: str) -> Iterator[tuple[str, str]]:
    person = cast("dict[str, Any]", json.loads(body).get("user_data") or {})
    yield from ((IdentifierType.EMAIL.value, each) for each in person.get("hashed_emails") or ())
    if phone := person.get("hashed_phone_number"):
        yield IdentifierType.PHONE.value, phone
    if device := person.get("device_id"):
        yield IdentifierType.DEVICE_ID.value, device
