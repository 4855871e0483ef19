"""A run that is cancelled in the middle of an upload holds up nobody."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import yaml

from spotify_pipeline.components.audiences.definition import spotify_pool
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer, named_fault
from spotify_pipeline_tests.components.conftest import DAGSTER_YAML
from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, change_people, definitions_of, metadata

CHUNK = 1 << 18
LONGEST = 60.0


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.slow
def test_c11_a_run_cancelled_in_the_middle_of_an_upload_leaves_the_way_free(
    one_machine: dg.DagsterInstance, environment: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_UPLOAD_CHUNK_BYTES", str(CHUNK))
    change_people(
        environment, "INSERT INTO crm.people SELECT 'more' || i || '@example.com', true FROM range(10000) r(i)"
    )
    instance = one_machine
    deployment = Deployment(definitions_of({"people": PEOPLE}), instance)
    assert deployment.run("identifiers", "customer_list").success
    # The list has three chunks; the second is stored, and its answer does not come.
    sandbox.state.faults.script(named_fault("F24", nth=2, seconds=30))

    child = subprocess.Popen([sys.executable, "-m", "spotify_pipeline_tests.components.run_in_child"])
    until(lambda: not sandbox.state.faults.unconsumed() or child.poll() is not None)
    (cancelled,) = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    # As the button in the UI does: first the run is marked, then its process is told.
    instance.report_run_canceling(cancelled)
    child.send_signal(signal.SIGTERM)
    child.wait(LONGEST)

    ended = instance.get_run_by_id(cancelled.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.CANCELED
    assert instance.event_log_storage.get_concurrency_info(spotify_pool("people")).claimed_slots == []
    assert list((environment / "home").rglob("*.tmp")) == []
    result = deployment.run("spotify_audience")
    assert result.success
    (audience,) = sandbox.state.audiences.of(DEFAULTS.ad_account_id)
    (received,) = sandbox.state.received_lists.of(audience.id)
    lists = environment / "home" / "data" / "customer_lists" / "people" / "once"
    assert sandbox.state.list_file(received.id).read_bytes() == (lists / "customer_list.csv").read_bytes()
    # It went on where the storage stood.
    assert metadata(result, "spotify_audience")["bytes sent"] <= received.size - CHUNK


def test_c11_what_an_ended_run_held_in_a_pool_is_free_within_a_minute(one_machine: dg.DagsterInstance) -> None:
    monitoring = one_machine.run_monitoring_settings
    assert monitoring["enabled"]
    # Dagster notices an end at one look, and frees the places at the first look after the wait.
    longest = 2 * monitoring["poll_interval_seconds"] + monitoring["free_slots_after_run_end_seconds"]
    assert longest <= LONGEST
    assert one_machine.global_op_concurrency_default_limit == 1
    assert yaml.safe_load(DAGSTER_YAML.read_text())["run_retries"]["retry_on_asset_or_op_failure"] is False
