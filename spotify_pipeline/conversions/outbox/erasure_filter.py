"""Leaves out events of people who asked to be forgotten since their event was validated."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, cast

import polars as pl

from spotify_pipeline.conversions.outbox.model import Claimed, ErasureFilter, withheld
from spotify_pipeline.identity import digest, identifier_types
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
        for name, kind in identifier_types().items()
        for of_kind in [values.filter(pl.col("kind") == name)]
        for form in kind.forms(of_kind["value"])
    ]
    return pl.concat(of_each_kind)


def _identifiers(body: str) -> Iterator[tuple[str, str]]:
    person = cast("dict[str, Any]", json.loads(body).get("user_data") or {})
    for name, kind in identifier_types().items():
        if kind.parameter is not None and (found := person.get(kind.parameter.name)):
            yield from ((name, each) for each in (found if kind.parameter.is_list else [found]))
