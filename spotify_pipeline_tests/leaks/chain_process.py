"""The process that materializes audiences as a deployment does, and that may fail in any way or be killed."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import resource
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import httpx

from spotify_pipeline.home import private_directory
from spotify_pipeline.warehouse import segment
from spotify_pipeline_tests.components.runs import ASSETS, Deployment, definitions_of


@dataclass(frozen=True, kw_only=True)
class Step:
    """One run of Dagster."""

    audience: str
    assets: tuple[str, ...] = ASSETS
    faults: tuple[dict[str, Any], ...] = ()
    """What the sandbox is to do to it, as its page takes them."""
    spoil: str | None = None
    """A path below the home to damage before."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a process is to do, and in which surroundings."""

    environment: dict[str, str]
    working: Path
    printed: Path
    """The stem of the files that take its standard output and error."""
    audiences: dict[str, str]
    """The YAML of each audience of the deployment."""
    steps: tuple[Step, ...]
    sandbox: str
    """The origin of the sandbox."""
    largest_file: int | None = None
    """Bytes to which a file may grow, as on a disk that fills."""
    memory: str | None = None
    """What DuckDB may keep in memory."""


def perform(order: Order) -> None:
    """Do it, each step in a process of its own, as Dagster's daemon does it.

    What became of each step is written beside what was printed, for the test to read.
    """
    os.setpgid(0, 0)
    _enter(order)
    definitions = definitions_of(order.audiences)
    # SQLite is opened anew for each statement, so the processes may share the instance.
    with dg.DagsterInstance.get() as instance:
        deployment = Deployment(definitions, instance)
        for step in order.steps:
            # Once, and not in each of the processes.
            deployment.job(step.audience, step.assets)
        for step in order.steps:
            _faults(order.sandbox, step.faults)
            process = os.fork()
            if process:
                os.waitpid(process, 0)
                continue
            try:
                _run(order, deployment, step)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)


def _run(order: Order, deployment: Deployment, step: Step) -> None:
    if step.spoil is not None:
        _spoil(Path(order.environment["SPOTIFY_PIPELINE_HOME"]) / step.spoil)
    if order.largest_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, resource.RLIM_INFINITY))
    try:
        success: bool | None = deployment.run(*step.assets, audience=step.audience).success
    except Exception:
        # Dagster itself could not go on, as on a full disk. What it says of that is looked through, too.
        logging.getLogger(__name__).exception("Dagster stopped.")
        success = None
    _note(order.printed.with_suffix(".steps"), {"audience": step.audience, "success": success})


def _spoil(path: Path) -> None:
    """Damage the file in its middle; where there is none, put one in place of a directory."""
    if path.is_file():
        data = path.read_bytes()
        middle = len(data) // 2
        path.write_bytes(
            data[:middle] + bytes(byte ^ 0x55 for byte in data[middle : middle + 400]) + data[middle + 400 :]
        )
    else:
        private_directory(path.parent)
        path.touch(mode=0o600)


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
        segment.MEMORY_LIMIT = order.memory
        if segment.lock_down.__kwdefaults__:
            segment.lock_down.__kwdefaults__["memory_limit"] = order.memory


def _faults(sandbox: str, faults: tuple[dict[str, Any], ...]) -> None:
    for method, body in (("DELETE", None), ("POST", json.dumps(faults).encode())):
        httpx.request(method, f"{sandbox}/sandbox/faults", content=body).raise_for_status()


def _note(file: Path, outcome: dict[str, Any]) -> None:
    with file.open("a") as opened:
        opened.write(json.dumps(outcome) + "\n")
