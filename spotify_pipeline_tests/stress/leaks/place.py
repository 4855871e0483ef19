"""A deployment of its own below one directory: all that it writes is below it, so all of it can be looked through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.customer_list.storage import Bucket
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.state import Key, ListsKey, StateStore
from spotify_pipeline.state import Place as StatePlace
from spotify_pipeline_tests.stress.leaks.canaries import write_warehouse
from spotify_pipeline_tests.stress.leaks.shared import Shared

DAGSTER_YAML = """
telemetry: {enabled: false}
nux: {enabled: false}
# What nobody should set, and somebody will: the loggers of all libraries in the run's log.
python_logs:
  managed_python_loggers: [root]
  python_log_level: DEBUG
"""

DG_TOML = """
directory_type = "project"
project = {root_module = "deployment"}
"""


@dataclass(frozen=True)
class Place:
    """The directories of one deployment, and what its machines share; None where it is one machine."""

    root: Path
    shared: Shared | None = None

    @property
    def home(self) -> Path:
        """The pipeline's own directory."""
        return self.root / "home"

    @property
    def dagster(self) -> Path:
        """Dagster's storage: events, runs, what steps printed."""
        return self.root / "dagster"

    @property
    def temporary(self) -> Path:
        """Where programs put temporary files."""
        return self.root / "tmp"

    @property
    def working(self) -> Path:
        """Where the processes start."""
        return self.root / "cwd"

    @property
    def env_file(self) -> Path:
        """Where the command line puts a secret that it made, and every process reads it."""
        return self.working / "capi.env"

    @property
    def printed(self) -> Path:
        """What the processes print, a file for each stream of each process."""
        return self.root / "printed"

    @property
    def warehouse(self) -> Path:
        """The source: the one file that the people come from, and that is not looked through."""
        return self.root / "warehouse" / "warehouse.duckdb"

    @property
    def state(self) -> StateStore:
        """What the deployment must not forget."""
        if self.shared is None:
            return StateStore.in_home(self.home)
        key = Key.of(self.shared.key)
        return StateStore(StatePlace.of(self.shared.database, self.home), self.home, key=lambda: key)

    @property
    def lists(self) -> SnapshotStore:
        """Its identifiers and lists."""
        if self.shared is None:
            return SnapshotStore.in_home(self.home)
        return SnapshotStore(Bucket(self.shared.objects.url, self.home / "scratch", ListsKey(self.state)))

    def prepare(self, views: dict[str, str], *, times: int) -> None:
        """Make it all: a warehouse with these views, and Dagster's settings."""
        for folder in (self.dagster, self.temporary, self.working, self.printed, self.warehouse.parent):
            folder.mkdir(parents=True)
        (self.dagster / "dagster.yaml").write_text(DAGSTER_YAML)
        (self.working / "dg.toml").write_text(DG_TOML)
        write_warehouse(self.warehouse, views, times=times)
        if self.shared is not None:
            self.state.create()
            self.shared.uncompress()

    def environment(self, sandbox: SandboxServer) -> dict[str, str]:
        """The settings of a process, and nothing else that this process happens to have."""
        return {
            "HOME": str(self.working),
            "TMPDIR": str(self.temporary),
            "PATH": "/usr/bin:/bin",
            "DAGSTER_HOME": str(self.dagster),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "SPOTIFY_PIPELINE_HOME": str(self.home),
            "SPOTIFY_PIPELINE_WAREHOUSE": str(self.warehouse),
            "SPOTIFY_ADS_API_URL": f"{sandbox.url}/ads/v3",
            "SPOTIFY_ACCOUNTS_URL": sandbox.url,
            "SPOTIFY_UPLOAD_HOSTS": f"127.0.0.1:{sandbox.port}",
            "SPOTIFY_CAPI_URL": f"{sandbox.url}/capi-direct/events/",
            "SPOTIFY_CAPI_CONNECTION_ID": DEFAULTS.capi_connection_id,
            "SPOTIFY_CLIENT_ID": DEFAULTS.client_id,
            "SPOTIFY_CLIENT_SECRET": DEFAULTS.client_secret,
            "SPOTIFY_REFRESH_TOKEN": DEFAULTS.refresh_token,
            "SPOTIFY_AD_ACCOUNT_ID": DEFAULTS.ad_account_id,
            **(self.shared.environment() if self.shared is not None else {}),
        }
