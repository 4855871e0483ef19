"""Every command sees one environment: the project's `.env` over the shell, as Dagster itself has it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from spotify_pipeline_tests.settings.projects import made_project

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
DEFINITIONS = """
from pathlib import Path
import dagster as dg

@dg.definitions
def defs():
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""
ASSETS = """
import json, os
from pathlib import Path
import dagster as dg

def say(what):
    names = ("OF_SHELL", "OF_BOTH", "OF_FILE")
    Path(os.environ["SAID"], what).write_text(json.dumps([os.environ.get(name) for name in names]))

say("loaded")

@dg.asset
def seen():
    say("ran")

@dg.asset
def signed_in(spotify_ads: dg.ResourceParam[object]):
    spotify_ads.settings()
"""
SEEN = ["shell", "file", "file"]
"""What is seen of a variable that the shell sets, one that both set, and one that `.env` sets."""
ACCOUNT = "SPOTIFY_AD_ACCOUNT_ID"
LONGEST = 120


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    made_project(root, connection="client_id: shop", env="OF_BOTH=file\nOF_FILE=file\n")
    (root / "src" / "shop" / "__init__.py").touch()
    (root / "src" / "shop" / "defs" / "__init__.py").touch()
    (root / "src" / "shop" / "definitions.py").write_text(DEFINITIONS)
    (root / "src" / "shop" / "defs" / "assets.py").write_text(ASSETS)
    return root


def environment(root: Path, **also: str) -> dict[str, str]:
    """A shell of its own, in which nothing of this project is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SPOTIFY_", "DAGSTER_"))}
    said = {"SAID": str(root.parent), "OF_SHELL": "shell", "OF_BOTH": "shell", "DAGSTER_DISABLE_TELEMETRY": "1"}
    return {**kept, **said, "PYTHONPATH": str(root / "src"), **also}


def ran(
    root: Path, command: str, *arguments: str, said: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / command), *arguments],
        cwd=root,
        env=environment(root, **(said or {})),
        capture_output=True,
        text=True,
        check=False,
        timeout=5 * LONGEST,
    )


def seen(root: Path, what: str) -> list[str | None]:
    return json.loads((root.parent / what).read_text())


LAUNCHES = [
    ("dg", "launch", "--assets", "seen"),
    ("dagster", "asset", "materialize", "--select", "seen", "-m", "shop.definitions"),
]
CHECKS = [("dg", "check", "defs"), ("dagster", "definitions", "validate", "-m", "shop.definitions")]


@pytest.mark.parametrize("command", LAUNCHES, ids=" ".join)
def test_a_run_sees_the_file_over_the_shell(root: Path, command: tuple[str, ...]) -> None:
    ended = ran(root, *command)
    assert ended.returncode == 0, ended.stderr
    assert seen(root, "ran") == SEEN


@pytest.mark.parametrize("command", CHECKS, ids=" ".join)
def test_definitions_see_the_file_over_the_shell(root: Path, command: tuple[str, ...]) -> None:
    ended = ran(root, *command)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert seen(root, "loaded") == SEEN


def test_dg_dev_sees_the_file_over_the_shell(root: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(BIN / "dg"), "dev", "--port", str(port)]
    started = subprocess.Popen(command, cwd=root, env=environment(root), start_new_session=True)
    try:
        deadline = time.monotonic() + 5 * LONGEST
        while not (root.parent / "loaded").exists() or not (root.parent / "loaded").read_text():
            assert started.poll() is None, "dg dev ended"
            assert time.monotonic() < deadline, "dg dev loaded nothing"
            time.sleep(0.2)
    finally:
        os.killpg(started.pid, signal.SIGINT)
        try:
            started.wait(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()
    assert seen(root, "loaded") == SEEN


def test_the_command_line_sees_the_file_over_the_shell_and_says_so(root: Path) -> None:
    (root / ".env").write_text("SPOTIFY_AUTHORIZATION=agency\n")
    ended = ran(root, "spotify-pipeline", "doctor", said={"SPOTIFY_CLIENT_SECRET": "hunter2"})
    line = next(each for each in ended.stdout.splitlines() if each.startswith("ok    settings: "))
    assert f"from {root / '.env'}: SPOTIFY_AUTHORIZATION" in line
    assert "from the shell: SPOTIFY_CLIENT_SECRET" in line
    assert "defs.yaml:3: client_id" in line
    assert "hunter2" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("spotify-pipeline", "ad-accounts"),
        ("dg", "launch", "--assets", "signed_in"),
        ("dagster", "asset", "materialize", "--select", "signed_in", "-m", "shop.definitions"),
    ],
    ids=" ".join,
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process was started with")
def test_s08_an_account_of_the_shell_and_another_of_the_file_is_refused(root: Path, command: tuple[str, ...]) -> None:
    """A list went to the account of `.env`, whatever the shell said."""
    (root / ".env").write_text(f"{ACCOUNT}=7f0c2f0e-6c0b-4d3e-9a55-0f1c8a6d1b42\n")
    ended = ran(root, *command, said={ACCOUNT: "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a"})
    assert ended.returncode != 0
    said = " ".join((ended.stdout + ended.stderr).split())
    assert f"The shell and {root / '.env'} set {ACCOUNT} to different values." in said
    assert "ce4ff15e" not in said
    assert "7f0c2f0e" not in said
