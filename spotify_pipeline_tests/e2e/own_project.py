"""A Dagster project of somebody who installed the wheel: a virtual environment, a folder, and commands run there."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

import duckdb

from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.dagster_ui import web_server

ROOT = Path(__file__).parents[2]
COMMANDS = ("create-dagster", "dagster", "dagster-webserver", "dg")
"""Commands of the dependencies that a project's person types."""
PEOPLE = 40
ONE_PROCESS = '{"execution": {"config": {"in_process": {}}}}'
"""Config of a run whose steps do not each load the definitions in a process of their own."""
AUDIENCE = """
type: spotify_pipeline.CustomerListAudience
attributes:
  name: {name}
  segment: {{{segment}}}
  identifiers: {{email: email}}
  cadence: once
  guards: {{min_rows: 3{guards}}}
"""


def run(*command: str | Path, cwd: Path = ROOT, variables: Mapping[str, str] | None = None, fails: bool = False) -> str:
    """What a command prints. It gets neither this checkout nor our environment of Python."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "SPOTIFY_", "DAGSTER_", "XDG_"))
    }
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**environment, "DAGSTER_DISABLE_TELEMETRY": "1", "NO_COLOR": "1", "COLUMNS": "200", **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + (done.stderr if fails else "")


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, built into a folder."""
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (built,) = folder.glob("*.whl")
    return built


def install(wheel: Path, folder: Path) -> Path:
    """A new virtual environment with the wheel; its `bin`. The dependencies are those of this one: nothing is
    downloaded. Their commands are written here, so that they start the new environment's Python."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps", "--python", python, wheel)
    for script in entry_points(group="console_scripts"):
        if script.name in COMMANDS:
            file = python.with_name(script.name)
            file.write_text(f"#!{python}\nimport sys\nfrom {script.module} import main\nsys.exit(main())\n")
            file.chmod(0o755)
    return python.parent


@dataclass(frozen=True)
class OwnProject:
    """A project that `create-dagster` wrote, with a HOME and a TMPDIR of its own beside it."""

    bin: Path
    root: Path
    module: str
    variables: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def create(cls, bin_: Path, folder: Path, name: str) -> OwnProject:
        """As `create-dagster` writes it, installed beside the wheel without its dependencies."""
        variables = {"PATH": f"{bin_}{os.pathsep}{os.defpath}"}
        for variable in ("HOME", "TMPDIR"):
            (folder / variable).mkdir(exist_ok=True)
            variables[variable] = str(folder / variable)
        run(bin_ / "create-dagster", "project", name, "--no-uv-sync", cwd=folder, variables=variables)
        project = cls(bin_, folder / name, name.replace("-", "_"), variables)
        editable = ("--offline", "--no-deps", "--no-build-isolation", "--editable", project.root)
        run(sys.executable, "-m", "uv", "pip", "install", "--python", bin_ / "python", *editable)
        return project

    @property
    def defs(self) -> Path:
        """The folder of its components."""
        return self.root / "src" / self.module / "defs"

    @property
    def warehouse(self) -> Path:
        """Its DuckDB file."""
        return self.root / "warehouse.duckdb"

    def __call__(self, command: str, *words: str, fails: bool = False) -> str:
        """What a command prints that is typed in the project's folder."""
        return run(self.bin / command, *words, cwd=self.root, variables=self.variables, fails=fails)

    def launch(self, audience: str, *, fails: bool = False) -> str:
        """`dg launch` of an audience's chain."""
        chosen = ("--assets", f"group:{audience}", "--partition", "once")
        return self("dg", "launch", *chosen, "--config-json", ONE_PROCESS, fails=fails)

    def write(self, file: str, text: str) -> Path:
        """Write a file of the project's Python package."""
        path = self.root / "src" / self.module / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), encoding="utf-8")
        return path

    def add_audience(self, folder: str, *, segment: str, name: str | None = None, guards: str = "") -> None:
        """Add the YAML of an audience; ``segment`` and ``guards`` are what goes into these mappings."""
        text = AUDIENCE.format(name=name or folder, segment=segment, guards=guards and f", {guards}")
        self.write(f"defs/audiences/{folder}/defs.yaml", text)

    def set_env(self, sandbox: SandboxServer, dagster_home: Path | None = None) -> None:
        """What a person fills into `.env`: the sandbox is Spotify."""
        values = {
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "DAGSTER_HOME": str(dagster_home or self.root / ".dagster_home"),
            "SPOTIFY_PIPELINE_WAREHOUSE": self.warehouse.name,
            "SPOTIFY_CLIENT_ID": DEFAULTS.client_id,
            "SPOTIFY_CLIENT_SECRET": DEFAULTS.client_secret,
            "SPOTIFY_REFRESH_TOKEN": DEFAULTS.refresh_token,
            "SPOTIFY_AD_ACCOUNT_ID": DEFAULTS.ad_account_id,
            "SPOTIFY_ADS_API_URL": f"{sandbox.url}/ads/v3",
            "SPOTIFY_ACCOUNTS_URL": sandbox.url,
            "SPOTIFY_UPLOAD_HOSTS": f"127.0.0.1:{sandbox.port}",
        }
        text = "".join(f"{name}={value}\n" for name, value in values.items())
        (self.root / ".env").write_text(text, encoding="utf-8")

    def fill_table(self, table: str = "crm.customers", people: int = PEOPLE) -> None:
        """Put so many people into a table of the warehouse."""
        schema, _, _ = table.partition(".")
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            connection.execute(
                f"CREATE OR REPLACE TABLE {table} AS SELECT 'person' || i || '@example.com' AS email, "
                f"true AS marketing_consent, true AS agreed, '070-17406' || (10 + i) AS phone, 'SE' AS country, "
                f"NULL::VARCHAR AS device_id FROM range({people}) r(i)"
            )


def files(*folders: Path) -> set[Path]:
    """Every file below some folders, but what Python compiles."""
    return {
        file for folder in folders for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts
    }


def dagster_ui(project: OwnProject) -> AbstractContextManager[str]:
    """Dagster's web server over a project; its address."""
    return web_server(
        project.bin,
        "-m",
        f"{project.module}.definitions",
        environment={
            **project.variables,
            "DAGSTER_HOME": str(project.root / ".dagster_home"),
            "DAGSTER_DISABLE_TELEMETRY": "1",
        },
        folder=project.root,
    )
