"""Approvals: each for one list, used once, and never lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from spotify_pipeline.mirror.guards import APPROVAL_LIFE, Approval, ApprovalRefused, ApprovalSource, ApprovalStore
from spotify_pipeline.state import StateError, StateStore
from spotify_pipeline.state.tables import approval as rows
from spotify_pipeline_tests.mirror.guards.facts import ACCOUNT, AUDIENCE, NOW, OTHER, OURS, approval

RUN_CONFIG = approval(source=ApprovalSource.RUN_CONFIG)


@pytest.fixture
def store(state: StateStore) -> ApprovalStore:
    return ApprovalStore(state)


def standing(
    store: ApprovalStore, sha256: str = OURS, *, after: timedelta = timedelta(0), going_on: bool = False
) -> Approval | None:
    return next(iter(store.standing(AUDIENCE, ACCOUNT, sha256, NOW + after, going_on=going_on)), None)


def test_nothing_is_approved_of_at_first(store: ApprovalStore):
    assert standing(store) is None
    assert store.history(AUDIENCE, ACCOUNT) == []


def test_w10_an_approval_holds_for_its_list_until_it_expires(store: ApprovalStore):
    store.give(approval())
    assert standing(store) == approval()
    assert standing(store, OTHER) is None
    assert standing(store, after=APPROVAL_LIFE - timedelta(microseconds=1)) == approval()
    assert standing(store, after=APPROVAL_LIFE) is None


def test_w11_an_approval_of_one_audience_is_none_of_another(store: ApprovalStore):
    store.give(approval())
    assert store.standing("students", ACCOUNT, OURS, NOW, going_on=True) == []
    assert store.standing(AUDIENCE, "acme", OURS, NOW, going_on=True) == []


def test_w10_an_approval_is_used_once(store: ApprovalStore):
    store.give(approval())
    store.use(approval(), NOW)
    assert standing(store) is None
    with pytest.raises(ApprovalRefused, match="does not hold any more"):
        store.use(approval(), NOW)
    (kept,) = store.history(AUDIENCE, ACCOUNT)
    assert kept.used_at == NOW.isoformat()
    with pytest.raises(ApprovalRefused, match="does not hold any more"):
        store.use(kept, NOW)


def test_a_used_approval_holds_while_its_list_is_being_sent(store: ApprovalStore):
    store.give(approval())
    store.use(approval(), NOW)
    store.give(approval(reason="To be sure."))
    used = standing(store, going_on=True)
    assert used is not None
    assert used.reason == approval().reason
    assert standing(store, OTHER, going_on=True) is None
    assert standing(store, after=APPROVAL_LIFE, going_on=True) is None


def test_the_newest_approval_is_taken_first(store: ApprovalStore):
    store.give(approval())
    store.give(approval(reason="To be sure."))
    newest = standing(store, going_on=True)
    assert newest is not None
    assert newest == approval(reason="To be sure.")
    store.use(newest, NOW)
    assert standing(store) == approval()
    assert [each.used_at is None for each in store.history(AUDIENCE, ACCOUNT)] == [True, False]


def test_equal_approvals_are_each_used_once(store: ApprovalStore):
    store.give(approval())
    store.give(approval())
    store.use(approval(), NOW)
    assert [each.used_at is None for each in store.history(AUDIENCE, ACCOUNT)] == [True, False]
    store.use(approval(), NOW)
    with pytest.raises(ApprovalRefused):
        store.use(approval(), NOW)


def test_w10_of_many_that_use_an_approval_at_once_one_succeeds(store: ApprovalStore, state: StateStore):
    store.give(approval())
    with ThreadPoolExecutor(2) as workers:
        outcomes = list(workers.map(used, [state] * 8))
    assert sorted(outcomes) == [False] * 7 + [True]


def test_w10_of_many_that_use_equal_approvals_at_once_each_is_used_once(store: ApprovalStore, state: StateStore):
    for _ in range(3):
        store.give(approval())
    with ThreadPoolExecutor(4) as workers:
        outcomes = list(workers.map(used, [state] * 8))
    assert sorted(outcomes) == [False] * 5 + [True] * 3


def used(state: StateStore) -> bool:
    try:
        ApprovalStore(state).use(approval(), NOW)
    except ApprovalRefused:
        return False
    return True


def test_w10_an_expired_or_unknown_approval_cannot_be_used(store: ApprovalStore):
    store.give(approval())
    for each, at in ((approval(), NOW + APPROVAL_LIFE), (approval(approved_by="Eve"), NOW)):
        with pytest.raises(ApprovalRefused, match="Nothing was sent"):
            store.use(each, at)
    assert store.history(AUDIENCE, ACCOUNT) == [approval()]


def test_w10_a_run_config_is_an_approval_once_for_a_list(store: ApprovalStore):
    store.use_given(RUN_CONFIG, NOW)
    again = approval(source=ApprovalSource.RUN_CONFIG, approved_at=(NOW + timedelta(hours=1)).isoformat())
    with pytest.raises(ApprovalRefused, match="does not hold any more"):
        store.use_given(again, NOW)
    store.use_given(approval(source=ApprovalSource.RUN_CONFIG, file_sha256=OTHER), NOW)
    assert [each.used_at for each in store.history(AUDIENCE, ACCOUNT)] == [NOW.isoformat()] * 2


def test_a_rollback_to_the_same_list_may_be_made_again(store: ApprovalStore):
    for _ in range(2):
        store.use_given(approval(source=ApprovalSource.ROLLBACK), NOW)
    assert len(store.history(AUDIENCE, ACCOUNT)) == 2
    with pytest.raises(ApprovalRefused):
        store.use_given(approval(source=ApprovalSource.ROLLBACK), NOW + APPROVAL_LIFE)


@pytest.mark.parametrize(
    "change",
    [
        {"file_sha256": OURS[:12]},
        {"file_sha256": OURS.upper()},
        {"used_at": NOW.isoformat()},
        {"expires_at": NOW.isoformat()},
    ],
)
def test_an_approval_that_could_never_be_used_is_not_given(change: dict[str, Any], store: ApprovalStore):
    with pytest.raises(ApprovalRefused, match="Nothing was approved"):
        store.give(approval(**change))
    assert store.history(AUDIENCE, ACCOUNT) == []


@pytest.mark.parametrize("name", ["", "..", "../lapsed", "a/b", "Lapsed", "lapsed\n", "x" * 64, "lapsed\0", "."])
def test_s03_a_name_that_leads_elsewhere_is_refused(name: str, store: ApprovalStore):
    with pytest.raises(ApprovalRefused, match="Invalid audience"):
        store.give(approval(audience=name))
    with pytest.raises(ApprovalRefused, match="Invalid audience"):
        store.history(name, ACCOUNT)
    if name not in ("Lapsed", "x" * 64):
        with pytest.raises(ApprovalRefused, match="Invalid audience"):
            store.give(approval(ad_account_id=name))


def test_w13_an_approval_that_cannot_be_read_approves_of_nothing(store: ApprovalStore, state: StateStore):
    store.give(approval())
    with state.begin() as transaction:
        transaction.execute(rows.update().values(content='{"format": 2}'))
    for attempt in (lambda: standing(store), lambda: store.use(approval(), NOW)):
        with pytest.raises(StateError, match="an approval that this version of the project cannot read"):
            attempt()


def test_an_approval_is_used_with_what_else_its_caller_writes_or_not_at_all(store: ApprovalStore, state: StateStore):
    store.give(approval())

    def fail() -> None:
        with state.begin() as transaction:
            store.use(approval(), NOW, within=transaction)
            store.use_given(RUN_CONFIG, NOW, within=transaction)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.history(AUDIENCE, ACCOUNT) == [approval()]


def test_w10_of_many_that_use_a_run_config_at_once_one_succeeds(store: ApprovalStore, state: StateStore):
    with ThreadPoolExecutor(2) as workers:
        outcomes = list(workers.map(used_given, [state] * 8))
    assert sorted(outcomes) == [False] * 7 + [True]
    assert len(store.history(AUDIENCE, ACCOUNT)) == 1


def used_given(state: StateStore) -> bool:
    try:
        ApprovalStore(state).use_given(RUN_CONFIG, NOW)
    except ApprovalRefused:
        return False
    return True


def test_an_approval_survives_as_it_was_given(store: ApprovalStore):
    zoned = approval(expires_at="2026-11-17T08:00:00+02:00", reason="Überprüft ✓")
    store.give(zoned)
    assert store.history(AUDIENCE, ACCOUNT) == [zoned]
    assert standing(store, after=timedelta(hours=23, minutes=59)) == zoned
    assert datetime.fromisoformat(zoned.expires_at) == NOW + APPROVAL_LIFE
