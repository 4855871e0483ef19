"""Every call of a run can be seen afterwards: as a line of its log and as a row of a table, without a secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.run_log.calls import CALL_TOTALS, CALLS, MOST_ROWS, calls_metadata, new_call_log
from spotify_pipeline.sandbox import DEFAULTS, Fault, SandboxServer, named_fault
from spotify_pipeline.spotify import CallRecord
from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, change_people, metadata

COLUMNS = ["#", "method", "service", "route", "status", "seconds", "waited", "attempt", "trace id"]


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    return Deployment(load({"people": PEOPLE}))


def rows(value: object) -> list[dict[str, object]]:
    assert isinstance(value, dg.TableMetadataValue)
    assert [column.name for column in value.schema.columns] == COLUMNS
    return [dict(record.data) for record in value.records]


def shown_at(result: dg.ExecuteInProcessResult) -> dict[str, dg.MetadataValue]:
    """The metadata of the audience's materialization."""
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        if materialization.asset_key.path[-1] == "spotify_audience":
            return dict(materialization.metadata)
    raise AssertionError("the audience was not materialized")


def lines(deployment: Deployment, result: dg.ExecuteInProcessResult) -> list[str]:
    return [each.user_message for each in deployment.instance.all_logs(result.run_id)]


@pytest.mark.e2e
def test_each_request_that_spotify_saw_is_a_row_and_a_line(deployment: Deployment, sandbox: SandboxServer) -> None:
    result = deployment.run()
    seen = [(each["method"], str(each["status"])) for each in sandbox.state.requests.after(0)]
    table = rows(shown_at(result)[CALLS])
    # The last request is of the check `targetable`, which is a step of its own.
    assert [(row["method"], row["status"]) for row in table] == seen[:-1]
    assert [row["#"] for row in table] == list(range(1, len(seen)))
    assert {"accounts", "ads-api", "storage"} == {row["service"] for row in table}
    said = [line for line in lines(deployment, result) if re.match(r"(GET|POST|PUT) \S+ .*: \d+ in ", line)]
    for row, line in zip(table, said[:-1], strict=True):
        assert line.startswith(f"{row['method']} {row['service']} {row['route']}: {row['status']} in ")
    assert said[-1].startswith("GET ads-api /ad_accounts/{ad_account_id}/audiences/{audience_id}: 200 in ")


@pytest.mark.e2e
def test_a_failed_run_shows_its_calls_with_the_trace_ids(deployment: Deployment, sandbox: SandboxServer) -> None:
    sandbox.state.terms_accepted = False
    (failure,) = deployment.run().get_step_failure_events()
    failed = failure.step_failure_data.user_failure_data
    assert failed is not None
    shown = failed.metadata
    refused = [row for row in rows(shown[CALLS]) if row["status"] == "403"]
    assert refused
    assert all(row["trace id"] for row in refused)
    assert f"{len(refused)} refused" in str(shown[CALL_TOTALS].value)


@pytest.mark.e2e
def test_no_row_holds_a_secret_or_an_id(deployment: Deployment, sandbox: SandboxServer) -> None:
    table = str(rows(shown_at(deployment.run())[CALLS]))
    tokens = [each.id for each in sandbox.state.access_tokens.all()]
    for secret in (
        DEFAULTS.refresh_token,
        DEFAULTS.client_secret,
        DEFAULTS.ad_account_id,
        "X-Goog",
        "upload_id",
        *tokens,
    ):
        assert secret not in table


def test_of_many_calls_the_table_shows_how_it_began_and_how_it_ended() -> None:
    calls = new_call_log()
    for number in range(1, 1001):
        calls(
            CallRecord(
                service="storage",
                method="PUT",
                route="/{session}",
                status=None if number % 10 == 0 else 308,
                seconds=0.01,
                attempt=2 if number % 5 == 0 else 1,
                trace_id=None,
                waited=0.5,
            )
        )
    shown = calls_metadata(calls)
    assert [row["#"] for row in rows(shown[CALLS])] == [*range(1, 101), *range(901, 1001)]
    assert len(rows(shown[CALLS])) == MOST_ROWS
    assert shown[CALL_TOTALS].value == (
        "1,000 calls in 10.0 s, and 500.0 s of waiting before them; 200 were repetitions, 0 refused, 100 without an "
        "answer. 800 in the middle are left out of the table."
    )


@pytest.mark.e2e
def test_the_upload_s_progress_is_said_in_the_run_s_log(deployment: Deployment) -> None:
    result = deployment.run()
    size = metadata(result, "customer_list")["bytes"]
    progress = [line for line in lines(deployment, result) if line.startswith("Uploaded ")]
    assert progress[-1].startswith(f"Uploaded {size:,} of {size:,} bytes (100 %)")
    assert metadata(result, "spotify_audience")["bytes sent"] == size


@pytest.mark.e2e
def test_a_list_that_spotify_has_already_is_shown_as_unchanged(deployment: Deployment) -> None:
    assert deployment.run().success
    shown = metadata(deployment.run(), "spotify_audience")
    assert (shown["done"], shown["bytes sent"], shown["rows sent"], shown["rows in the list"]) == (
        "unchanged",
        0,
        0,
        30,
    )
    assert "storage confirmed size and checksum" not in shown


@pytest.mark.e2e
def test_what_a_run_recovered_from_another_is_shown(
    deployment: Deployment, sandbox: SandboxServer, environment: Path
) -> None:
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    sandbox.state.faults.script(
        Fault.model_validate({"operation": "create_audience", "before": [{"do": "reply", "status": 403}]})
    )
    assert not deployment.run().success
    assert sandbox.state.faults.unconsumed() == []
    result = deployment.run("spotify_audience")
    shown = metadata(result, "spotify_audience")
    assert shown["done"] == "created"
    assert shown["recovered"]
    assert shown["recovered"] in lines(deployment, result)


@pytest.mark.e2e
def test_what_the_client_remarks_stands_in_the_run_s_log(
    load: Callable[..., dg.Definitions], one_machine: dg.DagsterInstance, sandbox: SandboxServer
) -> None:
    sandbox.state.faults.script(named_fault("F03"))
    deployment = Deployment(load({"people": PEOPLE}), one_machine)
    result = deployment.run()
    assert result.success
    assert any("with a new URL" in line for line in lines(deployment, result))
