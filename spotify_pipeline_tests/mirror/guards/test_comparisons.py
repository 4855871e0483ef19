"""Guards that compare with the list before, at their limits and one beyond."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spotify_pipeline.mirror.guards import GuardFacts, GuardLimits, GuardName, History, Outcome, Twin
from spotify_pipeline_tests.mirror.guards.facts import blocking, blocks, compared, facts, finding, manifest

COMPARING = (
    GuardName.SHRINK,
    GuardName.GROWTH,
    GuardName.CHURN,
    GuardName.COLUMN_GONE,
    GuardName.SWAPPED,
    GuardName.SUPPRESSIONS,
)


def test_a_list_like_the_one_before_is_sent():
    assert blocking(compared(10_000, 10_000)) == set()


@pytest.mark.parametrize("about", [facts(), facts(history=History.MISSING)])
@pytest.mark.parametrize("guard", COMPARING)
def test_without_a_list_before_there_is_nothing_to_compare(about: GuardFacts, guard: GuardName):
    assert finding(about, guard).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("before", "now", "stopped"),
    [
        (100_000, 1_000, True),
        (10_000, 5_000, True),
        (10_000, 6_999, True),
        (10_000, 7_000, False),
        (10_000, 10_000, False),
        (10_000, 10_001, False),
        (0, 10_000, False),
    ],
)
def test_w02_a_list_that_shrank_is_blocked(before: int, now: int, stopped: bool):
    assert blocks(compared(now, before), GuardName.SHRINK) is stopped


@pytest.mark.parametrize("tenths", range(1, 10))
def test_w02_every_limit_is_exact(tenths: int):
    limits = GuardLimits(max_shrink=tenths / 10, max_growth=tenths / 10, max_churn=tenths / 10)
    change = 1_000 * tenths
    assert blocking(compared(10_000 - change, 10_000), limits) <= {GuardName.MINIMUM}
    assert blocks(compared(10_000 - change - 1, 10_000), GuardName.SHRINK, limits)
    assert blocking(compared(10_000 + change, 10_000), limits) == set()
    assert blocks(compared(10_000 + change + 1, 10_000), GuardName.GROWTH, limits)
    assert blocking(compared(10_000, 10_000, added=change, removed=change), limits) == set()
    assert blocks(compared(10_000, 10_000, added=change + 1, removed=change + 1), GuardName.CHURN, limits)


@pytest.mark.parametrize(
    ("before", "now", "stopped"),
    [(1_000, 10_000, True), (1_000, 3_001, True), (1_000, 3_000, False), (1_000, 400, False), (0, 1, True)],
)
def test_w04_a_list_that_grew_is_blocked(before: int, now: int, stopped: bool):
    assert blocks(compared(now, before), GuardName.GROWTH) is stopped


@pytest.mark.parametrize(
    ("added", "removed", "stopped"),
    [(10_000, 10_000, True), (6_001, 6_001, True), (6_000, 6_000, False), (10_000, 0, False), (0, 10_000, False)],
)
def test_w03_other_people_in_the_same_number_are_blocked(added: int, removed: int, stopped: bool):
    assert blocks(compared(10_000, 10_000, added=added, removed=removed), GuardName.CHURN) is stopped


def test_w03_the_exchange_is_a_share_of_the_shorter_list():
    limits = GuardLimits(max_churn=0.5)
    for before, now in ((8_000, 10_000), (10_000, 8_000)):
        assert not blocks(compared(now, before, added=4_000, removed=4_000), GuardName.CHURN, limits)
        assert blocks(compared(now, before, added=4_001, removed=4_001), GuardName.CHURN, limits)
        assert not blocks(compared(now, before, added=9_000, removed=4_000), GuardName.CHURN, limits)


def test_a_list_after_an_empty_one_exchanges_nobody():
    assert blocking(compared(10_000, 0)) == {GuardName.GROWTH}


@pytest.mark.parametrize(
    ("before", "now", "stopped"),
    [
        (8_000, 0, True),
        (8_000, 799, True),
        (8_000, 800, False),
        (500, 0, True),
        (500, 49, True),
        (500, 50, False),
        (499, 0, False),
        (0, 0, False),
    ],
)
def test_w07_an_identifier_that_nobody_has_any_more_is_blocked(before: int, now: int, stopped: bool):
    about = compared(
        manifest(digests={"email": 10_000, "phone": now}), manifest(digests={"email": 10_000, "phone": before})
    )
    assert blocks(about, GuardName.COLUMN_GONE) is stopped


@pytest.mark.parametrize(("rows", "phones", "stopped"), [(20_000, 1_599, True), (20_000, 1_600, False)])
def test_w07_what_is_left_of_an_identifier_is_a_share_of_the_rows(rows: int, phones: int, stopped: bool):
    about = compared(
        manifest(rows, digests={"email": rows, "phone": phones}),
        manifest(10_000, digests={"email": 10_000, "phone": 8_000}),
    )
    assert blocks(about, GuardName.COLUMN_GONE) is stopped


def test_w07_an_identifier_that_the_yaml_no_longer_names_is_blocked():
    about = compared(manifest(), manifest(digests={"email": 10_000, "phone": 8_000}))
    assert blocking(about) == {GuardName.COLUMN_GONE}


def test_an_identifier_that_is_new_is_not_gone():
    assert blocking(compared(manifest(digests={"email": 10_000, "phone": 8_000}), manifest())) == set()


def test_no_column_is_gone_from_an_empty_list():
    assert blocking(compared(0, 10_000)) == {GuardName.EMPTY, GuardName.MINIMUM, GuardName.SHRINK}


def test_w15_the_list_of_another_audience_is_blocked():
    twin = Twin(audience="subscribers", likeness=0.98, own_likeness=0.01)
    assert blocking(compared(10_000, 10_000, twin=twin)) == {GuardName.SWAPPED}
    assert finding(compared(10_000, 10_000), GuardName.SWAPPED).outcome is Outcome.PASSED


def test_w16_another_ad_account_than_before_is_blocked():
    assert blocking(facts(other_accounts=("acme",))) == {GuardName.AD_ACCOUNT}


def test_w08_a_lost_history_is_blocked_and_a_first_list_is_not():
    assert blocking(facts(history=History.MISSING)) == {GuardName.HISTORY}
    assert blocking(facts(history=History.FIRST)) == set()
    assert finding(compared(10_000, 10_000), GuardName.HISTORY).outcome is Outcome.PASSED


def test_w08_a_history_that_is_known_needs_its_list():
    with pytest.raises(ValueError, match="if, and only if"):
        facts(history=History.KNOWN)
    known = compared(10_000, 10_000)
    for other in (History.FIRST, History.MISSING):
        with pytest.raises(ValueError, match="if, and only if"):
            replace(known, history=other)


@pytest.mark.parametrize(
    ("before", "now", "stopped"),
    [
        ({"unsubscribed": 1_000}, {"unsubscribed": 500}, False),
        ({"unsubscribed": 1_000}, {"unsubscribed": 499}, True),
        ({"unsubscribed": 1_000}, {"unsubscribed": 1_200}, False),
        ({"unsubscribed": 1_000}, {"unsubscribed": 0}, True),
        ({"unsubscribed": 1_000}, {}, True),
        ({"unsubscribed": 1}, {"unsubscribed": 0}, True),
        ({"unsubscribed": 0}, {"unsubscribed": 0}, False),
        ({"unsubscribed": 0}, {}, True),
        ({"unsubscribed": 19}, {"unsubscribed": 1}, False),
        ({"unsubscribed": 20}, {"unsubscribed": 10}, False),
        ({"unsubscribed": 20}, {"unsubscribed": 9}, True),
        ({"unsubscribed": 1_000, "staff": 50}, {"unsubscribed": 1_000}, True),
        ({}, {"unsubscribed": 1_000}, False),
    ],
)
def test_p14_suppressions_that_are_gone_are_blocked(before: dict[str, int], now: dict[str, int], stopped: bool):
    about = compared(manifest(suppressions=now), manifest(suppressions=before))
    assert blocks(about, GuardName.SUPPRESSIONS) is stopped
    assert blocking(about) <= {GuardName.SUPPRESSIONS}
