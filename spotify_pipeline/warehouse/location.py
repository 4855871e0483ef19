"""Finds the warehouse file of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from spotify_pipeline.home import home_directory

WAREHOUSE_VARIABLE = "SPOTIFY_PIPELINE_WAREHOUSE"


def warehouse_file() -> Path:
    """The DuckDB file named by ``SPOTIFY_PIPELINE_WAREHOUSE``; by default one in the project's home."""
    named = os.environ.get(WAREHOUSE_VARIABLE, "").strip()
    return Path(named).expanduser().absolute() if named else home_directory() / "warehouse" / "warehouse.duckdb"
