"""Whoever can be read in a suppression is in no list, in whatever way either of the two spells or hashes them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import Layout, build_customer_list, digests_of, write_identifiers
from spotify_pipeline.identity import DeviceId, DeviceIdCase, Email, Phone, identifier_types
from spotify_pipeline.rows import IdentifierColumns, IdentifierPlan, Suppressions, Tally, row_identifiers
from spotify_pipeline_tests.customer_list.making import NOW
from spotify_pipeline_tests.examples import examples

PEOPLE, SUPPRESSED = 6, 3
EMAIL, PHONE, DEVICE = "email", "phone", "device_id"
NORMALIZED: Mapping[str, Callable[[int], str]] = {
    EMAIL: "person{}@example.com".format,
    PHONE: "+4670174060{}".format,
    DEVICE: "ea7583cd-a667-48bc-b806-42ecb2b4860{}".format,
}


def sha(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


SPELLED: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "hashed": sha,
    "hashed, digits in upper case": lambda value: sha(value).upper(),
    "JSON text": '"{}"'.format,
    "in apostrophes": "'{}'".format,
    "an array as text": '["{}"]'.format,
    "in braces": "{{{}}}".format,
    "with a byte order mark": "\ufeff{}".format,
    "with marks of direction": "\u200e{}\u200f".format,
    "with a no-break space": "\u00a0{}\u00a0".format,
    "through a float": lambda value: f"{value.removeprefix('+')}.0",
    "through a float of many digits": lambda value: f"{value[1]}.{value[2:]}E10",
    "in national form": lambda value: value.replace("+46", "0"),
    "without hyphens": lambda value: value.replace("-", ""),
    "with a comma after it": "{},".format,
    "hashed in upper case": lambda value: sha(value.upper()),
}


def table(kinds: frozenset[str], spelling: Callable[[str], str], people: int) -> pl.DataFrame:
    return pl.DataFrame(
        {kind: [spelling(NORMALIZED[kind](number)) for number in range(people)] for kind in sorted(kinds)}
    )


def plan(kinds: frozenset[str], case: DeviceIdCase) -> IdentifierPlan:
    columns = {
        EMAIL: IdentifierColumns(kind=Email(), columns=(EMAIL,)),
        PHONE: IdentifierColumns(kind=Phone(default_region="SE"), columns=(PHONE,)),
        DEVICE: IdentifierColumns(kind=DeviceId(case=case), columns=(DEVICE,)),
    }
    return IdentifierPlan(identifiers={kind: columns[kind] for kind in sorted(kinds)})


def readable(rows: pl.DataFrame, how: IdentifierPlan) -> dict[str, bool]:
    """Whether the values of each type are read as the people they are of: as somebody or, hashed, as their digest."""
    found = row_identifiers(rows, how, Tally(how.types))
    known = {
        kind: {
            spelled if hashed is None else hashed(spelled)
            for form in identifier_types()[kind].forms(
                pl.Series([NORMALIZED[kind](number) for number in range(PEOPLE)])
            )
            for spelled, hashed in product(form, (None, sha))
        }
        for kind in how.types
    }
    return {kind: found[kind].is_in(list(known[kind])).fill_null(value=False).all() for kind in how.types}


some_types = st.frozensets(st.sampled_from(list(identifier_types())), min_size=1)
spellings = st.sampled_from(sorted(SPELLED))
cases = st.sampled_from(("lower", "upper"))


@settings(max_examples=examples(8, 80))
@given(
    kinds=some_types,
    case=cases,
    spelled=spellings,
    out_kinds=some_types,
    out_case=cases,
    out_spelled=spellings,
    layout=st.sampled_from(Layout),
)
@example(
    kinds=frozenset({DEVICE}),
    case="upper",
    spelled="plain",
    out_kinds=frozenset({DEVICE}),
    out_case="lower",
    out_spelled="plain",
    layout=Layout.WIDE,
)
@example(
    kinds=frozenset({DEVICE}),
    case="upper",
    spelled="plain",
    out_kinds=frozenset({DEVICE}),
    out_case="lower",
    out_spelled="hashed",
    layout=Layout.LONG,
)
def test_w22_whoever_is_readable_in_a_suppression_is_in_no_list(
    kinds: frozenset[str],
    case: DeviceIdCase,
    spelled: str,
    out_kinds: frozenset[str],
    out_case: DeviceIdCase,
    out_spelled: str,
    layout: Layout,
) -> None:
    people, out = table(kinds, SPELLED[spelled], PEOPLE), table(out_kinds, SPELLED[out_spelled], SUPPRESSED)
    segment_plan, out_plan = plan(kinds, case), plan(out_kinds, out_case)
    of_people, of_suppressed = readable(people, segment_plan), readable(out, out_plan)
    # Two digests of one device id in either case have nothing in common that could be seen.
    hashed = [each for each in (spelled, out_spelled) if each.startswith("hashed")]
    assume(len(hashed) < 2 or len({each == "hashed in upper case" for each in hashed}) == 1)
    assume(any(of_people[kind] and of_suppressed[kind] for kind in kinds & out_kinds))
    found = digests_of([out], out_plan)
    with tempfile.TemporaryDirectory() as name:
        identifiers, path = Path(name) / "identifiers.parquet", Path(name) / "list" / "customer_list.csv"
        report = write_identifiers([people], segment_plan, identifiers)
        manifest = build_customer_list(
            identifiers,
            report,
            path,
            layout=layout,
            audience="people",
            snapshot="once",
            built_at=NOW,
            suppressions=Suppressions({"opted_out": found.digests}),
        )
        sent = path.read_text()
    assert (manifest.rows_dropped["suppressed"], manifest.suppressed) == (SUPPRESSED, {"opted_out": SUPPRESSED})
    for kind, number in product(kinds, range(SUPPRESSED)):
        for form in identifier_types()[kind].forms(pl.Series([NORMALIZED[kind](number)])):
            assert sha(form[0]) not in sent


@pytest.mark.parametrize("kind", identifier_types())
def test_w22_values_of_a_suppression_are_counted_by_type_and_reason(kind: str) -> None:
    zeroed = "00000000-0000-0000-0000-000000000000"
    values = [NORMALIZED[kind](1), "??", None, "", sha(""), "d41d8cd98f00b204e9800998ecf8427e" * 3, zeroed]
    found = digests_of([pl.DataFrame({kind: values})], plan(frozenset({kind}), "lower"))
    assert (found.rows, found.usable) == (len(values), {kind: 1})
    nobodys = 4 if kind is DEVICE else 3  # missing twice, the digest of nothing, and a device id that is everyone's
    assert sum(found.unusable[kind].values()) == len(values) - 1 - nobodys
