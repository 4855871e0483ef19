"""What a project adds around an audience: a check, an upstream asset, owners and tags, keys and groups of its own.

The code is that of docs/how-to/extend.md.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.sync.checkpoint import dagster_checkpoint
from spotify_pipeline.components.connection import audience_definitions
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.components.feeds import FEED, add_orders, days_ago, order
from spotify_pipeline_tests.components.integration.audiences.test_schedules import requests_at
from spotify_pipeline_tests.components.runs import (
    PEOPLE,
    Deployment,
    change_people,
    checks,
    definitions_of,
    digest,
    digests_at_spotify,
    writes,
)
from spotify_pipeline_tests.how_to import code_on

CHECK, TABLE, OWNERS = "A check of your own before a list is sent", "An asset that writes the table", "Owners and tags"
CHAIN = ("identifiers", "customer_list", "spotify_audience")


def documented(heading: str, language: str = "python") -> str:
    (code,) = code_on("extend.md", heading, language)
    return code


def runs_of(
    definitions: dg.Definitions, *keys: str, instance: dg.DagsterInstance | None = None
) -> dg.ExecuteInProcessResult:
    """A run of assets by their keys."""
    selected = {dg.AssetKey.from_user_string(key) for key in keys}
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection=selected)
    return job.execute_in_process(instance=instance, partition_key="once", raise_on_error=False)


@pytest.mark.e2e
@pytest.mark.parametrize(("largest", "sent"), [(1_000_000, True), (29, False)])
def test_a_blocking_check_of_a_project_stops_the_upload(
    environment: Path,
    sandbox: SandboxServer,
    largest: int,
    sent: bool,
) -> None:
    code = documented(CHECK).replace("LARGEST = 1_000_000", f"LARGEST = {largest}")
    deployment = Deployment(definitions_of({"win_back": PEOPLE, "contract.py": code}))
    result = deployment.run(audience="win_back")
    assert checks(result)["customer_list:within_the_contract"] is sent
    assert [
        event.step_materialization_data.materialization.asset_key.path[-1]
        for event in result.get_asset_materialization_events()
    ] == [each for each in CHAIN if sent or each != "spotify_audience"]
    assert (writes(sandbox) > 0) is sent


@pytest.mark.e2e
def test_an_asset_of_a_project_writes_the_table_before_its_people_are_read(
    environment: Path, sandbox: SandboxServer
) -> None:
    code = documented(TABLE).replace(
        "    ...\n",
        f"""
    import duckdb

    with duckdb.connect({str(environment / "warehouse" / "warehouse.duckdb")!r}) as connection:
        connection.execute("INSERT INTO crm.people VALUES ('new@example.com', true)")
""",
    )
    segment = documented(TABLE, "yaml").strip()
    audience = PEOPLE.replace("segment: {table: crm.people, consent_column: agreed}", segment)
    assert segment in audience
    definitions = definitions_of({"people": audience.replace("cadence: once", "cadence: {every: day}"), "crm.py": code})
    graph = definitions.resolve_asset_graph()
    assert graph.get(dg.AssetKey(["people", "identifiers"])).parent_keys == {dg.AssetKey(["crm", "people"])}
    (requested,) = requests_at(definitions, "spotify_mirror_every_day_at_06_00_utc", days_ago(0, hour=6))
    assert requested.asset_selection is not None
    assert requested.asset_selection[0] == dg.AssetKey(["crm", "people"])

    once = definitions_of({"people": audience, "crm.py": code})
    assert runs_of(once, "crm/people", *(f"people/{each}" for each in CHAIN)).success
    assert digest("new@example.com") in digests_at_spotify(sandbox)


@pytest.mark.e2e
def test_owners_tags_and_groups_are_set_by_post_processing(environment: Path, sandbox: SandboxServer) -> None:
    content = documented(OWNERS, "yaml")
    definitions = definitions_of({"win_back": content})
    specs = {
        spec.key.path[-1]: spec for spec in definitions.resolve_all_asset_specs() if spec.key.path[0] == "win_back"
    }
    assert set(specs) == set(CHAIN)
    for name, spec in specs.items():
        assert spec.owners == ["team:crm", "ada@example.com"]
        assert spec.group_name == "retention"
        assert spec.tags["cost_center"] == "marketing"
        assert spec.tags.get("criticality") == ("high" if name == "spotify_audience" else None)
    assert Deployment(definitions).run(audience="win_back").success
    assert len(digests_at_spotify(sandbox, name="Win back")) == 30


@pytest.mark.e2e
def test_a_prefix_is_before_the_folder_in_every_key_and_the_audience_stays_what_it_is(
    environment: Path, sandbox: SandboxServer
) -> None:
    instance = dg.DagsterInstance.ephemeral()
    assert Deployment(definitions_of({"people": PEOPLE}), instance).run().success
    prefixed = (
        PEOPLE.replace("attributes:\n", "attributes:\n  key_prefix: marketing/ads\n") + "  lookalike: Like them\n"
    )
    definitions = definitions_of({"people": prefixed})
    own = {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs() if "people" in spec.key.path}
    assert own == {"crm/people", *(f"marketing/ads/people/{each}" for each in (*CHAIN, "lookalike"))}

    (audience,) = audience_definitions(definitions)
    # What Dagster remembers of it under its old key still tells whether this machine's directory is outdated.
    remembered = dagster_checkpoint(instance, audience, DEFAULTS.ad_account_id)
    assert [number for number, _ in remembered.receipts.values()] == [1]
    change_people(environment, "DELETE FROM crm.people WHERE email = 'person1@example.com'")
    result = runs_of(definitions, *(f"marketing/ads/people/{each}" for each in CHAIN), instance=instance)
    assert result.success
    # The same audience: its list is replaced, by the journal that knows it by its folder.
    assert digest("person1@example.com") not in digests_at_spotify(sandbox)
    assert all(checks(result).values())


def test_a_feed_has_a_prefix_too(environment: Path, sandbox: SandboxServer) -> None:
    add_orders(environment, order(1, days_ago(1)))
    definitions = definitions_of({"orders": FEED.replace("attributes:\n", "attributes:\n  key_prefix: marketing\n")})
    own = {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs() if "orders" in spec.key.path}
    assert own == {"shop/orders", "marketing/orders/validated_events", "marketing/orders/delivery"}
