"""Runs of what people ask for: approvals, plans, erasures, a way back, views of all audiences, and a dbt build."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from spotify_pipeline.components.audiences.insights.overlap import overlap_key
from spotify_pipeline.components.audiences.insights.plan import PLAN_JOB
from spotify_pipeline.components.cadence import CadenceConfig
from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.components.runs import PROJECT
from spotify_pipeline_tests.stress.leaks.canaries import canaries, digests, dirty_email, dirty_phone
from spotify_pipeline_tests.stress.leaks.chain_process import Command, Step
from spotify_pipeline_tests.stress.leaks.runs import AUDIENCE, IDENTIFIERS, LIST, a_run
from spotify_pipeline_tests.stress.leaks.segments import (
    BROKEN,
    OPTED_OUT,
    PEOPLE,
    SOUND,
    audience,
    daily,
    held_back,
)
from spotify_pipeline_tests.stress.leaks.stage import Stage

NEWEST = CadenceConfig(every="day").newest_partition(datetime.now(UTC))
BEFORE = (datetime.fromisoformat(NEWEST) - timedelta(days=1)).date().isoformat()
WHY = ("--reason", "The new segment lost a join", "--by", "Kim")
FORGOTTEN = canaries()[480:680]
ASKED = "\n".join(
    [
        *(one.email.upper() for one in FORGOTTEN),
        *(f"phone:{one.phone}" for one in FORGOTTEN),
        *(one.device_id for one in FORGOTTEN),
        *(f"digest:{digest}" for digest in sorted(digests())[:5]),
    ]
).encode()
"""What somebody types who was asked by many people."""
MISTAKEN = "\n".join(one.email for one in canaries()[700:720]).encode()
"""Of whom it turns out that they did not ask."""
MISTYPED = "\n".join([*map(dirty_email, canaries()[:32]), *map(dirty_phone, canaries()[:32])]).encode()
VIEWS = {**SOUND, **OPTED_OUT, "broken_said": BROKEN["broken_said"]}


@a_run(
    views=VIEWS,
    audiences={
        "people": daily("dirty", suppress="opted_out"),
        "held": held_back("clean"),
        "unread": daily("clean", suppress="broken_said"),
    },
    people_ask=True,
)
def p01_p02_what_people_ask_for(stage: Stage) -> None:
    """A list is held back and approved, people are forgotten, a list goes live again; all of it is explained."""
    sent, held, approved, released, unread = stage.materialize(
        Step(audience="people", partition=NEWEST),
        Step(audience="held"),
        Command(arguments=("approve", "held", "--file-digest", "{digest}", *WHY), of="held"),
        Step(audience="held", assets=AUDIENCE),
        Step(audience="unread", assets=(*IDENTIFIERS, *LIST), partition=NEWEST),
    )
    assert sent.success, sent
    assert list(held.said) == ["held__customer_list"]
    assert (approved.code, released.success) == (0, True), (approved, released)
    assert "could not be read to its end" in unread.said["unread__customer_list"]
    who_left = {hashlib.sha256(one.email.encode()).hexdigest() for one in FORGOTTEN}
    assert digests_sent(stage, "people") & who_left
    as_of_the_day_before(stage, "people")
    explained, refused, argued, forgotten, known, again, overlap, planned, plan, back = stage.materialize(
        Command(arguments=("explain",), stdin=ASKED),
        Command(arguments=("forget",), stdin=MISTYPED),
        Command(arguments=("forget", FORGOTTEN[0].email, FORGOTTEN[1].phone)),
        Command(arguments=("forget",), stdin=ASKED),
        Command(arguments=("explain",), stdin=ASKED),
        Step(audience="people", partition=NEWEST),
        Step(audience="people", key=tuple(overlap_key(PROJECT).path)),
        Step(audience="people", job=PLAN_JOB),
        Command(arguments=("plan",)),
        Command(arguments=("rollback", "people", BEFORE, *WHY)),
    )
    assert (explained.code, refused.code, argued.code, forgotten.code, known.code) == (0, 2, 2, 0, 0)
    assert (again.success, overlap.success, planned.success) == (True, True, True), (again, overlap, planned)
    # One of the audiences would be blocked.
    assert (plan.code, back.code) == (1, 0)
    held_by_spotify = digests_sent(stage, "people")
    assert held_by_spotify & digests()
    assert not held_by_spotify & who_left


@a_run(views=SOUND, audiences={"clean": audience("clean")}, people_ask=True)
def p01_p02_a_state_is_kept_up(stage: Stage) -> None:
    """People ask, some of them by mistake; the state is checked, copied, written out, given another key."""
    began = stage.materialize(
        Step(audience="clean"),
        Command(arguments=("forget", "--yes"), stdin=ASKED),
        Command(arguments=("forget", "--yes"), stdin=MISTAKEN),
    )
    assert [each.success or each.code == 0 for each in began] == [True] * 3, began
    mistake = re.findall(r"erasure-[0-9-]+-[0-9a-f]{8}", printed(stage))[-1]
    *done, again = stage.materialize(
        Command(arguments=("forget", "--take-back", mistake)),
        Command(arguments=("state", "backup", "backup.sqlite")),
        Command(arguments=("state", "export", "exported")),
        Command(arguments=("state", "check")),
        Step(audience="clean"),
    )
    assert ([each.code for each in done], again.success) == ([0] * 4, True), (done, again)
    shared = stage.place.shared
    another = {"SPOTIFY_PIPELINE_NEW_KEY": shared.next_key} if shared is not None else {}
    (changed,) = stage.materialize(Command(arguments=("state", "change-key")), environment=another)
    *left, out = stage.materialize(
        Command(arguments=("state", "check")),
        Step(audience="clean"),
        Command(arguments=("logout", "--all", "--yes")),
        environment={"SPOTIFY_PIPELINE_KEY": shared.next_key} if shared is not None else {},
    )
    assert (changed.code, left[0].code, left[1].success, out.code) == (0, 0, True, 0), (changed, left, out)


DBT = {
    "dbt_project.yml": """
name: spotify_pipeline_warehouse
version: "1.0.0"
config-version: 2
profile: canaries
flags: {send_anonymous_usage_stats: false, partial_parse: false}
""",
    "profiles.yml": """
canaries:
  target: local
  outputs:
    local: {type: duckdb, path: "{{ env_var('SPOTIFY_PIPELINE_WAREHOUSE') }}", schema: main, threads: 1}
""",
    "models/readers.sql": "{{ config(materialized='table') }} select cast(email as integer) as reader from " + PEOPLE,
}
"""A project like the demo's with one model, which takes seconds to parse instead of half a minute."""


@a_run(views={}, audiences={})
def p03_dbt_stops_on_a_row(stage: Stage) -> None:
    """DuckDB quotes the cell to dbt, and dbt writes what it is told wherever it can."""
    project = stage.place.root / "dbt"
    for name, content in DBT.items():
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    yaml = f"type: spotify_pipeline.WarehouseProject\nattributes: {{project_dir: {project}}}\n"
    stage.audiences["warehouse"] = yaml
    (ended,) = stage.materialize(Step(audience="warehouse", assets=()))
    assert any(
        "could not build or test model.spotify_pipeline_warehouse.readers" in each for each in ended.said.values()
    )
    assert not list((stage.place.home / "dbt").iterdir())


def as_of_the_day_before(stage: Stage, audience: str) -> None:
    """Have the list be that of the partition before."""
    stored = stage.place.lists.stored(audience, NEWEST)
    stage.place.lists.copy_list(stored, replace(stored[1], snapshot=BEFORE))
    stage.place.lists.delete_list(audience, NEWEST)


def printed(stage: Stage) -> str:
    """What the commands said."""
    return "".join(file.read_text() for file in sorted(stage.place.printed.glob("*.out")))


def digests_sent(stage: Stage, name: str) -> set[str]:
    """What Spotify received last for an audience."""
    (audience,) = [each for each in stage.sandbox.state.audiences.of(DEFAULTS.ad_account_id) if each.name == name]
    received = stage.sandbox.state.received_lists.of(audience.id)
    return set(re.findall("[0-9a-f]{64}", stage.sandbox.state.list_file(received[-1].id).read_text()))
