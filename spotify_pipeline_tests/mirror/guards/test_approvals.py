"""Approvals: each for one list, used once, and never lost."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.guards import APPROVAL_LIFE, Approval, ApprovalRefused, ApprovalSource, ApprovalStore
from spotify_pipeline_tests.mirror.guards.facts import ACCOUNT, AUDIENCE, NOW, OTHER, OURS, approval

RUN_CONFIG = approval(source=ApprovalSource.RUN_CONFIG)


@pytest.fixture
def store(tmp_path: Path) -> ApprovalStore:
    return ApprovalStore(tmp_path / "approvals")


def standing(
    store: ApprovalStore, sha256: str = OURS, *, after: timedelta = timedelta(0), going_on: bool = False
) -> Approval | None:
    return next(iter(store.standing(AUDIENCE, ACCOUNT, sha256, NOW + after, going_on=going_on)), None)


def file_of(tmp_path: Path) -> Path:
    return tmp_path / "approvals" / ACCOUNT / f"{AUDIENCE}.json"


def test_nothing_is_approved_of_at_first(store: ApprovalStore, tmp_path: Path):
    assert standing(store) is None
    assert store.history(AUDIENCE, ACCOUNT) == []
    assert not (tmp_path / "approvals").exists()


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


def test_w10_of_many_that_use_an_approval_at_once_one_succeeds(store: ApprovalStore, tmp_path: Path):
    store.give(approval())
    with ThreadPoolExecutor(2) as workers:
        outcomes = list(workers.map(used, [tmp_path / "approvals"] * 8))
    assert sorted(outcomes) == [False] * 7 + [True]


def used(directory: Path) -> bool:
    try:
        ApprovalStore(directory).use(approval(), NOW)
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
def test_s03_a_name_that_leads_elsewhere_is_refused(name: str, store: ApprovalStore, tmp_path: Path):
    with pytest.raises(ApprovalRefused, match="Invalid audience"):
        store.give(approval(audience=name))
    with pytest.raises(ApprovalRefused, match="Invalid audience"):
        store.history(name, ACCOUNT)
    if name not in ("Lapsed", "x" * 64):
        with pytest.raises(ApprovalRefused, match="Invalid audience"):
            store.give(approval(ad_account_id=name))
    assert not (tmp_path / "approvals").exists()


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"\xff\xfe",
    b'{"approvals": [], "format": 2}',
    b'{"approvals": [], "more": 1}',
    b'{"approvals": [{"audience": "lapsed"}]}',
]


@pytest.mark.parametrize("content", DAMAGED)
def test_w13_a_damaged_file_approves_of_nothing_and_is_left_as_it_is(
    content: bytes, store: ApprovalStore, tmp_path: Path
):
    store.give(approval())
    file_of(tmp_path).write_bytes(content)
    for attempt in (
        lambda: standing(store),
        lambda: store.use(approval(), NOW),
        lambda: store.use_given(approval(), NOW),
        lambda: store.give(approval()),
    ):
        with pytest.raises(ApprovalRefused, match="damaged or of another version"):
            attempt()
    assert file_of(tmp_path).read_bytes() == content


def test_w13_a_time_without_a_zone_is_damage(store: ApprovalStore, tmp_path: Path):
    store.give(approval())
    content = json.loads(file_of(tmp_path).read_text())
    content["approvals"][0]["expires_at"] = "2099-01-01T00:00:00"
    file_of(tmp_path).write_text(json.dumps(content))
    with pytest.raises(ApprovalRefused, match="damaged"):
        standing(store)


def test_a_file_that_cannot_be_read_says_so(store: ApprovalStore, tmp_path: Path):
    file_of(tmp_path).mkdir(parents=True)
    with pytest.raises(HomeError, match="cannot be read: Is a directory"):
        standing(store)


def test_p09_the_files_are_private_whatever_the_umask(store: ApprovalStore, tmp_path: Path):
    before = os.umask(0)
    try:
        store.give(approval())
    finally:
        os.umask(before)
    for path in (tmp_path / "approvals").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_the_home_holds_the_approvals(tmp_path: Path):
    ApprovalStore.in_home(tmp_path).give(approval())
    assert file_of(tmp_path).is_file()


def test_an_approval_survives_as_it_was_given(store: ApprovalStore):
    zoned = approval(expires_at="2026-11-17T08:00:00+02:00", reason="Überprüft ✓")
    store.give(zoned)
    assert store.history(AUDIENCE, ACCOUNT) == [zoned]
    assert standing(store, after=timedelta(hours=23, minutes=59)) == zoned
    assert datetime.fromisoformat(zoned.expires_at) == NOW + APPROVAL_LIFE
