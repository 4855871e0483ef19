"""Runs dbt so that nothing it prints reaches Dagster: its messages quote the cells they stumbled on (P03)."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.home import private_directory, private_umask
from spotify_pipeline.process import secrets_withheld
from spotify_pipeline.warehouse import WAREHOUSE_VARIABLE, SegmentError

if TYPE_CHECKING:
    from dagster_dbt import DbtCliResource

FAILED = frozenset({"error", "fail", "runtime error"})
KEEP_LOGS_VARIABLE = "SPOTIFY_PIPELINE_KEEP_DBT_LOGS"
"""Set it to 1 and what a failed build wrote stays for a while, dbt's log among it, which quotes people's data."""
KEPT = timedelta(days=14)
KILLED = timedelta(days=1)
"""What is older is of a build that was killed: no build takes so long."""
PARTIAL_PARSE = "partial_parse.msgpack"
NO_LOG = ("--log-level-file", "none")


def built_by_dbt(
    dbt: DbtCliResource, context: dg.AssetExecutionContext, *, home: Path, warehouse: Path | None
) -> Iterator[Any]:
    """Build and test the models that the run selects; yields their materializations and check results.

    dbt writes what it compiles into a private directory of the project's home, which is gone afterwards, and no log.
    Only where SPOTIFY_PIPELINE_KEEP_DBT_LOGS is 1, log and directory of a failed build stay for 14 days.

    Args:
        dbt: the command.
        context: of the run.
        home: the project's own directory.
        warehouse: the DuckDB file that dbt is told to build in; None leaves that to dbt's profile.

    Raises:
        dagster.Failure: a model or test failed; the message names them and how to see why, and quotes nothing.
    """
    keeps = os.environ.get(KEEP_LOGS_VARIABLE, "").strip() == "1"
    written = private_directory(home / "dbt" / context.run.run_id)
    _clear_away(written, older_than=time.time() - (KEPT if keeps else KILLED).total_seconds())
    built = False
    try:
        yield from _built(dbt, context, written, warehouse, keeps=keeps)
        built = True
    finally:
        if built or not keeps:
            shutil.rmtree(written, ignore_errors=True)


def parse_project(dbt: DbtCliResource, manifest: Path) -> None:
    """Have dbt write a project's manifest, which holds its files and nothing else.

    What dbt keeps for its next parse is private: it holds the environment variables that the project reads.

    Args:
        dbt: the command, of that project.
        manifest: where it is written.
    """
    with secrets_withheld(), private_umask() as umask:
        invocation = dbt.cli(["parse", "--quiet"], target_path=manifest.parent)
    invocation.wait()
    # The same people may read it as the project.
    manifest.chmod(0o666 & ~umask)
    with suppress(FileNotFoundError):
        # One that was there keeps its mode.
        (manifest.parent / PARTIAL_PARSE).chmod(0o600)


def _built(
    dbt: DbtCliResource, context: dg.AssetExecutionContext, written: Path, warehouse: Path | None, *, keeps: bool
) -> Iterator[Any]:
    build = ["build"] if keeps else ["build", *NO_LOG]
    with sanitized_failures():
        with secrets_withheld(), _warehouse_named(warehouse):
            invocation = dbt.cli(build, context=context, target_path=written, raise_on_error=False)
        with redirect_stdout(StringIO()):
            yield from invocation.stream()
        if not invocation.is_successful():
            failed = _failed(written)
            where = (
                f"are only in {written / 'dbt.log'}, on the machine of this run."
                if keeps
                else f"were not kept. Run `dbt build{_selecting(failed)}` in the dbt project to see them, or set "
                f"{KEEP_LOGS_VARIABLE}=1 and run again."
            )
            raise SegmentError(
                f"dbt could not build or test {', '.join(failed) or 'the project'}. Its messages may quote a person's "
                f"data, so they {where}"
            )


@contextmanager
def _warehouse_named(warehouse: Path | None) -> Generator[None]:
    """Name the warehouse in the environment that dbt starts with: its profile's default knows nothing of the home."""
    before = os.environ.get(WAREHOUSE_VARIABLE)
    if warehouse is not None:
        os.environ[WAREHOUSE_VARIABLE] = str(warehouse)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(WAREHOUSE_VARIABLE, None)
        else:
            os.environ[WAREHOUSE_VARIABLE] = before


def _selecting(failed: Sequence[str]) -> str:
    return f" --select {' '.join(each.split('.')[2] for each in failed if each.count('.') > 1)}" if failed else ""


def _clear_away(own: Path, older_than: float) -> None:
    """Remove what other builds wrote that began before, in seconds since the epoch, and never came to a good end."""
    for build in own.parent.iterdir():
        # Another run may remove its own meanwhile.
        with suppress(FileNotFoundError):
            if build != own and build.stat().st_mtime < older_than:
                shutil.rmtree(build, ignore_errors=True)


def _failed(written: Path) -> list[str]:
    """The models and tests that failed, as dbt's own result file names them."""
    try:
        results = json.loads((written / "run_results.json").read_text(encoding="utf-8"))["results"]
    except (OSError, ValueError, KeyError):
        return []
    return [str(each["unique_id"]) for each in results if each["status"] in FAILED]
