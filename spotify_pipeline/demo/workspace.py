"""The demo's directory, and the settings with which the project runs there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spotify_pipeline.home import HomeError, atomic_private_file, private_directory
from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig
from spotify_pipeline.settings import DAGSTER_SETTINGS, NO_ENV_FILE

if TYPE_CHECKING:
    from spotify_pipeline.sandbox import SandboxServer

DIRECTORY = Path(".spotify_pipeline") / "demo"


@dataclass(frozen=True)
class DemoWorkspace:
    """The demo's directory below the project, and the port of its sandbox."""

    project: Path
    port: int

    @property
    def home(self) -> Path:
        """The demo's own home, separate from the project's."""
        return self.project / DIRECTORY

    @property
    def warehouse(self) -> Path:
        """The DuckDB file. dbt writes the name into the manifest, so it is the same everywhere."""
        return self.home / "warehouse" / "warehouse.duckdb"

    @property
    def dagster_home(self) -> Path:
        """Dagster's storage."""
        return self.home / "dagster"

    @property
    def sandbox_state(self) -> Path:
        """The sandbox's state."""
        return self.home / "sandbox"

    @property
    def sandbox_url(self) -> str:
        """The sandbox's origin."""
        return f"http://127.0.0.1:{self.port}"

    def exists(self) -> bool:
        """Whether a demo ran here."""
        return self.warehouse.exists() and self.dagster_home.exists()

    def prepare(self) -> None:
        """Create the directories, and write Dagster's settings for one machine.

        Raises:
            HomeError: they cannot be created or written.
        """
        private_directory(self.dagster_home)
        with atomic_private_file(self.dagster_home / "dagster.yaml") as file:
            file.write(DAGSTER_SETTINGS.read_bytes())

    def forget(self) -> None:
        """Remove all of the demo's state.

        Raises:
            HomeError: some of it cannot be removed.
        """
        if self.home.exists():
            try:
                shutil.rmtree(self.home)
            except OSError as error:
                raise HomeError(
                    f"{self.home} cannot be removed ({error.strerror}). Remove it yourself, then run again."
                ) from None

    def sandbox(self) -> SandboxServer:
        """The demo's Spotify. Its refresh tokens do not rotate, so the demo can change its port between two runs:
        a client stores tokens per address, and at a new address it has only the first one."""
        from spotify_pipeline.sandbox import SandboxServer

        config = SandboxConfig(rotate_refresh_tokens=False)
        return SandboxServer(config, port=self.port, state_directory=self.sandbox_state)

    def environment(self) -> dict[str, str]:
        """The settings: addresses and credentials of the sandbox, and the directories above."""
        return {
            "SPOTIFY_PIPELINE_HOME": str(self.home),
            "SPOTIFY_PIPELINE_WAREHOUSE": str(self.warehouse),
            "DAGSTER_HOME": str(self.dagster_home),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            NO_ENV_FILE: "1",
            "SPOTIFY_ADS_API_URL": f"{self.sandbox_url}/ads/v3",
            "SPOTIFY_ACCOUNTS_URL": self.sandbox_url,
            "SPOTIFY_UPLOAD_HOSTS": f"127.0.0.1:{self.port}",
            "SPOTIFY_CLIENT_ID": DEFAULTS.client_id,
            "SPOTIFY_CLIENT_SECRET": DEFAULTS.client_secret,
            "SPOTIFY_REFRESH_TOKEN": DEFAULTS.refresh_token,
            "SPOTIFY_AD_ACCOUNT_ID": DEFAULTS.ad_account_id,
            "SPOTIFY_CAPI_URL": f"{self.sandbox_url}/capi-direct/events/",
            "SPOTIFY_CAPI_CONNECTION_ID": DEFAULTS.capi_connection_id,
            "SPOTIFY_CAPI_TOKEN": DEFAULTS.capi_token,
        }
