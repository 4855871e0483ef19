"""Guards that compare with the list before, at their limits and one beyond."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spotify_pipeline.customer_list import TypeChange
from spotify_pipeline.mirror.guards import (
    GuardFacts,
    History,
    Outcome,
    PreviousList,
    SentLately,
    Twin,
    guard_limits,
)
from spotify_pipeline_tests.mirror.guards.facts import blocking, blocks, compared, facts, finding, manifest
from spotify_pipeline_tests.mirror.guards.names import GuardName

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
    limits = guard_limits(max_shrink=tenths / 10, max_growth=tenths / 10, max_churn=tenths / 10)
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
    limits = guard_limits(max_churn=0.5)
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
        (8_000, 880, True),
        (8_000, 5_599, True),
        (8_000, 5_600, False),
        (500, 0, True),
        (500, 349, True),
        (500, 350, False),
        (499, 0, False),
        (0, 0, False),
    ],
)
def test_w07_an_identifier_that_nobody_has_any_more_is_blocked(before: int, now: int, stopped: bool):
    about = compared(
        manifest(digests={"email": 10_000, "phone": now}), manifest(digests={"email": 10_000, "phone": before})
    )
    assert blocks(about, GuardName.COLUMN_GONE) is stopped


@pytest.mark.parametrize(
    ("rows", "phones", "stopped"),
    [(20_000, 5_599, True), (20_000, 5_600, False), (6_000, 4_800, False), (6_000, 4_799, True)],
)
def test_w18_what_is_left_of_an_identifier_is_a_share_of_what_was_there_unless_the_list_lost_as_much(
    rows: int, phones: int, stopped: bool
):
    about = compared(
        manifest(rows, digests={"email": rows, "phone": phones}),
        manifest(10_000, digests={"email": 10_000, "phone": 8_000}),
    )
    assert blocks(about, GuardName.COLUMN_GONE) is stopped


@pytest.mark.parametrize(("before", "now", "stopped"), [(99, 10, False), (99, 9, True), (100, 69, True)])
def test_w18_of_a_few_values_only_the_loss_of_nearly_all_says_something(before: int, now: int, stopped: bool):
    about = compared(
        manifest(1_000, digests={"email": 1_000, "phone": now}),
        manifest(1_000, digests={"email": 1_000, "phone": before}),
    )
    assert blocks(about, GuardName.COLUMN_GONE) is stopped


def change_of(kind: TypeChange, rows: int = 10_000, **changes: Any) -> GuardFacts:
    """Everybody stays by another identifier, and this became of the phones."""
    about = compared(
        manifest(rows, digests={"email": rows, "phone": kind.now}),
        manifest(rows, digests={"email": rows, "phone": kind.before}),
    )
    assert about.previous is not None
    return replace(about, previous=replace(about.previous, types={"phone": kind}, **changes))


@pytest.mark.parametrize(
    ("before", "now", "staying", "stopped"),
    [
        (10_000, 10_000, 0, True),
        (10_000, 10_000, 3_999, True),
        (10_000, 10_000, 4_000, False),
        (1_000, 8_000, 0, True),
        (8_000, 8_000, 8_000, False),
        (499, 499, 0, False),
        (10_000, 99, 0, False),
    ],
)
def test_w18_a_column_whose_values_are_others_is_blocked_although_its_people_stay(
    before: int, now: int, staying: int, stopped: bool
):
    about = change_of(TypeChange(before=before, now=now, staying=staying))
    assert blocks(about, GuardName.CHURN) is stopped
    if stopped:
        assert "Too many values of phone are others" in finding(about, GuardName.CHURN).sentence


def test_w18_a_column_that_is_new_or_that_fills_is_no_exchange():
    assert not blocks(change_of(TypeChange(before=0, now=8_000, staying=0)), GuardName.CHURN)
    assert not blocks(change_of(TypeChange(before=2_000, now=8_000, staying=2_000)), GuardName.CHURN)


def erasing(erased: int, confirmed: int, now: int = 1_000) -> GuardFacts:
    """Of 5,000 people, so many were asked to be forgotten; and with them so many a second word confirmed."""
    about = compared(now, 5_000, removed=5_000 - now)
    assert about.previous is not None
    emails = TypeChange(before=5_000, now=now, staying=now, confirmed=confirmed)
    change = replace(about.previous, erased=erased, confirmed=confirmed, types={"email": emails})
    return replace(about, previous=change)


def test_w17_people_who_were_erased_count_as_lost_unless_a_second_word_confirmed_it():
    assert blocking(erasing(4_000, 0)) == {GuardName.SHRINK}
    assert blocking(erasing(4_000, 2_000)) == {GuardName.SHRINK}
    assert blocking(erasing(4_000, 4_000)) == set()
    assert blocking(erasing(4_000, 3_571)) == {GuardName.SHRINK}
    assert blocking(erasing(4_000, 3_572)) == set()


def test_w17_those_who_were_erased_are_a_figure_of_their_own():
    figures = [finding(erasing(4_000, each), GuardName.SHRINK).figure for each in (0, 2_500, 4_000)]
    sizes = "5,000 rows before, 1,000 now"
    assert figures == [
        f"{sizes}, 80 % fewer; 4,000 of those gone were erased, not confirmed",
        f"{sizes}, 60 % fewer apart from those confirmed; 4,000 of those gone were erased, 2,500 of them confirmed",
        f"{sizes}, 0 % fewer apart from those confirmed; 4,000 of those gone were erased, confirmed",
    ]


def lately(now: int, *before: SentLately) -> GuardFacts:
    return compared(now, now, lately=before)


def sent(rows: int, **change: Any) -> SentLately:
    previous = PreviousList(
        **{"manifest": manifest(rows, sha256="c3" * 32), "staying": rows, "added": 0, "removed": 0} | change
    )
    return SentLately(at="2026-11-10T06:00:00+00:00", rows_sent=rows, change=previous if change else None)


@pytest.mark.parametrize(("now", "stopped"), [(6_000, False), (5_999, True)])
def test_w19_losses_that_add_up_to_more_than_the_limit_are_blocked(now: int, stopped: bool):
    assert blocks(lately(now, sent(10_000)), GuardName.DRAIN) is stopped
    assert blocks(lately(now, sent(now), sent(10_000)), GuardName.DRAIN) is stopped
    assert blocks(lately(now, sent(10_000, added=0)), GuardName.DRAIN) is stopped


@pytest.mark.parametrize(("exchanged", "stopped"), [(7_000, False), (7_001, True)])
def test_w19_exchanges_that_add_up_are_blocked(exchanged: int, stopped: bool):
    swapped = sent(10_000, added=exchanged, removed=exchanged)
    assert blocks(lately(10_000, swapped), GuardName.DRAIN) is stopped
    assert not blocks(lately(10_000, swapped), GuardName.DRAIN, guard_limits(max_churn=0.9))


def test_w19_a_column_that_drains_or_is_exchanged_in_steps_is_blocked():
    phones = TypeChange(before=9_000, now=9_000, staying=2_000)
    assert blocks(lately(10_000, sent(10_000, types={"phone": phones})), GuardName.DRAIN)
    fewer = manifest(10_000, sha256="c3" * 32, digests={"email": 10_000, "phone": 9_000})
    about = compared(manifest(digests={"email": 10_000, "phone": 5_000}), 10_000, lately=(sent(1, manifest=fewer),))
    assert "phone fewer" in finding(about, GuardName.DRAIN).sentence


def test_w19_people_whose_erasure_was_confirmed_are_no_drain():
    def erased(confirmed: int) -> GuardFacts:
        emails = TypeChange(before=10_000, now=5_000, staying=5_000, confirmed=confirmed)
        gone = {"removed": 5_000, "erased": 5_000, "confirmed": confirmed, "types": {"email": emails}}
        return lately(5_000, sent(10_000, **gone))

    assert not blocks(erased(5_000), GuardName.DRAIN)
    assert blocks(erased(0), GuardName.DRAIN)


def under_other_rules(now: int, before: int, **changes: Any) -> GuardFacts:
    """As many rows read as before, of which other rules make more or fewer people."""
    after = manifest(now, rules_version=2, rows_dropped={"no_identifier": max(before - now, 0)})
    return compared(after, manifest(before, rows_dropped={"no_identifier": max(now - before, 0)}), **changes)


@pytest.mark.parametrize(
    ("guard", "about"),
    [
        (GuardName.SHRINK, under_other_rules(6_000, 10_000)),
        (GuardName.GROWTH, under_other_rules(40_000, 10_000)),
        (GuardName.CHURN, under_other_rules(10_000, 10_000, added=9_000, removed=9_000)),
        (
            GuardName.COLUMN_GONE,
            compared(manifest(rules_version=2), manifest(digests={"email": 10_000, "phone": 8_000})),
        ),
        (
            GuardName.DRAIN,
            under_other_rules(10_000, 10_000, lately=(SentLately(at="2026-11-10T06:00:00+00:00", rows_sent=17_000),)),
        ),
    ],
)
def test_where_only_the_identity_rules_moved_people_the_sentence_says_so(guard: GuardName, about: GuardFacts):
    assert "The identity rules changed from version 1 to 2" in finding(about, guard).sentence
    same = replace(about, manifest=replace(about.manifest, rules_version=1))
    assert "identity rules" not in finding(same, guard).sentence


@pytest.mark.parametrize(
    "dropped", [{"no_consent": 6_000}, {"suppressed": 6_000}, {"no_consent": 3_000, "suppressed": 3_000}]
)
def test_other_rules_are_no_explanation_where_the_segment_is_another(dropped: dict[str, int]):
    consent_lost = compared(manifest(4_000, rules_version=2, rows_dropped=dropped), manifest())
    assert "identity rules" not in finding(consent_lost, GuardName.SHRINK).sentence
    rows_lost = compared(manifest(4_000, rules_version=2), manifest())
    assert "identity rules" not in finding(rows_lost, GuardName.SHRINK).sentence


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
