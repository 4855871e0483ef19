"""Processes that use one approval at once."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from spotify_pipeline.mirror.guards import ApprovalStore
from spotify_pipeline.state import Place, StateStore
from spotify_pipeline_tests.mirror.guards.facts import approval
from spotify_pipeline_tests.mirror.guards.test_approvals import used


def used_elsewhere(place: Place, home: Path) -> bool:
    """In a process of its own. A state needs no key for approvals."""
    return used(StateStore(place, home))


def test_w10_of_processes_that_use_an_approval_at_once_one_succeeds(state: StateStore):
    ApprovalStore(state).give(approval())
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        outcomes = list(workers.map(used_elsewhere, [state.place] * 8, [state.home] * 8))
    assert sorted(outcomes) == [False] * 7 + [True]
