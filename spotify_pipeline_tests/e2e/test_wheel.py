"""The wheel as somebody installs it: what is in it, and that its command and its components are there."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "spotify_pipeline"


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a command prints. It gets neither this checkout nor our environment of Python."""
    withheld = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in withheld}
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment | {"NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment's `bin`. The dependencies are those of this one: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps", "--python", python, wheel)
    return python.parent


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    example = (ROOT / PACKAGE / "defs", ROOT / PACKAGE / "definitions.py")
    files = {file for file in (ROOT / PACKAGE).rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert held == {
        file.relative_to(ROOT).as_posix() for file in files if not any(file.is_relative_to(each) for each in example)
    }
    assert held


def test_the_installed_command_and_components_are_there(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert "Usage" in run(installed / PACKAGE.replace("_", "-"), "--help", cwd=tmp_path)
    listed = run(installed / "python", "-m", "dagster_dg_cli.cli", "list", "components", cwd=tmp_path)
    assert f"{PACKAGE}.CustomerListAudience" in listed
