"""A project outside this repository has a connection and audiences, by YAML alone."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.privacy import read_identifiers
from spotify_pipeline.sandbox import SandboxConfig, SandboxServer
from spotify_pipeline_tests.components.feeds import FEED
from spotify_pipeline_tests.components.projects import WITH_AUDIENCE, OtherProject, other_project
from spotify_pipeline_tests.components.runs import CONNECTION, PEOPLE, Deployment, said_by, writes

Load = Callable[..., dg.Definitions]
EVERYDAY = PEOPLE.replace("cadence: once", 'cadence: {every: day, at: "06:00", timezone: UTC}')

LIST = """
type: spotify_pipeline.SuppressionList
attributes:
  segment: {table: crm.people}
  identifiers: {email: email}
"""
BOUGHT = """
type: spotify_pipeline.WebEventAudience
attributes:
  name: Bought
  dataset: Web shop
  include: [PURCHASE]
  lookback_days: 30
"""


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A local Spotify in which two homes may begin with one refresh token."""
    with SandboxServer(SandboxConfig(minimum_rows=3, rotate_refresh_tokens=False)) as server:
        yield server


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """`load({"spotify/defs.yaml": ...})`: the definitions of a project with these files."""
    return lambda files, name="other_ads": other_project(tmp_path / "elsewhere", files, name).load(monkeypatch)


def mistake(load: Load, files: dict[str, str]) -> str:
    with pytest.raises(Exception) as refused:
        load(files)
    return innermost_mistake(refused.value)


def test_yaml_alone_brings_an_audience_to_spotify(load: Load, environment: Path, sandbox: SandboxServer) -> None:
    deployment = Deployment(load(WITH_AUDIENCE))
    assert deployment.run().success
    assert [each.name for each in sandbox.state.audiences.all()] == ["People"]
    assert not list((environment / "elsewhere").rglob(".spotify_pipeline"))


def test_what_is_put_into_a_project_s_namespace_is_prefixed(load: Load) -> None:
    files = {**WITH_AUDIENCE, "audiences/people/defs.yaml": EVERYDAY, "orders/defs.yaml": FEED}
    definitions = load(files)
    repository, graph = definitions.get_repository_def(), definitions.resolve_asset_graph()
    jobs = {each.name for each in repository.get_all_jobs()} - {"__ASSET_JOB"}
    steps = {node.name for job in ("spotify_plan",) for node in definitions.resolve_job_def(job).nodes}
    schedules, sensors = ({each.name for each in kind} for kind in (repository.schedule_defs, repository.sensor_defs))
    pools = {pool for key in graph.materializable_asset_keys for pool in graph.get(key).pools or ()}
    assert (len(jobs), len(schedules), len(sensors)) == (3, 4, 1)
    for name in {*jobs, *steps, *schedules, *sensors, *pools, *(definitions.resources or {})}:
        assert name.startswith("spotify_"), name
    of_the_audience_and_the_feed = {"people", "orders", "crm", "shop"}
    assert {key.path[0] for key in graph.get_all_asset_keys()} == {"spotify", *of_the_audience_and_the_feed}


def test_a_project_s_executor_is_its_own(load: Load) -> None:
    definitions = load(WITH_AUDIENCE)
    assert definitions.executor is None
    assert definitions.resolve_job_def("spotify_watch_audiences").executor_def is dg.in_process_executor


ASSETS = """
import dagster as dg

@dg.asset(key=["crm", "people"])
def people() -> None: ...
"""


@pytest.mark.parametrize("file", ["people.py", "spotify/people.py", "deep/er/people.py"])
def test_an_asset_that_writes_the_table_is_taken_for_the_segment_wherever_it_is(load: Load, file: str) -> None:
    folder = "spotify/" if file.startswith("spotify/") else ""
    connection = f"{(folder and 'spotify/connection/') or 'spotify/'}defs.yaml"
    definitions = load({connection: CONNECTION, "audiences/people/defs.yaml": EVERYDAY, file: ASSETS})
    assert definitions.resolve_asset_graph().get(dg.AssetKey(["crm", "people"])).is_materializable
    (schedule,) = [each for each in definitions.get_repository_def().schedule_defs if "mirror" in each.name]
    repository, now = definitions.get_repository_def(), datetime.now(UTC)
    with dg.build_schedule_context(repository_def=repository, scheduled_execution_time=now) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or []
    assert request.asset_selection is not None
    assert dg.AssetKey(["crm", "people"]) in request.asset_selection


@pytest.mark.parametrize(
    ("file", "yaml"),
    [
        ("audiences/people/defs.yaml", PEOPLE),
        ("orders/defs.yaml", FEED),
        (
            "kept_out/defs.yaml",
            LIST,
        ),
        (
            "bought/defs.yaml",
            BOUGHT,
        ),
    ],
)
def test_without_a_connection_each_component_says_what_to_add(load: Load, file: str, yaml: str) -> None:
    said = mistake(load, {file: yaml})
    assert f"{file}:2 attributes: this project has no connection to Spotify." in said
    assert "`dg scaffold defs spotify_pipeline.SpotifyAds spotify`" in said
    assert "`type: spotify_pipeline.SpotifyAds` into " in said
    assert "other_ads/defs/spotify/defs.yaml" in said


@pytest.mark.parametrize("more", [{}, {"audiences/people/defs.yaml": PEOPLE}])
def test_two_connections_are_refused_with_both_files(load: Load, more: dict[str, str]) -> None:
    said = mistake(load, {"spotify/defs.yaml": CONNECTION, "other/defs.yaml": CONNECTION, **more})
    assert "other/defs.yaml and " in said
    assert "spotify/defs.yaml. A project has one connection: remove the others." in said


def test_a_wrong_setting_is_refused_with_file_and_line(load: Load) -> None:
    said = mistake(load, {"spotify/defs.yaml": f"{CONNECTION}\nattributes:\n  ad_account_id: my account\n"})
    assert "ad_account_id" in said


def test_p02_a_secret_that_stands_in_the_file_is_refused_and_not_repeated(load: Load) -> None:
    with pytest.raises(Exception) as refused:
        load({"spotify/defs.yaml": f"{CONNECTION}\nattributes:\n  client_secret: hunter2hunter2\n"})
    assert "client_secret" in innermost_mistake(refused.value)
    error: BaseException | None = refused.value
    while error is not None:
        assert "hunter2hunter2" not in str(error)
        error = error.__cause__ or error.__context__


def test_a_variable_that_the_yaml_names_is_missed_where_it_is_used_and_nowhere_else(
    load: Load, environment: Path
) -> None:
    connection = f"{CONNECTION}\nattributes:\n  client_id: {{env: SHOP_CLIENT_ID}}\n"
    deployment = Deployment(load({**WITH_AUDIENCE, "spotify/defs.yaml": connection}))
    assert deployment.run("identifiers").success
    refused = said_by(deployment.run("customer_list", "spotify_audience"))
    assert "SHOP_CLIENT_ID is not set, which " in refused
    assert "spotify/defs.yaml:3 names for client_id." in refused


def test_p02_resources_show_the_names_of_variables_and_hold_no_value(
    load: Load, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_CLIENT_SECRET", "hunter2hunter2")
    resources = load(WITH_AUDIENCE).resources or {}
    assert resources["spotify_ads"].client_secret == dg.EnvVar("SPOTIFY_CLIENT_SECRET")
    assert type(resources["spotify_ads"]).model_fields["client_id"].description
    assert "hunter2hunter2" not in repr(resources)
    with pytest.raises(Exception) as refused:
        type(resources["spotify_ads"])(client_secret="hunter2hunter2")
    assert "hunter2hunter2" not in str(refused.value)


def test_a_test_replaces_resources_by_arguments(load: Load, environment: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE SCHEMA crm")
        connection.execute("CREATE TABLE crm.people AS SELECT 'ada@example.com' AS email, TRUE AS agreed")
    home = str(tmp_path / "of_the_test")
    definitions = load(WITH_AUDIENCE)
    assert dg.materialize(
        [each for each in definitions.assets or [] if isinstance(each, dg.AssetsDefinition)],
        selection=[dg.AssetKey(["people", "identifiers"])],
        partition_key="once",
        resources={
            **(definitions.resources or {}),
            "spotify_home": PipelineHome(home=home),
            "spotify_warehouse": WarehouseResource(warehouse=str(other), home=home),
        },
    ).success
    assert (tmp_path / "of_the_test" / "data" / "identifiers" / "people").is_dir()
    assert not (environment / "home").exists()


def test_relative_paths_and_the_default_home_are_below_the_project(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIFY_PIPELINE_HOME", raising=False)
    stated = f"{CONNECTION}\nattributes:\n  warehouse: data/warehouse.duckdb\n"
    resources = load({"spotify/defs.yaml": stated}).resources or {}
    root = tmp_path / "elsewhere" / "other_ads"
    assert resources["spotify_warehouse"].connected().warehouse == root / "data" / "warehouse.duckdb"
    assert resources["spotify_home"].connected().home == root / ".spotify_pipeline"


@pytest.mark.e2e
def test_two_projects_in_one_instance_collide_with_nothing(
    tmp_path: Path, environment: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both write to one ad account; each keeps its own home, signs in for itself and sends its own list."""
    instance, names = dg.DagsterInstance.ephemeral(), ("other_ads", "book_ads")
    projects = [_project_with_home(tmp_path, name) for name in names]
    loaded = [each.load(monkeypatch) for each in projects]
    shared = [
        {key for key in each.resolve_asset_graph().get_all_asset_keys() if key.path[0] == "spotify"} for each in loaded
    ]
    assert len(shared[0]) == 2
    assert not shared[0] & shared[1]
    deployments = [Deployment(each, instance) for each in loaded]
    now = datetime.now(UTC)
    (loaded[0].resources or {})["spotify_home"].ledger.record(
        read_identifiers(io.BytesIO(b"email:person1@example.com")),
        requested_at=now,
        deadline=now + timedelta(days=30),
        waiting=[names[0]],
    )
    # The other project's ledger knows nothing of that, and its runs must not miss it.
    for name, deployment in [*zip(names, deployments, strict=True)] * 2:
        assert deployment.run(audience=name).success
    assert len(sandbox.state.audiences.all()) == 2
    assert writes(sandbox) > 0


def _project_with_home(folder: Path, name: str) -> OtherProject:
    connection = f"{CONNECTION}\nattributes:\n  home: state\n"
    people = PEOPLE.replace("name: People", f"name: People of {name}")
    return other_project(folder, {"spotify/defs.yaml": connection, f"{name}/defs.yaml": people}, name)
