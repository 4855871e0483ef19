"""The process that materializes audiences as a deployment does, and that may fail in any way or be killed."""

from __future__ import annotations

import faulthandler
import io
import json
import logging
import os
import resource
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import httpx

from spotify_pipeline.cli import main
from spotify_pipeline.cli.project import current_settings
from spotify_pipeline.home import private_directory
from spotify_pipeline.warehouse.duckdb import opening
from spotify_pipeline_tests.bucket_server import Objects
from spotify_pipeline_tests.components.runs import ASSETS, definitions_of


@dataclass(frozen=True, kw_only=True)
class Step:
    """One run of Dagster."""

    audience: str
    """Or the folder of a dbt project."""
    also: tuple[str, ...] = ()
    """Audiences whose assets are materialized in the same run."""
    assets: tuple[str, ...] = ASSETS
    partition: str = "once"
    job: str | None = None
    """A job to run instead; it has no partitions."""
    key: tuple[str, ...] = ()
    """An asset to materialize instead; it has no partitions."""
    faults: tuple[dict[str, Any], ...] = ()
    """What the sandbox is to do to it, as its page takes them."""
    spoil: str | None = None
    """A file of identifiers, or the folder of a list, to damage before."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command line; ``{digest}`` in an argument stands for that of the list that ``of`` has newest."""

    arguments: tuple[str, ...]
    stdin: bytes = b""
    of: str = ""
    faults: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a step or a command ended.

    Attributes:
        success: None where Dagster itself broke.
        said: what a person reads at each step of Dagster that failed.
        code: of a command.
    """

    success: bool | None = None
    said: dict[str, str] = field(default_factory=dict[str, str])
    code: int | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a process is to do, and in which surroundings."""

    environment: dict[str, str]
    working: Path
    printed: Path
    """The stem of the files that take its standard output and error."""
    audiences: dict[str, str]
    """The YAML of each audience of the deployment."""
    steps: tuple[Step | Command, ...]
    env_file: Path
    """Variables that were written for each later step to have; it need not be there."""
    sandbox: str
    """The origin of the sandbox."""
    largest_file: int | None = None
    """Bytes to which a file may grow, as on a disk that fills."""
    memory: str | None = None
    """What DuckDB may keep in memory."""


def perform(order: Order) -> None:
    """Do it, each step and command in a process of its own, as Dagster's daemon does it.

    What became of each step is written beside what was printed, for the test to read.
    """
    os.setpgid(0, 0)
    _enter(order)
    definitions = definitions_of(order.audiences)
    # SQLite is opened anew for each statement, so the processes may share the instance.
    with dg.DagsterInstance.get() as instance:
        # Once, and not in each of the processes.
        jobs = [_job(definitions, step) if isinstance(step, Step) else None for step in order.steps]
        for step, job in zip(order.steps, jobs, strict=True):
            _faults(order.sandbox, step.faults)
            os.environ.update(_variables(order.env_file))
            process = os.fork()
            if process:
                os.waitpid(process, 0)
                continue
            try:
                ended = _run(order, instance, step, job) if isinstance(step, Step) else _command(definitions, step)
                _note(order.printed.with_suffix(".steps"), asdict(ended))
            except BaseException:
                logging.getLogger(__name__).exception("The step has no end.")
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)


def _job(definitions: dg.Definitions, step: Step) -> dg.JobDefinition:
    if step.job is not None:
        return definitions.resolve_job_def(step.job)
    everything = definitions.resolve_implicit_global_asset_job_def()
    if not step.key and not step.assets:
        return everything
    keys = {dg.AssetKey([name, asset]) for name in (step.audience, *step.also) for asset in step.assets}
    return everything.get_subset(asset_selection={dg.AssetKey(step.key)} if step.key else keys)


def _run(order: Order, instance: dg.DagsterInstance, step: Step, job: dg.JobDefinition | None) -> Ended:
    assert job is not None
    if step.spoil is not None:
        _spoil(order.environment, step.spoil)
    if order.largest_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, resource.RLIM_INFINITY))
    try:
        result = job.execute_in_process(
            instance=instance,
            partition_key=step.partition if step.assets and not step.key and step.job is None else None,
            raise_on_error=False,
        )
    except Exception:
        # Dagster itself could not go on, as on a full disk. What it says of that is looked through, too.
        logging.getLogger(__name__).exception("Dagster stopped.")
        return Ended()
    return Ended(
        success=result.success, said={str(each.step_key): _said(each) for each in result.get_step_failure_events()}
    )


def _said(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    return data.error.message if data.error is not None else ""


def _command(definitions: dg.Definitions, command: Command) -> Ended:
    # The command line is of the audiences of this project; here it is of those of the deployment.
    dg.load_from_defs_folder = lambda **_: definitions
    lists = current_settings().snapshots.lists(command.of) if command.of else []
    digest = lists[0][1].sha256 if lists else ""
    sys.argv = ["spotify-pipeline", *(each.replace("{digest}", digest) for each in command.arguments)]
    sys.stdin = io.TextIOWrapper(io.BytesIO(command.stdin))
    try:
        main()
    except SystemExit as ended:
        return Ended(code=ended.code if isinstance(ended.code, int) else int(ended.code is not None))
    return Ended(code=0)


def _spoil(environment: dict[str, str], name: str) -> None:
    """Damage the file, or the list's, in its middle; where there is none, put one in place of a directory."""
    if "SPOTIFY_PIPELINE_LISTS" in environment:
        objects = Objects(environment["AWS_ENDPOINT_URL"], urlsplit(environment["SPOTIFY_PIPELINE_LISTS"]).netloc)
        ((key, content),) = [
            (key, content)
            for key, content in objects.all().items()
            if key.startswith(f"lists/{name}") and not key.endswith(".json")
        ]
        objects.write(key, _damaged(content))
        return
    path = Path(environment["SPOTIFY_PIPELINE_HOME"]) / "data" / name
    path = path / "customer_list.csv" if (path / "customer_list.csv").is_file() else path
    if path.is_file():
        path.write_bytes(_damaged(path.read_bytes()))
    else:
        private_directory(path.parent)
        path.touch(mode=0o600)


def _damaged(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0x55 for byte in data[middle : middle + 400]) + data[middle + 400 :]


def _enter(order: Order) -> None:
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(order.working)
    os.umask(0)
    tempfile.tempdir = None
    for stream, suffix in ((sys.stdout, ".out"), (sys.stderr, ".err")):
        stream.flush()
        descriptor = os.open(order.printed.with_suffix(suffix), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, stream.fileno())
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)
    faulthandler.register(signal.SIGUSR1)
    if order.memory is not None:
        # A deployment cannot set it; on a large warehouse it is what every run meets.
        opening.MEMORY_LIMIT = order.memory
        if opening.lock_down.__kwdefaults__:
            opening.lock_down.__kwdefaults__["memory_limit"] = order.memory


def _variables(file: Path) -> dict[str, str]:
    lines = file.read_text().splitlines() if file.exists() else []
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def _faults(sandbox: str, faults: tuple[dict[str, Any], ...]) -> None:
    for method, body in (("DELETE", None), ("POST", json.dumps(faults).encode())):
        httpx.request(method, f"{sandbox}/sandbox/faults", content=body).raise_for_status()


def _note(file: Path, outcome: dict[str, Any]) -> None:
    with file.open("a") as opened:
        opened.write(json.dumps(outcome) + "\n")
