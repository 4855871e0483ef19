"""`--version`: at once, with nothing imported that takes its time."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

from spotify_pipeline_tests.cli.conftest import Run

SAID = f"spotify-pipeline {version('spotify-pipeline')}\n"
SLOW = ("dagster", "duckdb", "httpx", "polars", "pyarrow", "pydantic", "sqlalchemy", "typer")
PROGRAM = (
    "import sys; sys.argv = ['spotify-pipeline', '--version']\n"
    "from spotify_pipeline.cli import main; main()\n"
    f"print(*sorted({set(SLOW)} & set(sys.modules)))"
)


def test_it_is_said_and_nothing_slow_is_imported_for_it() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert said == f"{SAID}\n"


def test_it_is_said_beside_other_options(run: Run) -> None:
    said = run("--version")  # the project is named before it
    assert (said.out, said.code) == (SAID, 0)


def test_help_names_all_commands_and_a_slip_is_understood(run: Run) -> None:
    assert all(f" {each} " in run("--help").out for each in ("plan", "receipts", "state", "conversions", "--version"))
    assert "Did you mean 'plan'?" in run("plam").err
