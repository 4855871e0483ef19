"""The journal is lost, the audience is there: one list goes, by one approval, once."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.mirror import (
    ApprovalStore,
    AudienceSpec,
    GuardBlocked,
    ListGuard,
    MirrorAction,
    MirrorOutcome,
)
from spotify_pipeline.mirror.guards import guard_limits
from spotify_pipeline.rows import DigestSet
from spotify_pipeline.spotify import SpotifyError
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.mirror.allowing import approval_of
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, FakeSpotify
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def mirror(machine: Machine, listed: Listed, spec: AudienceSpec = SPEC) -> MirrorOutcome:
    """With the guard that the product has."""
    guard = ListGuard(
        customer_list=listed,
        audience="lapsed",
        ad_account_id=AD_ACCOUNT,
        store=SnapshotStore(machine.folder / "data"),
        journal=machine.journal,
        approvals=ApprovalStore(StateStore.in_home(machine.folder)),
        limits=guard_limits(min_rows=ENOUGH),
        erased=DigestSet.of,
        now=lambda: NOW,
    )
    return machine.mirroring.mirror(spec, *listed, guard=guard)


def test_w08_w10_the_approval_of_one_list_is_used_and_sends_no_other(tmp_path: Path, build_list: BuildList) -> None:
    machine = Machine(tmp_path / "machine", FakeSpotify())
    ours = mirror(machine, build_list(range(10))).audience.id
    machine.lose_journal()
    listed, other = build_list(range(20), "2026-11-23"), build_list(range(25), "2026-11-24")
    approvals = ApprovalStore(StateStore.in_home(machine.folder))
    expires = (NOW + timedelta(days=1)).isoformat()
    approvals.give(dataclasses.replace(approval_of(listed[1], AD_ACCOUNT), expires_at=expires))
    with pytest.raises(GuardBlocked, match=r"\[history\] .* the journal says that nothing was ever sent for lapsed"):
        mirror(machine, other)
    outcome = mirror(machine, listed)
    assert (outcome.action, outcome.audience.id) == (MirrorAction.REPLACED, ours)
    assert outcome.receipts[0].approved_by == "somebody"
    assert [each.used_at is not None for each in approvals.history("lapsed", AD_ACCOUNT)] == [True]
    machine.lose_journal()
    with pytest.raises(GuardBlocked, match="was used for this list already, so it does not count"):
        mirror(machine, listed)


def test_w10_a_new_name_that_spotify_did_not_take_at_once_costs_no_second_approval(
    tmp_path: Path, build_list: BuildList
) -> None:
    machine = Machine(tmp_path / "machine", FakeSpotify())
    mirror(machine, build_list(range(10)))
    machine.lose_journal()
    listed, renamed = build_list(range(20), "2026-11-23"), dataclasses.replace(SPEC, name="Win back")
    approvals = ApprovalStore(StateStore.in_home(machine.folder))
    expires = (NOW + timedelta(days=1)).isoformat()
    approvals.give(dataclasses.replace(approval_of(listed[1], AD_ACCOUNT), expires_at=expires))
    machine.spotify.refused = {"edit_audience": 400}
    with pytest.raises(SpotifyError):
        mirror(machine, listed, renamed)
    machine.spotify.refused = {}
    with pytest.raises(GuardBlocked):
        mirror(machine, build_list(range(25), "2026-11-24"), renamed)
    assert mirror(machine, listed, renamed).action is MirrorAction.REPLACED
    assert [each.used_at is not None for each in approvals.history("lapsed", AD_ACCOUNT)] == [True]
