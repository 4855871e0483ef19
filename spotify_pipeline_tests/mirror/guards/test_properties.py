"""What holds of every decision, whatever the facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import TypeChange
from spotify_pipeline.mirror.guards import (
    Approval,
    ApprovalSource,
    GuardFacts,
    GuardLimits,
    History,
    Outcome,
    PreviousList,
    SentLately,
    Twin,
    guard_limits,
)
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.mirror.guards.facts import (
    ACCOUNT,
    AUDIENCE,
    NOW,
    OTHER,
    OURS,
    approval,
    blocking,
    blocks,
    compared,
    decided,
    facts,
    manifest,
)
from spotify_pipeline_tests.mirror.guards.names import FINAL, GuardName

ROWS = st.one_of(st.integers(0, 30), st.integers(0, 100_000))
SHARES = st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.6, 1.0, 2.0]), st.floats(0, 10))


@st.composite
def limits(draw: st.DrawFn) -> GuardLimits:
    return guard_limits(
        min_rows=draw(st.integers(1, 2_000)),
        max_shrink=draw(SHARES),
        max_growth=draw(SHARES),
        max_churn=draw(SHARES),
        max_drain=draw(SHARES),
        max_invalid=draw(SHARES),
        max_suppression_loss=draw(SHARES),
        max_bytes=draw(st.integers(1, 1 << 30)),
        max_source_age=draw(st.none() | st.timedeltas(timedelta(0), timedelta(days=900))),
    )


@st.composite
def changes(draw: st.DrawFn) -> PreviousList | None:
    """From a list of before, some of whose people were erased."""
    if draw(st.booleans()):
        return None
    before, removed = draw(ROWS), draw(ROWS)
    erased = draw(st.integers(0, min(before, removed)))
    staying = draw(st.integers(0, before))
    return PreviousList(
        manifest=manifest(before, sha256=OTHER),
        staying=staying,
        added=draw(ROWS),
        removed=removed,
        erased=erased,
        confirmed=draw(st.integers(0, erased)),
        types={"email": TypeChange(before=before, now=staying + draw(ROWS), staying=staying)},
    )


@st.composite
def any_facts(draw: st.DrawFn) -> GuardFacts:
    rows, phones = draw(ROWS), draw(ROWS)
    digests = {"email": rows} | ({"phone": min(phones, rows)} if draw(st.booleans()) else {})
    counts = st.dictionaries(st.sampled_from(["invalid", "missing", "zeroed"]), ROWS)
    about = manifest(
        rows,
        digests=digests,
        rejected=draw(st.dictionaries(st.sampled_from(["email", "phone"]), counts)),
        source_rows=draw(st.none() | st.just(rows) | ROWS),
        source_updated_at=draw(st.none() | st.datetimes().map(lambda at: at.replace(tzinfo=NOW.tzinfo))),
        suppressions=draw(st.dictionaries(st.sampled_from(["staff", "unsubscribed"]), ROWS)),
    )
    more: dict[str, Any] = {"erased_rows": draw(st.integers(0, 3)), "split": draw(st.booleans())}
    if draw(st.booleans()):
        return facts(about, history=draw(st.sampled_from([History.FIRST, History.MISSING])), **more)
    lately = st.lists(st.builds(SentLately, at=st.just(NOW.isoformat()), rows_sent=ROWS, change=changes()), max_size=2)
    more["lately"] = tuple(draw(lately))
    twin = st.none() | st.builds(Twin, audience=st.just("students"), likeness=SHARES, own_likeness=SHARES)
    before = manifest(draw(ROWS), suppressions=draw(st.dictionaries(st.sampled_from(["staff"]), ROWS)))
    return compared(about, before, added=draw(ROWS), removed=draw(ROWS), twin=draw(twin), **more)


APPROVALS = st.builds(
    Approval,
    audience=st.sampled_from([AUDIENCE, "students"]),
    ad_account_id=st.sampled_from([ACCOUNT, "acme"]),
    file_sha256=st.sampled_from([OURS, OTHER]),
    reason=st.just("The campaign was closed."),
    approved_by=st.just("Ann"),
    approved_at=st.just(NOW.isoformat()),
    expires_at=st.sampled_from([NOW, NOW - timedelta(1), NOW + timedelta(1)]).map(lambda at: at.isoformat()),
    source=st.sampled_from(ApprovalSource),
)


@settings(max_examples=examples(40, 100))
@given(any_facts(), limits(), st.none() | APPROVALS)
def test_every_decision_has_one_finding_of_each_guard(about: GuardFacts, by: GuardLimits, word: Approval | None):
    decision = decided(about, by, given=word)
    assert [each.guard for each in decision.findings] == list(GuardName)
    assert decision.allowed == all(each.outcome is not Outcome.BLOCKED for each in decision.findings)
    assert all(
        bool(each.sentence) == (each.outcome in (Outcome.BLOCKED, Outcome.OVERRIDDEN)) for each in decision.findings
    )
    assert all(each.figure and each.limit for each in decision.findings)


@settings(max_examples=examples(40, 100))
@given(any_facts(), limits(), APPROVALS)
def test_w10_w11_an_approval_of_anything_else_unlocks_nothing(about: GuardFacts, by: GuardLimits, word: Approval):
    right = (AUDIENCE, ACCOUNT, OURS, (NOW + timedelta(1)).isoformat())
    if (word.audience, word.ad_account_id, word.file_sha256, word.expires_at) != right:
        assert decided(about, by, given=word).findings == decided(about, by).findings
        assert decided(about, by, given=word).approval is None


@settings(max_examples=examples(40, 100))
@given(any_facts(), limits())
def test_an_approval_turns_what_blocks_into_overridden_and_nothing_else(about: GuardFacts, by: GuardLimits):
    for plain, approved in zip(decided(about, by).findings, decided(about, by, given=approval()).findings, strict=True):
        overrides = plain.outcome is Outcome.BLOCKED and plain.guard not in FINAL
        assert approved == (replace(plain, outcome=Outcome.OVERRIDDEN) if overrides else plain)


@given(st.integers(0, 20_000), st.integers(0, 20_000), st.integers(0, 20_000), SHARES)
def test_w02_more_shrinking_never_unblocks(before: int, one: int, other: int, share: float):
    fewer, more = sorted((one, other))
    by = guard_limits(max_shrink=share)
    assert blocks(compared(more, before), GuardName.SHRINK, by) <= blocks(compared(fewer, before), GuardName.SHRINK, by)


@given(st.integers(0, 20_000), st.integers(0, 20_000), st.integers(0, 20_000), SHARES)
def test_w04_more_growing_never_unblocks(before: int, one: int, other: int, share: float):
    fewer, more = sorted((one, other))
    by = guard_limits(max_growth=share)
    assert blocks(compared(fewer, before), GuardName.GROWTH, by) <= blocks(compared(more, before), GuardName.GROWTH, by)


@given(st.integers(0, 5_000), st.integers(0, 5_000), SHARES)
def test_w03_more_exchanging_never_unblocks(one: int, other: int, share: float):
    fewer, more = sorted((one, other))
    by = guard_limits(max_churn=share)
    few, many = (compared(5_000, 5_000, added=count, removed=count) for count in (fewer, more))
    assert blocks(few, GuardName.CHURN, by) <= blocks(many, GuardName.CHURN, by)


@settings(max_examples=examples(40, 100))
@given(any_facts(), limits(), SHARES)
def test_a_stricter_limit_never_unblocks(about: GuardFacts, by: GuardLimits, share: float):
    for name in ("max_shrink", "max_growth", "max_churn", "max_drain", "max_invalid", "max_suppression_loss"):
        stricter = guard_limits(**{**by.values, name: min(share, cast("float", by.values[name]))})
        assert blocking(about, by) <= blocking(about, stricter)
