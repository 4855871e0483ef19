"""A project outside this repository adds a guard: the class on the page on extending, as it stands there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.cli import main
from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline.components.audiences.insights.plan import PlannedAction, plan_audience
from spotify_pipeline.components.connection import audience_definitions
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.mirror import Journal
from spotify_pipeline.mirror.receipts import ReceiptBook
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.projects import other_project
from spotify_pipeline_tests.components.runs import (
    CONNECTION,
    PEOPLE,
    Deployment,
    evaluations,
    metadata,
    said_by,
    writes,
)
from spotify_pipeline_tests.how_to import code_on

(MODULE,) = code_on("extend.md", "A guard", "python")
NAMED, AUDIENCE = code_on("extend.md", "A guard", "yaml")
CANARY = "canary-7f3a@example.com"
SAID = "[agreed size] The list has "
APPROVED = {"reason": "The agency agreed today.", "approved_by": "Kim"}
Load = Callable[..., dg.Definitions]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """`load(...)`: the definitions of a project with this connection, audience and module of guards."""

    def loaded(connection: str = NAMED, audience: str = AUDIENCE, module: str = MODULE) -> dg.Definitions:
        files = {"spotify/defs.yaml": connection, "audiences/people/defs.yaml": audience}
        folder = tmp_path / f"elsewhere{len(list(tmp_path.glob('elsewhere*')))}"
        project = other_project(folder, files, "my_project")
        (project.defs.parent / "guards.py").write_text(module, encoding="utf-8")
        return project.load(monkeypatch)

    return loaded


@pytest.mark.e2e
def test_it_holds_a_list_back_until_somebody_approves_and_stands_in_the_receipt(
    load: Load, environment: Path, sandbox: SandboxServer
) -> None:
    deployment = Deployment(load())
    held = deployment.run()
    (check,) = evaluations(held, "guards").values()
    assert not held.success
    assert SAID in str(check.description)
    assert "| agreed size | **blocked** |" in str(check.metadata["guards"].value)
    assert writes(sandbox) == 0

    digest = metadata(held, "customer_list")["file SHA-256"]
    sent = deployment.run("spotify_audience", send={"approve": {"file_digest": digest, **APPROVED}})
    assert sent.success, said_by(sent)
    journal = Journal(StateStore.in_home(environment / "home"))
    receipts = ReceiptBook(journal.state)
    (receipt,) = receipts.read("people", DEFAULTS.ad_account_id)
    decision = receipt.body["decision"]
    assert decision["limits"]["agreed_rows"] == 5
    assert (decision["findings"][-1]["guard"], decision["findings"][-1]["outcome"]) == ("agreed size", "overridden")
    assert receipt.body["approval"]["why"] == APPROVED["reason"]

    # The guard is gone, and with it its class; what it said stays.
    without = Deployment(load(CONNECTION, PEOPLE, "")).run("spotify_audience")
    assert without.success, said_by(without)
    assert [each.whole for each in receipts.verify()] == [True]
    assert receipts.read("people", DEFAULTS.ad_account_id)[0].body["decision"] == decision


@pytest.mark.usefixtures("environment")
def test_the_plan_says_what_it_would_hold_back(load: Load) -> None:
    (audience,) = audience_definitions(load())
    planned = plan_audience(
        audience,
        home=PipelineHome(),
        warehouse=WarehouseResource(),
        ad_account_of=lambda _: DEFAULTS.ad_account_id,
    )
    assert planned.action is PlannedAction.BLOCKED
    assert SAID in planned.sentence


@pytest.mark.e2e
def test_the_command_line_plans_it_and_approves_the_list(
    load: Load,
    environment: Path,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = Deployment(load())
    digest = metadata(deployment.run(quiet=True), "customer_list")["file SHA-256"]

    def command(*arguments: str) -> tuple[str, object]:
        project = str(environment / "elsewhere0" / "my_project")
        monkeypatch.setattr("sys.argv", ["spotify-pipeline", "--project", project, *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return capsys.readouterr().out, ended.value.code

    planned, code = command("plan", "people")
    assert SAID in planned
    assert code == 1
    approved, code = command(
        "approve", "people", "--file-digest", digest, "--reason", APPROVED["reason"], "--by", "Kim"
    )
    assert "Approved by Kim" in approved
    assert not code
    assert deployment.run("spotify_audience").success
    assert writes(sandbox)


@pytest.mark.e2e
@pytest.mark.usefixtures("environment")
def test_an_audience_that_states_no_limit_is_as_before(load: Load) -> None:
    assert Deployment(load(audience=PEOPLE)).run().success


def test_w13_one_that_raises_holds_the_list_back_and_its_message_is_withheld(
    load: Load, environment: Path, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str]
) -> None:
    raising = MODULE.replace("        most, rows", f"        raise LookupError('{CANARY}')\n        most, rows")
    held = Deployment(load(module=raising)).run()
    (check,) = evaluations(held, "guards").values()
    assert not held.success
    assert "The guard agreed size (my_project.guards.AgreedSize) failed with LookupError." in str(check.description)
    told = capfd.readouterr()
    assert CANARY not in f"{held.all_events} {told.out} {told.err}"
    assert writes(sandbox) == 0
    assert not list((environment / "home").glob("receipts/**/*.json"))


@pytest.mark.parametrize(
    ("connection", "audience", "module", "told"),
    [
        pytest.param(
            NAMED.replace("AgreedSize", "Agreed"),
            PEOPLE,
            MODULE,
            "spotify/defs.yaml:3 attributes.guards.0: The guard my_project.guards.Agreed cannot be used: "
            "my_project.guards has no Agreed. Correct the path.",
            id="path",
        ),
        pytest.param(
            NAMED,
            PEOPLE,
            MODULE.replace('"agreed size"', '"shrink"'),
            "spotify/defs.yaml:3 attributes.guards.0: The guard my_project.guards.AgreedSize cannot be used: there is "
            "a guard called shrink already, one of this package. Give it another name.",
            id="name of ours",
        ),
        pytest.param(
            NAMED,
            AUDIENCE.replace("agreed_rows: 5", "agreed_rows: many"),
            MODULE,
            "people/defs.yaml:7 attributes.guards.agreed_rows: Input should be a valid integer",
            id="type",
        ),
        pytest.param(
            NAMED,
            AUDIENCE.replace("agreed_rows: 5", "agreed_rows: null"),
            MODULE,
            "people/defs.yaml:7 attributes.guards.agreed_rows: a guard cannot be turned off; leave the line out",
            id="null",
        ),
        pytest.param(
            NAMED,
            AUDIENCE.replace("agreed_rows: 5", "agreed_row: 5"),
            MODULE,
            "people/defs.yaml:7 attributes.guards.agreed_row: no such field. Did you mean agreed_rows? Allowed: "
            "min_rows",
            id="field",
        ),
        pytest.param(
            CONNECTION,
            AUDIENCE,
            MODULE,
            "people/defs.yaml:7 attributes.guards.agreed_rows: no such field.",
            id="guard not named",
        ),
        pytest.param(
            NAMED,
            PEOPLE,
            MODULE.replace("    default=None,", "    #"),
            "people/defs.yaml:7 attributes.guards: lacks agreed_rows, which has no default: the most rows",
            id="missing",
        ),
    ],
)
def test_a_mistake_is_told_with_file_and_line_when_definitions_load(
    load: Load, connection: str, audience: str, module: str, told: str
) -> None:
    with pytest.raises(Exception) as refused:
        load(connection, audience, module)
    assert told in innermost_mistake(refused.value)
