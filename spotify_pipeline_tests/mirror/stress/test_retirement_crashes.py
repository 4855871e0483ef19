"""A retirement that ends before or after any of its commits."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.mirror import RemovalPolicy
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import Crash, FakeSpotify
from spotify_pipeline_tests.mirror.integration.retirement.test_retirement import kinds, retire_it
from spotify_pipeline_tests.mirror.machine import Machine
from spotify_pipeline_tests.mirror.watched_state import WatchedState, ending_at


@pytest.mark.parametrize("policy", RemovalPolicy)
def test_c01_ended_before_or_after_any_commit_it_leaves_one_receipt_in_the_end(
    tmp_path: Path, build_list: BuildList, policy: RemovalPolicy
) -> None:
    listed, crashed, step = build_list(range(10)), True, 0
    while crashed:
        folder = tmp_path / f"home-{step}"
        machine = Machine(folder, FakeSpotify(), state=WatchedState.in_home(folder))
        machine.mirror(listed)
        try:
            with ending_at(machine.state, step):
                retire_it(machine, policy)
            crashed = False
        except Crash:
            pass
        if machine.entry.retired_at is None:
            retire_it(machine, policy)
        assert kinds(machine) == ["created", "deleted" if policy is RemovalPolicy.DELETE else "left"]
        assert (machine.spotify.audiences == {}) == (policy is RemovalPolicy.DELETE)
        machine.client.close()
        step += 1
    assert step >= 5
