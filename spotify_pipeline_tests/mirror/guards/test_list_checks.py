"""Guards that look at the list alone, at their limits and one beyond."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.guards import Outcome, guard_limits
from spotify_pipeline_tests.mirror.guards.facts import NOW, blocking, blocks, decided, facts, finding, manifest
from spotify_pipeline_tests.mirror.guards.names import GuardName

BOTH = {"email": 10_000, "phone": 10_000}


def test_a_good_first_list_is_sent():
    decision = decided(facts())
    assert decision.allowed
    assert not decision.overridden


def test_w01_an_empty_list_is_blocked():
    assert blocking(facts(0)) == {GuardName.EMPTY, GuardName.MINIMUM}
    assert blocking(facts(0), guard_limits(min_rows=0)) == {GuardName.EMPTY}


def test_w12_a_list_below_the_minimum_is_blocked():
    assert blocking(facts(999)) == {GuardName.MINIMUM}
    assert blocking(facts(1_000)) == set()
    assert blocking(facts(1), guard_limits(min_rows=1)) == set()


def with_rejects(
    email: dict[str, int], email_kept: int, phone: dict[str, int] | None = None, phone_kept: int = 0
) -> Manifest:
    return manifest(
        digests={"email": 10_000, "phone": 10_000},
        rejected={"email": email, "phone": phone or {}},
        values_kept={"email": email_kept, "phone": phone_kept},
    )


@pytest.mark.parametrize(
    ("about", "stopped"),
    [
        (with_rejects({"invalid": 2_000}, 8_000), False),
        (with_rejects({"invalid": 2_001}, 8_000), True),
        (with_rejects({"invalid": 1_000, "other_hash": 1_001}, 8_000), True),
        (with_rejects({"missing": 9_000}, 1_000), False),
        (with_rejects({"missing": 9_000, "invalid": 251}, 1_000), True),
        # One type goes bad behind another that is good, if there are enough values of it.
        (with_rejects({}, 10_000, {"no_region": 21}, 79), True),
        (with_rejects({}, 10_000, {"no_region": 20}, 80), False),
        (with_rejects({}, 10_000, {"no_region": 99}, 0), False),
        (with_rejects({}, 0), False),
        # All types together, each of too few values.
        (with_rejects({"invalid": 30}, 60, {"invalid": 10}, 80), True),
    ],
)
def test_w07_too_many_invalid_identifiers_are_blocked(about: Manifest, stopped: bool):
    assert blocks(facts(about), GuardName.INVALID) is stopped


def test_w07_a_column_of_arrays_as_text_is_said_to_be_one():
    about = manifest(rejected={"email": {"invalid": 30_000}}, arrays_as_text={"email": 29_000})
    sentence = finding(facts(about), GuardName.INVALID).sentence
    assert sentence is not None
    assert "Most values of email look like an array or JSON as text" in sentence
    fewer = manifest(rejected={"email": {"invalid": 30_000}}, arrays_as_text={"email": 20_000})
    assert "array" not in str(finding(facts(fewer), GuardName.INVALID).sentence)


@pytest.mark.parametrize(
    ("digests", "cells", "stopped"),
    [(1, 10_000, True), (100, 10_000, True), (101, 10_000, False), (1, 99, False), (1, 100, True), (2, 100, False)],
)
def test_w07_an_identifier_that_all_people_share_is_blocked(digests: int, cells: int, stopped: bool):
    both = {"email": 10_000, "phone": digests}
    about = manifest(digests=both, cells={"email": 10_000, "phone": cells}, values_kept={"email": 10_000})
    assert blocks(facts(about), GuardName.COLUMN_CONSTANT) is stopped


@pytest.mark.parametrize(("values", "stopped"), [(100, True), (99, False)])
def test_w07_it_is_blocked_too_where_equal_rows_were_removed_from_the_list(values: int, stopped: bool):
    about = manifest(
        1,
        rows_read=values,
        rows_kept=values,
        duplicates_removed=values - 1,
        values_kept={"email": values},
        rejected={},
    )
    assert blocks(facts(about), GuardName.COLUMN_CONSTANT) is stopped


@pytest.mark.parametrize("reason", ["suppressed", "over_limit"])
def test_people_kept_out_on_purpose_do_not_make_a_column_look_constant(reason: str):
    about = manifest(100, rows_dropped={reason: 9_900, "no_identifier": 7}, values_kept={"email": 10_000})
    assert not blocks(facts(about), GuardName.COLUMN_CONSTANT)
    without = manifest(100, rows_dropped={"no_consent": 9_900}, values_kept={"email": 10_000})
    assert blocks(facts(without), GuardName.COLUMN_CONSTANT)


@pytest.mark.parametrize(("counted", "stopped"), [(10_001, True), (9_999, True), (10_000, False), (None, False)])
def test_w05_a_partial_read_is_blocked(counted: int | None, stopped: bool):
    assert blocks(facts(manifest(source_rows=counted)), GuardName.PARTIAL_READ) is stopped


@pytest.mark.parametrize(
    ("age", "stopped"),
    [
        (timedelta(hours=48), False),
        (timedelta(hours=48, microseconds=1), True),
        (timedelta(0), False),
        (-timedelta(days=1), False),
        (-timedelta(days=1, microseconds=1), True),
        (None, True),
    ],
)
def test_w06_a_stale_segment_is_blocked(age: timedelta | None, stopped: bool):
    about = facts(manifest(source_updated_at=None if age is None else NOW - age))
    assert blocks(about, GuardName.STALE_SOURCE, guard_limits(max_source_age=timedelta(hours=48))) is stopped


def test_w06_no_age_is_asked_for_unless_the_yaml_does():
    very_old = facts(manifest(source_updated_at=NOW - timedelta(days=900)))
    assert finding(very_old, GuardName.STALE_SOURCE).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(("rows", "stopped"), [(0, False), (1, True), (10_000, True)])
def test_erased_people_are_blocked(rows: int, stopped: bool):
    assert blocks(facts(erased_rows=rows), GuardName.ERASED) is stopped


@pytest.mark.parametrize(("size", "split", "stopped"), [(1 << 30, False, False), ((1 << 30) + 1, False, True)])
def test_a_file_that_is_too_large_is_blocked(size: int, split: bool, stopped: bool):
    assert blocks(facts(manifest(bytes=size), split=split), GuardName.OVERSIZE) is stopped


def test_a_list_that_is_sent_in_parts_may_be_larger():
    assert not blocks(facts(manifest(bytes=(1 << 30) + 1), split=True), GuardName.OVERSIZE)
