"""Places in Dagster's pools that nobody will give back: their run has ended, is no longer known, or is silent.

While such a place is taken, the steps of other runs wait for it and nothing says why. Dagster's daemon takes places
back, but only where `run_monitoring` is on, and only from runs that it knows. A run whose process died with the machine
stays under way for it, until the longest time a run may take is over.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from spotify_pipeline.cli.dagster.process import PROCESS_TAG, is_gone, process_id

if TYPE_CHECKING:
    from dagster import DagsterInstance


DAEMON_TAKES = timedelta(minutes=1)
"""Within this time of a run's end the daemon takes its places back, where it is set up as this project's file says."""


LONGEST_SILENCE = timedelta(minutes=20)
"""A run says something more often than this, while it uploads or waits for another run (a quarter of an hour)."""


@dataclass(frozen=True)
class LeakedSlot:
    """A place in a pool whose run has ended."""

    pool: str
    run_id: str
    run_status: str | None
    """How the run ended, such as CANCELED; None when Dagster does not know it any more."""


def leaked_slots(instance: DagsterInstance, now: datetime) -> list[LeakedSlot]:
    """The places that are taken by runs that have ended a minute before ``now``, by pool. Changes nothing."""
    found: list[LeakedSlot] = []
    for pool, run_id in _held(instance):
        record = instance.get_run_record_by_id(run_id)
        if record is None:
            found.append(LeakedSlot(pool, run_id, None))
        elif record.dagster_run.is_finished and now.timestamp() - (record.end_time or 0) > DAEMON_TAKES.seconds:
            found.append(LeakedSlot(pool, run_id, record.dagster_run.status.value))
    return found


@dataclass(frozen=True)
class SilentSlot:
    """A place in a pool whose run is under way and has not said anything for long: its process may be gone."""

    pool: str
    run_id: str
    silent_for: timedelta


def silent_slots(instance: DagsterInstance, now: datetime) -> list[SilentSlot]:
    """The places of runs under way with no event in the 20 minutes before ``now``, by pool. Changes nothing."""
    found: list[SilentSlot] = []
    for pool, run_id in _held(instance):
        record = instance.get_run_record_by_id(run_id)
        if record is None or record.dagster_run.is_finished:
            continue
        newest = instance.get_records_for_run(run_id, limit=1, ascending=False).records
        created = record.create_timestamp.replace(tzinfo=UTC)
        said = datetime.fromtimestamp(newest[0].timestamp, UTC) if newest else created
        if now - said > LONGEST_SILENCE:
            found.append(SilentSlot(pool, run_id, now - said))
    return found


def waits_for(instance: DagsterInstance, pools: Iterable[str], now: datetime) -> str | None:
    """For whom a run that needs a place in each of ``pools`` would have to wait, and what frees it; None for nobody."""
    held = [(pool, run_id) for pool in sorted(pools) for run_id in _all_places(instance, pool)]
    if not held:
        return None
    runs = sorted({run_id for _, run_id in held})
    whom = "; ".join(
        f"the place in the pool `{pool}` is held by {_holder(instance, run_id, now)}" for pool, run_id in held
    )
    return (
        f"Waiting: {whom}. This goes on as soon as it is free; Ctrl-C ends the wait, and nothing was changed. If that "
        "run's process is gone, because it was killed or the machine was switched off, free the place from another "
        f"terminal: {free_command(runs)}"
    )


def _all_places(instance: DagsterInstance, pool: str) -> list[str]:
    """The runs that hold the places of a pool, where all are taken."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits or pool not in storage.get_concurrency_keys():
        return []
    info = storage.get_concurrency_info(pool)
    taken = {(each.run_id, each.step_key) for each in info.claimed_slots}
    taken |= {(each.run_id, each.step_key) for each in info.pending_steps if each.assigned_timestamp is not None}
    full = info.limit is not None and len(taken) >= info.limit
    return sorted({run_id for run_id, _ in taken}) if full else []


def _holder(instance: DagsterInstance, run_id: str, now: datetime) -> str:
    """A run, in words: since when, and how it stands with its process."""
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        return f"the run {run_id}, which Dagster does not know any more"
    if record.dagster_run.is_finished:
        return f"the run {run_id}, which has ended ({record.dagster_run.status.value})"
    began = record.create_timestamp.replace(tzinfo=UTC)
    minutes = max(0, (now - began) // timedelta(minutes=1))
    under_way = f"the run {run_id}, begun {minutes} min ago ({began:%H:%M} UTC)"
    tag = record.dagster_run.tags.get(PROCESS_TAG, "")
    pid = process_id(tag)
    if pid is None:
        return under_way
    how = "is gone, so nobody gives it back" if is_gone(tag) else "is at work"
    return f"{under_way} by a command whose process ({pid}) {how}"


def _held(instance: DagsterInstance) -> Iterator[tuple[str, str]]:
    """Pools, and the runs that hold a place in each."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    for pool in sorted(storage.get_concurrency_keys()):
        # A step that was given a place and has not begun holds it, too.
        info = storage.get_concurrency_info(pool)
        for run_id in sorted(info.active_run_ids | info.assigned_run_ids):
            yield pool, run_id


def how_to_end(slots: list[SilentSlot]) -> str:
    """What may be wrong, how to find out, and how to end such a run."""
    held = "; ".join(
        f"a place in the pool `{slot.pool}` is held by the run {slot.run_id}, which has said nothing for "
        f"{slot.silent_for // timedelta(minutes=1)} min"
        for slot in slots
    )
    return (
        f"{held}. It may be at work in the warehouse. If its process is gone, because it was killed or the machine was "
        "switched off, end the run in the Dagster UI: Terminate, with `Force termination immediately`. Dagster's "
        "daemon then frees the place within a minute."
    )


def how_to_free(slots: list[LeakedSlot]) -> str:
    """What is wrong, and the command that frees the places; each run's once."""
    held = "; ".join(
        f"a place in the pool `{slot.pool}` is held by the run {slot.run_id}, "
        + (
            "which Dagster does not know any more"
            if slot.run_status is None
            else f"which has ended ({slot.run_status})"
        )
        for slot in slots
    )
    runs = sorted({slot.run_id for slot in slots})
    return (
        f"{held}. Other runs wait for it. To free it, run: {free_command(runs)} (or in the Dagster UI: Deployment, "
        "Concurrency, the pool, `Free all concurrency slots for run`). Dagster's daemon does so by itself where it is "
        "running and dagster.yaml has the run_monitoring that `spotify-pipeline init` writes."
    )


def free_command(run_ids: list[str], *, python: str = sys.executable) -> str:
    """A line for the shell, which needs the same DAGSTER_HOME. Dagster's own commands cannot do this."""
    runs = ", ".join(f'"{run_id}"' for run_id in run_ids)
    return (
        f"{shlex.quote(python)} -c 'import dagster; storage = dagster.DagsterInstance.get().event_log_storage; "
        f"[storage.free_concurrency_slots_for_run(run) for run in [{runs}]]'"
    )
