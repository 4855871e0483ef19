"""The command line as a person runs it: arguments in; output, errors and exit code out."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from spotify_pipeline.cli import main
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.cli.mirrored import Mirrored

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    out: str
    err: str
    code: int


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`run("digest", "--type", "email", stdin=b"...")`, in an empty folder, with a home of its own, of this project."""
    monkeypatch.chdir(tmp_path)
    for name in ("ID", "SECRET"):
        monkeypatch.delenv(f"SPOTIFY_CLIENT_{name}", raising=False)
    for name in ("REFRESH_TOKEN", "AD_ACCOUNT_ID", "ADS_API_URL", "AUTHORIZATION"):
        monkeypatch.delenv(f"SPOTIFY_{name}", raising=False)
    for name in ("TOKEN", "CONNECTION_ID", "URL"):
        monkeypatch.delenv(f"SPOTIFY_CAPI_{name}", raising=False)
    for name in ("STATE", "KEY", "NEW_KEY"):
        monkeypatch.delenv(f"SPOTIFY_PIPELINE_{name}", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("SPOTIFY_PIPELINE_HOME", str(tmp_path / "home"))

    def ran(*arguments: str, stdin: bytes = b"") -> Ran:
        project = () if "--project" in arguments else ("--project", str(ROOT))
        monkeypatch.setattr(sys, "argv", ["spotify-pipeline", *project, *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        printed = capsys.readouterr()
        return Ran(printed.out, printed.err, code)

    return ran


@pytest.fixture
def spotify(monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[SandboxServer]:
    """A sandbox that the environment points at, with its credentials."""
    with SandboxServer() as server:
        for name, value in {
            "SPOTIFY_ADS_API_URL": f"{server.url}/ads/v3",
            "SPOTIFY_ACCOUNTS_URL": server.url,
            "SPOTIFY_UPLOAD_HOSTS": f"127.0.0.1:{server.port}",
            "SPOTIFY_CLIENT_ID": DEFAULTS.client_id,
            "SPOTIFY_CLIENT_SECRET": DEFAULTS.client_secret,
            "SPOTIFY_REFRESH_TOKEN": DEFAULTS.refresh_token,
            "SPOTIFY_AD_ACCOUNT_ID": DEFAULTS.ad_account_id,
            "SPOTIFY_CAPI_URL": f"{server.url}/capi-direct/events/",
            "SPOTIFY_CAPI_CONNECTION_ID": DEFAULTS.capi_connection_id,
            "SPOTIFY_CAPI_TOKEN": DEFAULTS.capi_token,
        }.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def mirrored(tmp_path: Path, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Mirrored:
    """A home and a warehouse of one's own, and the sandbox as Spotify."""
    machine = Mirrored(tmp_path)
    monkeypatch.setenv("SPOTIFY_PIPELINE_WAREHOUSE", str(machine.warehouse))
    return machine
