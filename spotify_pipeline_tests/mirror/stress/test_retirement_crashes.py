"""A retirement that ends before any of its steps on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.mirror import MirrorRefused, RemovalPolicy
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.disk_steps import steps_on_disk
from spotify_pipeline_tests.mirror.fake_spotify import Crash, FakeSpotify
from spotify_pipeline_tests.mirror.integration.retirement.test_retirement import kinds, retire_it
from spotify_pipeline_tests.mirror.machine import Machine


@pytest.mark.parametrize("policy", RemovalPolicy)
def test_c01_ended_before_any_step_on_disk_it_leaves_one_receipt_in_the_end(
    tmp_path: Path, build_list: BuildList, policy: RemovalPolicy
) -> None:
    listed, crashed, step = build_list(range(10)), True, 0
    while crashed:
        machine = Machine(tmp_path / f"home-{step}", FakeSpotify())
        machine.mirror(listed)
        try:
            with steps_on_disk(machine.folder, step):
                retire_it(machine, policy)
            crashed = False
        except Crash:
            pass
        if machine.entry.retired_at is None or machine.entry.receipt_due is not None:
            try:
                retire_it(machine, policy)
            except MirrorRefused:  # all but its receipt was done
                assert machine.entry.receipt_due is None
        assert kinds(machine) == ["created", "deleted" if policy is RemovalPolicy.DELETE else "left"]
        assert (machine.spotify.audiences == {}) == (policy is RemovalPolicy.DELETE)
        machine.client.close()
        step += 1
    assert step > 5
