"""`spotify-pipeline doctor` and Dagster's pools: a place that nobody gives back is seen, and the command frees it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

import spotify_pipeline
from spotify_pipeline.cli.dagster.pool_slots import (
    LeakedSlot,
    free_command,
    how_to_end,
    how_to_free,
    leaked_slots,
    silent_slots,
    waits_for,
)
from spotify_pipeline.cli.dagster.process import PROCESS_TAG, is_gone, this_process
from spotify_pipeline.cli.dagster.run import materialize
from spotify_pipeline.components.audiences.definition import spotify_pool
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.cli.integration.doctor.test_doctor import lines

DAGSTER_YAML = Path(spotify_pipeline.__file__).with_name("settings") / "dagster.yaml"
POOL = "spotify_ads_api_people"
UNKNOWN_RUN = "5f0c6c8e-0000-4000-8000-000000000000"


@dg.op
def step() -> None:
    """Nothing."""


@dg.job
def something() -> None:
    """A run that comes to an end."""
    step()


@pytest.fixture
def instance(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """A real instance in DAGSTER_HOME, as on one machine."""
    dagster_home = tmp_path / "dagster_home"
    dagster_home.mkdir()
    shutil.copy(DAGSTER_YAML, dagster_home)
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home))
    with dg.DagsterInstance.get() as instance:
        yield instance


def hold(instance: dg.DagsterInstance, run_id: str) -> None:
    """Let a run take the one place in the pool."""
    instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
    assert instance.event_log_storage.claim_concurrency_slot(POOL, run_id, "people__spotify_audience").is_claimed


def test_c12_a_place_held_by_a_run_that_has_ended_is_found_after_a_minute(instance: dg.DagsterInstance) -> None:
    ended = something.execute_in_process(instance=instance).run_id
    hold(instance, ended)
    now = datetime.now(UTC)
    # Dagster's daemon has a minute for it.
    assert leaked_slots(instance, now) == []
    leaked = leaked_slots(instance, now + timedelta(seconds=61))
    assert leaked == [LeakedSlot(POOL, ended, "SUCCESS")]
    said = how_to_free(leaked)
    assert f"a place in the pool `{POOL}` is held by the run {ended}, which has ended (SUCCESS)" in said
    assert f'["{ended}"]' in said


def test_c12_a_place_held_by_a_run_under_way_is_nobody_s_business(instance: dg.DagsterInstance) -> None:
    under_way = instance.create_run_for_job(something).run_id
    hold(instance, under_way)
    assert leaked_slots(instance, datetime.now(UTC) + timedelta(days=1)) == []
    assert silent_slots(instance, datetime.now(UTC) + timedelta(minutes=19)) == []


def test_c12_a_place_held_by_a_run_that_has_fallen_silent_is_found_until_it_says_something(
    instance: dg.DagsterInstance,
) -> None:
    # As after a power cut: the run is under way, and of its process nothing is left.
    begun = instance.create_run_for_job(something)
    instance.report_run_canceled(instance.create_run_for_job(something))
    hold(instance, begun.run_id)
    instance.report_engine_event("Working.", begun)
    later = datetime.now(UTC) + timedelta(minutes=21)
    (silent,) = silent_slots(instance, later)
    assert (silent.pool, silent.run_id) == (POOL, begun.run_id)
    assert silent.silent_for > timedelta(minutes=20)
    said = how_to_end([silent])
    assert f"a place in the pool `{POOL}` is held by the run {begun.run_id}, which has said nothing for 21 min" in said
    assert "Terminate, with `Force termination immediately`" in said
    # A run that goes on, or has been ended so, is none of it.
    assert silent_slots(instance, later - timedelta(minutes=2)) == []
    instance.report_run_canceled(begun)
    assert silent_slots(instance, later) == []
    assert [each.run_status for each in leaked_slots(instance, later)] == ["CANCELED"]


def test_c12_doctor_warns_of_a_run_that_has_fallen_silent(instance: dg.DagsterInstance, run: Run) -> None:
    begun = instance.create_run_for_job(something)
    hold(instance, begun.run_id)
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    instance.handle_new_event(
        dg.EventLogEntry(None, "debug", "Working.", begun.run_id, an_hour_ago.timestamp(), job_name=begun.job_name)
    )
    mark, sentence = lines(run("doctor").out)["Dagster's pools"]
    assert mark == "WARN"
    assert f"is held by the run {begun.run_id}, which has said nothing for 60 min" in sentence


def test_c12_the_command_s_python_may_lie_in_a_directory_with_a_space() -> None:
    assert shlex.split(free_command([UNKNOWN_RUN], python="/my python/bin/python"))[0] == "/my python/bin/python"


def test_c12_doctor_says_what_frees_a_place_and_that_frees_it(instance: dg.DagsterInstance, run: Run) -> None:
    hold(instance, UNKNOWN_RUN)
    mark, sentence = lines(run("doctor").out)["Dagster's pools"]
    assert mark == "FAIL"
    assert f"is held by the run {UNKNOWN_RUN}, which Dagster does not know any more" in sentence
    command = sentence.partition("To free it, run: ")[2].partition(" (or in the Dagster UI")[0]
    subprocess.run(command, shell=True, check=True)  # noqa: S602 - the very line that a person would paste
    assert lines(run("doctor").out)["Dagster's pools"] == ("ok", "no place is held by a run that has ended")
    # And the pool works again.
    hold(instance, instance.create_run_for_job(something).run_id)


def test_without_a_dagster_home_there_is_nothing_to_look_at(run: Run) -> None:
    assert lines(run("doctor").out)["Dagster's pools"] == ("ok", "not looked at, as DAGSTER_HOME is not set")


def test_a_dagster_home_that_does_not_exist_is_said(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "nowhere"))
    mark, sentence = lines(run("doctor").out)["Dagster's pools"]
    assert mark == "FAIL"
    assert "Correct DAGSTER_HOME or its dagster.yaml." in sentence


# What a command that has to wait says


def dead_process() -> str:
    """The tag of a process of this machine that has ended."""
    code = "from spotify_pipeline.cli.dagster.process import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def tagged(instance: dg.DagsterInstance, process: str) -> str:
    return instance.create_run_for_job(something, tags={PROCESS_TAG: process}).run_id


def test_c12_a_command_says_at_once_whom_it_waits_for_and_what_frees_it(instance: dg.DagsterInstance) -> None:
    killed = tagged(instance, dead_process())
    hold(instance, killed)
    said = waits_for(instance, [POOL, "spotify_warehouse"], datetime.now(UTC) + timedelta(minutes=3))
    assert said is not None
    assert f"the place in the pool `{POOL}` is held by the run {killed}, begun 3 min ago" in said
    assert re.search(r"by a command whose process \(\d+\) is gone, so nobody gives it back", said)
    command = said.partition("from another terminal: ")[2]
    subprocess.run(command, shell=True, check=True)  # noqa: S602 - the very line that a person would paste
    assert waits_for(instance, [POOL, "spotify_warehouse"], datetime.now(UTC)) is None


@pytest.mark.parametrize("process", ["", "elsewhere 1 1", "nonsense", "a b c d"])
def test_c12_a_process_that_cannot_be_looked_at_is_not_called_gone(instance: dg.DagsterInstance, process: str) -> None:
    hold(instance, tagged(instance, process))
    said = str(waits_for(instance, [POOL], datetime.now(UTC)))
    assert "begun 0 min ago" in said
    assert "by a command whose process" not in said
    assert not is_gone(process)


def test_c12_a_process_at_work_is_said_to_be(instance: dg.DagsterInstance) -> None:
    hold(instance, tagged(instance, this_process()))
    assert f"whose process ({os.getpid()}) is at work" in str(waits_for(instance, [POOL], datetime.now(UTC)))


def test_c12_a_process_number_that_is_another_s_by_now_is_gone() -> None:
    machine, pid, _ = this_process().split(" ")
    assert not is_gone(this_process())
    assert is_gone(f"{machine} {pid} 1")


def test_c12_a_run_that_ended_or_is_not_known_is_named(instance: dg.DagsterInstance) -> None:
    ended = something.execute_in_process(instance=instance).run_id
    hold(instance, ended)
    assert f"the run {ended}, which has ended (SUCCESS)" in str(waits_for(instance, [POOL], datetime.now(UTC)))
    instance.event_log_storage.free_concurrency_slots_for_run(ended)
    hold(instance, UNKNOWN_RUN)
    assert "which Dagster does not know any more" in str(waits_for(instance, [POOL], datetime.now(UTC)))


def test_c12_a_pool_with_a_place_left_makes_nobody_wait(instance: dg.DagsterInstance) -> None:
    assert waits_for(instance, [POOL, "never heard of"], datetime.now(UTC)) is None
    instance.event_log_storage.set_concurrency_slots(POOL, 2)
    assert instance.event_log_storage.claim_concurrency_slot(POOL, UNKNOWN_RUN, "a_step").is_claimed
    assert waits_for(instance, [POOL], datetime.now(UTC)) is None


def test_c12_a_run_of_a_command_says_it_on_standard_error_and_goes_on_once_it_is_free(
    instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    @dg.asset(pool=POOL, partitions_def=dg.StaticPartitionsDefinition(["one"]))
    def sent() -> None:
        """Nothing."""

    hold(instance, UNKNOWN_RUN)

    def set_free() -> None:
        while not instance.event_log_storage.get_concurrency_info(POOL).pending_run_ids:
            pending.wait(0.05)
        instance.event_log_storage.free_concurrency_slots_for_run(UNKNOWN_RUN)

    pending = threading.Event()
    helper = threading.Thread(target=set_free)
    helper.start()
    said = materialize(dg.Definitions(assets=[sent]), sent.key, "one", config={})
    helper.join()
    assert capsys.readouterr().err.startswith(
        f"Waiting: the place in the pool `{POOL}` is held by the run {UNKNOWN_RUN}"
    )
    run_id = said.removeprefix("The run is ").removesuffix(".")
    kept = instance.get_run_by_id(run_id)
    assert kept is not None
    assert kept.tags[PROCESS_TAG] == this_process()


def test_two_audiences_have_a_place_each() -> None:
    assert spotify_pool("people") == POOL
    assert spotify_pool("others") != POOL
