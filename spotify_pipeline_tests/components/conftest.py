"""A project of one's own in a temporary folder: a dbt-free warehouse, YAML files, and what loading them says."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

import spotify_pipeline
from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer
from spotify_pipeline_tests.components.runs import definitions_of

ROOT = Path(spotify_pipeline.__file__).parents[1]
DBT_PROJECT = ROOT / "dbt_project"
DAGSTER_YAML = ROOT / "spotify_pipeline" / "settings" / "dagster.yaml"

GOOD = """
type: spotify_pipeline.CustomerListAudience
attributes:
  name: Lapsed subscribers
  segment:
    dbt_model: lapsed_subscribers
    consent_column: marketing_consent
  identifiers:
    email: [email, billing_email]
    phone: {column: phone, region_column: country, default_region: SE}
    device_id: device_id
  cadence: {every: week, on: monday, at: "06:00", timezone: Europe/Stockholm}
"""

WAREHOUSE = f"""
type: spotify_pipeline.WarehouseProject
attributes:
  project_dir: {DBT_PROJECT}
"""


@pytest.fixture(autouse=True)
def no_project_of_another_test() -> Iterator[None]:
    """Pages call a reader's package `my_project`: one test's must not be what the next one imports."""
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] == "my_project"]:
        del sys.modules[name]


@pytest.fixture
def load() -> Callable[..., dg.Definitions]:
    """`load({"folder": yaml}, ...)`: the definitions of those audiences, beside the project's own dbt models."""

    def loaded(audiences: dict[str, str]) -> dg.Definitions:
        return definitions_of({"warehouse": WAREHOUSE, **audiences})

    return loaded


@pytest.fixture
def mistake(load: Callable[..., dg.Definitions]) -> Callable[..., str]:
    """`mistake(yaml, folder="lapsed")`: what a person is told of a wrong file."""

    def said(content: str, folder: str = "lapsed") -> str:
        with pytest.raises(Exception) as refused:
            load({folder: content})
        return innermost_mistake(refused.value)

    return said


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A local Spotify that takes small lists."""
    with SandboxServer(SandboxConfig(minimum_rows=3)) as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment's environment: a home, a warehouse with `crm.people`, and the sandbox as Spotify."""
    warehouse = tmp_path / "warehouse" / "warehouse.duckdb"
    warehouse.parent.mkdir()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("CREATE SCHEMA crm")
        connection.execute(
            "CREATE TABLE crm.people AS SELECT 'person' || i || '@example.com' AS email, i % 4 <> 0 AS agreed "
            "FROM range(40) r(i)"
        )
    for name, value in {
        "SPOTIFY_PIPELINE_HOME": str(tmp_path / "home"),
        "SPOTIFY_PIPELINE_WAREHOUSE": str(warehouse),
        "SPOTIFY_ADS_API_URL": f"{sandbox.url}/ads/v3",
        "SPOTIFY_ACCOUNTS_URL": sandbox.url,
        "SPOTIFY_UPLOAD_HOSTS": f"127.0.0.1:{sandbox.port}",
        "SPOTIFY_CLIENT_ID": DEFAULTS.client_id,
        "SPOTIFY_CLIENT_SECRET": DEFAULTS.client_secret,
        "SPOTIFY_REFRESH_TOKEN": DEFAULTS.refresh_token,
        "SPOTIFY_AD_ACCOUNT_ID": DEFAULTS.ad_account_id,
        "SPOTIFY_CAPI_URL": f"{sandbox.url}/capi-direct/events/",
        "SPOTIFY_CAPI_TOKEN": DEFAULTS.capi_token,
        "SPOTIFY_CAPI_CONNECTION_ID": DEFAULTS.capi_connection_id,
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def one_machine(environment: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance on disk, set up as `spotify-pipeline init` does, which DAGSTER_HOME names."""
    dagster_home = environment / "dagster_home"
    dagster_home.mkdir()
    shutil.copy(DAGSTER_YAML, dagster_home)
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home))
    with dg.DagsterInstance.get() as instance:
        yield instance
