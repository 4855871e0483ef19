"""Runs dbt so that nothing it prints reaches Dagster: its messages quote the cells they stumbled on (P03)."""

import json
import os
import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from spotify_pipeline.components.failures import failures_said_plainly
from spotify_pipeline.home import home_directory, private_directory
from spotify_pipeline.warehouse import WAREHOUSE_VARIABLE, SegmentError, warehouse_file

FAILED = frozenset({"error", "fail", "runtime error"})
KEPT = timedelta(days=14)
"""How long what a failed or killed build wrote stays: it may quote a person's data."""


def built_by_dbt(dbt: DbtCliResource, context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Build and test the models that the run selects; yields their materializations and check results.

    dbt writes what it compiles, and its log, into a private directory of the project's home. After a success that is
    removed; after a failure it stays for 14 days, for whoever may see the data.

    Raises:
        dagster.Failure: a model or test failed; the message names them and the log, and quotes nothing.
    """
    written = private_directory(home_directory() / "dbt" / context.run.run_id)
    _clear_away(written.parent, older_than=time.time() - KEPT.total_seconds())
    with failures_said_plainly():
        with _warehouse_named():
            invocation = dbt.cli(["build"], context=context, target_path=written, raise_on_error=False)
        with redirect_stdout(StringIO()):
            yield from invocation.stream()
        if not invocation.is_successful():
            raise SegmentError(
                f"dbt could not build or test {', '.join(_failed(written)) or 'the project'}. Its messages may quote "
                f"a person's data, so they are only in {written / 'dbt.log'}, on the machine of this run."
            )
    shutil.rmtree(written, ignore_errors=True)


@contextmanager
def _warehouse_named() -> Generator[None]:
    """Name the warehouse in the environment that dbt starts with: its profile's default knows nothing of the home."""
    before = os.environ.get(WAREHOUSE_VARIABLE)
    os.environ[WAREHOUSE_VARIABLE] = str(warehouse_file())
    try:
        yield
    finally:
        if before is None:
            del os.environ[WAREHOUSE_VARIABLE]
        else:
            os.environ[WAREHOUSE_VARIABLE] = before


def _clear_away(builds: Path, older_than: float) -> None:
    """Remove what builds wrote that began before, in seconds since the epoch, and never came to a good end."""
    for build in builds.iterdir():
        # Another run may remove its own meanwhile.
        with suppress(FileNotFoundError):
            if build.stat().st_mtime < older_than:
                shutil.rmtree(build, ignore_errors=True)


def _failed(written: Path) -> list[str]:
    """The models and tests that failed, as dbt's own result file names them."""
    try:
        results = json.loads((written / "run_results.json").read_text(encoding="utf-8"))["results"]
    except (OSError, ValueError, KeyError):
        return []
    return [str(each["unique_id"]) for each in results if each["status"] in FAILED]
