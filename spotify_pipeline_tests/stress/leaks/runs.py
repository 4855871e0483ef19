"""The runs that are looked through: functions of a stage. A new one needs ``a_run`` above it and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.stress.leaks.canaries import MAIL_STEM, canaries, digests
from spotify_pipeline_tests.stress.leaks.chain_process import Step
from spotify_pipeline_tests.stress.leaks.segments import (
    ALL_TYPES,
    BROKEN,
    CONSENTS,
    SOUND,
    WRONG_TYPES,
    audience,
    audience_of_all_types,
    audience_of_emails,
    broken,
)
from spotify_pipeline_tests.stress.leaks.stage import Stage, staged
from spotify_pipeline_tests.stress.leaks.watch import Watch


@dataclass(frozen=True)
class Run:
    """One deployment and what is done in it.

    Attributes:
        name: as the table of findings shows it.
        play: does it, and asserts that it came about.
        views: the segments that it reads, besides the table of people.
        audiences: the YAML of each audience.
        times: how often the thousand people are in the table.
        people_ask: whether some of them ask to be forgotten.
    """

    name: str
    play: Callable[[Stage], None]
    views: dict[str, str]
    audiences: dict[str, str]
    times: int = 1
    people_ask: bool = False


RUNS: dict[str, Run] = {}


def a_run(
    *, views: dict[str, str], audiences: dict[str, str] | None = None, times: int = 1, people_ask: bool = False
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Register the function as a run over these segments; by default with an audience for each, of its name."""

    def registered(play: Callable[[Stage], None]) -> Callable[[Stage], None]:
        name = play.__name__
        chosen = audiences if audiences is not None else {view: audience(view) for view in views}
        RUNS[name] = Run(name, play, views=views, audiences=chosen, times=times, people_ask=people_ask)
        return play

    return registered


def runs_of(module: str) -> list[str]:
    """The names of the runs that a module defines."""
    return [name for name, run in RUNS.items() if run.play.__module__ == module]


def whole_chain(name: str) -> Step:
    """From the segment to Spotify."""
    return Step(audience=name)


def watched(name: str, root: Path, *, is_shared: bool = False) -> Watch:
    """Play the run of that name below ``root``; what was looked through, and what was found.

    ``is_shared``: with the state in PostgreSQL and the lists in a bucket.
    """
    run = RUNS[name]
    options = {"times": run.times, "people_ask": run.people_ask, "is_shared": is_shared}
    with staged(root, run.views, dict(run.audiences), **options) as stage:
        run.play(stage)
    return stage.watch


LITTLE_MEMORY = "80MB"
"""For the million rows of ``SORTED``."""
IDENTIFIERS, LIST, AUDIENCE = ("identifiers",), ("customer_list",), ("spotify_audience",)
SOUND_AUDIENCES = {**{view: audience(view) for view in (*SOUND, *CONSENTS)}, "all_types": audience_of_all_types()}
OTHERS = (*CONSENTS, "all_types")
"""They share a run."""


@a_run(views={**SOUND, **CONSENTS, **ALL_TYPES}, audiences=SOUND_AUDIENCES)
def p01_p05_all_goes_well(stage: Stage) -> None:
    """Every dirt, every consent and every type, through the whole chain."""
    clean, others = stage.materialize(whole_chain("clean"), Step(audience="dirty", also=OTHERS))
    assert clean.success, clean
    assert set(others.said) == {
        *(f"{name}__customer_list" for name in ("consent_of_people", "consent_null")),
        "consent_bytes__identifiers",
    }
    assert {each.name for each in stage.sandbox.state.audiences.of(DEFAULTS.ad_account_id)} == {
        "clean",
        "dirty",
        "all_types",
    }
    assert stage.unfinished() == []
    (audience_id,) = {
        each.id for each in stage.sandbox.state.audiences.of(DEFAULTS.ad_account_id) if each.name == "clean"
    }
    (received,) = stage.sandbox.state.received_lists.of(audience_id)
    assert digests() & set(re.findall("[0-9a-f]{64}", stage.sandbox.state.list_file(received.id).read_text()))


@a_run(views={**BROKEN, **WRONG_TYPES})
def p03_segments_break(stage: Stage) -> None:
    """The warehouse stops on a row, and says which; or a column has a type that cannot be read."""
    first, *others = BROKEN
    types = tuple(WRONG_TYPES)
    broke, *unreadable = stage.materialize(
        Step(audience=first, also=tuple(others), assets=IDENTIFIERS),
        *(Step(audience=view, assets=IDENTIFIERS) for view in types),
    )
    assert set(broke.said) == {f"{view}__identifiers" for view in BROKEN}
    assert [each for each in broke.said.values() if "could not be read to its end" not in each] == []
    said = [list(each.said) for each in unreadable]
    assert said == [[f"{view}__identifiers"] for view in types], said


def echo(status: int, also: str) -> str:
    """An answer that says again what it was sent, and more."""
    rows = "\n".join(sorted(digests())[:50])
    return f"{status}: {rows} {canaries()[0].email} X-Goog-Signature=77&upload_id=77 {DEFAULTS.refresh_token} {also}"


def said_back(operation: str, status: int, *, also: str = "") -> dict[str, object]:
    """A fault that answers with an echo, in the shapes of the Ads API's errors, the token endpoint's and others."""
    said = echo(status, also)
    body = {
        "message": said,
        "errors": [{"index": 0, "field": said, "reason": said}],
        "messages": [said],
        "error_codes": [{"code": said, "definition": said}],
        "error": "invalid_request",
        "error_description": said,
    }
    reply = {"do": "reply", "status": status, "body": json.dumps(body), "headers": {"Content-Type": "application/json"}}
    return {"operation": operation, "times": "always", "before": [reply]}


REFUSALS: tuple[tuple[dict[str, object], ...], ...] = (
    (said_back("start_upload", 403),),
    (said_back("put_upload", 403),),
    (said_back("create_audience", 400),),
    (said_back("token", 400), {"name": "unauthorized", "times": "always"}),
)

REVOKED: tuple[dict[str, object], ...] = (
    {"name": "invalid_grant", "times": "always"},
    {"name": "unauthorized", "times": "always"},
)
"""Last, for nothing gets as far as Spotify afterwards."""
MENDED: tuple[dict[str, object], ...] = (
    {"name": "F05"},
    {"name": "F16"},
    {"name": "refused", "status": 500},
    {"name": "answer_lost"},
)
UPLOADS: dict[str, tuple[dict[str, object], ...]] = {
    "expired": ({"name": "F03", "times": "always"},),
    "redirected": ({"name": "F22", "times": "always"},),
    "changed": ({"name": "F26", "times": "always"},),
    "mended": MENDED,
}
"""Each to an audience that Spotify has not yet; the client gets over the last."""


@a_run(views=SOUND, audiences={name: audience("clean") for name in ("clean", *UPLOADS)})
def p02_spotify_fails(stage: Stage) -> None:
    """Spotify refuses, breaks off, and says again in its answers what it was sent."""
    list_built, *ended, revoked = stage.materialize(
        Step(audience="clean", also=tuple(UPLOADS), assets=(*IDENTIFIERS, *LIST)),
        *(Step(audience="clean", assets=AUDIENCE, faults=faults) for faults in REFUSALS),
        *(Step(audience=name, assets=AUDIENCE, faults=faults) for name, faults in UPLOADS.items()),
        Step(audience="clean", faults=REVOKED),
    )
    *refused, mended = ended
    assert list_built.success, list_built
    assert [each.success for each in refused] == [False] * (len(REFUSALS) + len(UPLOADS) - 1)
    # Each failure is one of its own: none comes of a guard, or of the one before.
    assert not [each for each in refused if "held back" in str(each.said) or "authorization" in str(each.said)]
    assert mended.success, mended
    assert {each.name for each in stage.sandbox.state.audiences.of(DEFAULTS.ad_account_id)} == {"mended"}
    assert "no longer accepts the stored authorization" in str(revoked.said)
    assert stage.asked() >= {"token", "create_audience", "start_upload", "put_upload"}


@a_run(views=SOUND, audiences={name: audience("clean") for name in ("one", "two", "three", "four")})
def p02_each_asset_fails(stage: Stage) -> None:
    """The files of an asset cannot be written, or are damaged when the next one reads them."""
    unwritable = [
        Step(audience="one", assets=IDENTIFIERS, spoil="identifiers/one"),
        Step(audience="two", assets=(*IDENTIFIERS, *LIST), spoil="customer_lists/two"),
    ]
    if stage.place.shared is not None:  # a bucket has no directory that something could stand in the place of
        unwritable = []
    ended = stage.materialize(
        *unwritable,
        Step(audience="three", assets=IDENTIFIERS),
        Step(audience="three", assets=LIST, spoil="identifiers/three/once.parquet"),
        Step(audience="four", assets=(*IDENTIFIERS, *LIST)),
        Step(audience="four", assets=AUDIENCE, spoil="customer_lists/four/once"),
    )
    assert [each.success for each in ended] == [False] * len(unwritable) + [True, False, True, False]
    failed = [step for each in ended for step in each.said]
    assert failed == [
        *("one__identifiers", "two__customer_list")[: len(unwritable)],
        "three__customer_list",
        "four__spotify_audience",
    ]


SHUFFLED = {"shuffled": "SELECT * FROM crm.people ORDER BY random()"}
"""The same people over and over make a small file, in any order but this."""


@a_run(views=SHUFFLED, times=200)
def p02_disk_is_full(stage: Stage) -> None:
    """A limit on the size of files stands for the full disk: the same calls fail in the same places."""
    step = Step(audience="shuffled", assets=IDENTIFIERS)
    # There is room for Dagster's own files, and then for none.
    (full,) = stage.materialize(step, largest_file=300_000)
    assert list(full.said) == ["shuffled__identifiers"]
    (fuller,) = stage.materialize(step, largest_file=60_000)
    assert not fuller.success
    assert stage.unfinished() == []


MANY = {
    "many": f"""SELECT '{MAIL_STEM}-' || row_number() OVER () || '@example.com' AS email, 'true' AS agreed
    FROM crm.people, range(5)"""
}
"""A person in each row, for a guard holds back lists of the same over and over."""


@a_run(views=MANY, audiences={name: audience_of_emails("many") for name in ("first", "second")}, times=60)
def p08_processes_are_killed(stage: Stage) -> None:
    """SIGKILL while identifiers are written, while the list is, and in the middle of the upload."""
    process = stage.begin(Step(audience="first", assets=IDENTIFIERS))
    stage.kill(process, lambda: stage.being_built("once.parquet"))
    assert stage.unfinished() != []
    assert stage.materialize(Step(audience="first", assets=IDENTIFIERS))[0].success
    assert stage.unfinished() == []
    process = stage.begin(Step(audience="first", assets=LIST))
    stage.kill(process, lambda: stage.being_built("customer_list.csv"))
    assert stage.unfinished() != []
    assert stage.materialize(Step(audience="first", assets=LIST))[0].success
    assert stage.unfinished() == []
    process = stage.begin(Step(audience="second", faults=({"name": "F24", "seconds": 30},)))
    faults, watch = stage.sandbox.state.faults, stage.watch
    # Once the session was seen in the state, so that it is looked for.
    stage.kill(process, lambda: bool(faults.report()) and not faults.unconsumed() and watch.sessions > 0)
    assert stage.materialize(Step(audience="second", assets=AUDIENCE))[0].success
    assert stage.unfinished() == []


SORTED = {"sorted": "SELECT people.* FROM crm.people, range(5) ORDER BY email, phone, seen"}


@a_run(
    views={**SORTED, **SOUND},
    audiences={"sorted": audience_of_emails("sorted"), "clean": audience_of_emails("clean")},
    times=200,
)
def p07_p08_what_does_not_fit_in_memory_is_spilled(stage: Stage) -> None:
    """DuckDB writes raw rows to its own directory, which only its owner may enter, and which is empty afterwards."""
    step = Step(audience="sorted", assets=IDENTIFIERS)
    process = stage.begin(step, memory=LITTLE_MEMORY)
    stage.kill(process, lambda: any(each.stat().st_size for each in stage.place.home.glob("spill/*/*")))
    assert stage.unfinished() != [], "nothing was spilled"
    # One that spills nothing itself.
    assert stage.materialize(Step(audience="clean", assets=IDENTIFIERS))[0].success
    assert stage.unfinished() == []
    assert stage.materialize(step, memory=LITTLE_MEMORY)[0].success
    assert stage.unfinished() == []


@a_run(views={**SOUND, **broken("cast", "CAST(email AS INTEGER)::VARCHAR")})
def p06_dagster_withholds_user_code_errors(stage: Stage) -> None:
    """Dagster's own protection changes nothing: there is nothing for it to withhold."""
    broken_cast, refused = stage.materialize(
        Step(audience="broken_cast", assets=IDENTIFIERS),
        Step(audience="clean", faults=(said_back("create_audience", 400),)),
        environment={"DAGSTER_REDACT_USER_CODE_ERRORS": "1"},
    )
    assert list(broken_cast.said) == ["broken_cast__identifiers"]
    assert list(refused.said) == ["clean__spotify_audience"]
    assert "create_audience" in stage.asked()


@a_run(views=SOUND, audiences={"clean": audience("clean")})
def p02_a_step_that_is_to_be_tried_again(stage: Stage) -> None:
    """Spotify is away for long: the failure is written down, and the process is killed while it waits."""
    process = stage.begin(Step(audience="clean", faults=(said_back("create_audience", 503),)))
    stage.kill(
        process, lambda: any(b"STEP_UP_FOR_RETRY" in file.read_bytes() for file in stage.place.printed.glob("*.err"))
    )
