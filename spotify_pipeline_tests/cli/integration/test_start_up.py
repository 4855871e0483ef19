"""Commands that do without Dagster start without it: importing it takes seconds."""

from __future__ import annotations

import subprocess
import sys


def test_the_command_line_starts_without_dagster() -> None:
    check = "import sys, spotify_pipeline.cli; sys.exit('dagster' in sys.modules or 'dbt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
