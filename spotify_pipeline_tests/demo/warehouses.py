"""Runs the dbt project as it ships, and reads what it made."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"
RAW_TABLES = ("customers", "consents", "events", "shop_events")


def run_dbt(
    warehouse: Path | None, *arguments: str, scratch: Path, project: Path = DBT_PROJECT
) -> subprocess.CompletedProcess[str]:
    """Run dbt on ``project``; what dbt writes beside the warehouse goes to ``scratch``.

    Args:
        warehouse: the DuckDB file; null leaves the variable that names it unset.
        arguments: dbt's command and options.
        scratch: a directory for dbt's target and logs.
        project: the project's directory.
    """
    environment = {name: value for name, value in os.environ.items() if name != "SPOTIFY_PIPELINE_WAREHOUSE"}
    environment |= {"DBT_TARGET_PATH": str(scratch / "target"), "DBT_LOG_PATH": str(scratch / "logs"), "NO_COLOR": "1"}
    if warehouse is not None:
        environment["SPOTIFY_PIPELINE_WAREHOUSE"] = str(warehouse)
    command = [sys.executable, "-m", "dbt.cli.main", *arguments, "--profiles-dir", "."]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


# A customer number and what it did: just inside a segment's window, or just outside.
CANCELLED = {1: "2026-11-16", 2: "2026-08-19", 3: "2026-08-18"}
ACTED = [
    (1, "listened", "2026-10-17 00:00:00", 1),
    (2, "listened", "2026-10-16 23:59:59", 1),
    (3, "listened", "2026-11-16 23:59:59", 1),
    (4, "newsletter_opened", "2026-09-17 00:00:00", 1),
    (5, "newsletter_opened", "2026-09-16 23:59:59", 1),
    (6, "purchase", "2026-11-01 12:00:00", 9),
    (7, "purchase", "2026-11-01 12:00:00", 10),
    (8, "purchase", "2026-11-01 12:00:00", 9),
    (8, "purchase", "2025-11-15 23:59:59", 1),
    (9, "purchase", "2026-11-01 12:00:00", 9),
    (9, "purchase", "2025-11-16 00:00:00", 1),
]
AT_THE_EDGES = range(1, 10)


def plant_people_at_the_edges(warehouse: Path) -> None:
    """Make the first nine customers do what CANCELLED and ACTED say, and nothing else; all allow the newsletter."""
    with duckdb.connect(warehouse) as connection:
        connection.execute("delete from raw.events where customer_id < 10")
        connection.execute("delete from raw.consents where customer_id < 10 and channel = 'newsletter'")
        connection.execute("update raw.customers set cancelled_on = null where customer_id < 10")
        for customer_id, day in CANCELLED.items():
            connection.execute("update raw.customers set cancelled_on = ? where customer_id = ?", [day, customer_id])
        for customer_id in AT_THE_EDGES:
            answer = [-customer_id, customer_id]
            connection.execute("insert into raw.consents values (?, ?, 'newsletter', true, '2026-01-01')", answer)
        for customer_id, event, moment, times in ACTED:
            for _ in range(times):
                row = [customer_id, event, moment]
                connection.execute("insert into raw.events values (uuid(), ?, ?, ?, null, null)", row)


def rows_of(warehouse: Path, table: str) -> list[dict[str, Any]]:
    """Read a table of a warehouse as dictionaries, in the order in which it is stored."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        cursor = connection.execute(f"select * from {table}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def content(warehouse: Path) -> str:
    """A hash of every value of the raw tables, in the order in which they are stored."""
    digest = hashlib.sha256()
    with duckdb.connect(warehouse, read_only=True) as connection:
        for table in RAW_TABLES:
            cursor = connection.execute(f"select * from raw.{table}")
            digest.update(repr((table, [column[0] for column in cursor.description])).encode())
            for row in cursor.fetchall():
                digest.update(repr(row).encode())
    return digest.hexdigest()
