"""`demo`, `sandbox`, `dev`: try the whole project without an account at Spotify."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Annotated

import typer

import spotify_pipeline
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import choose, current_settings, load_definitions, project
from spotify_pipeline.demo.raw_tables import DEFAULT_PEOPLE, RawTablesError
from spotify_pipeline.demo.workspace import DemoWorkspace
from spotify_pipeline.home import private_directory
from spotify_pipeline.sandbox import DEFAULT_PORT, DEFAULTS
from spotify_pipeline.settings import Project

SECONDS_TO_END = 10
TOO_FULL = 32 * 1024**2
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="The sandbox's port on 127.0.0.1.")]


def demo(
    people: Annotated[int, typer.Option(min=1, help="Number of people in the generated customer table.")] = (
        DEFAULT_PEOPLE
    ),
    port: PortOption = DEFAULT_PORT,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the state of earlier demos first.")] = False,
) -> None:
    """Mirror every audience of this project to a local Spotify, send a day of events, and show what arrived.

    Nothing leaves this machine. The state is kept, and `spotify-pipeline dev` shows it in the Dagster UI. A second
    demo finds the lists unchanged; with another number of people it replaces them.
    """
    place = DemoWorkspace(_example().root, port)
    # Importing Dagster takes seconds, which other commands should not cost.
    from spotify_pipeline.demo.run import DemoFailed, run_demo
    from spotify_pipeline.demo.table import outcome_table

    _refuse_taken_port(port)
    if fresh:
        place.forget()
    choose(project().root, place.environment())

    def say(sentence: str) -> None:
        sys.stdout.write(f"{sentence}\n")
        sys.stdout.flush()

    try:
        outcome = run_demo(place, people=people, load_definitions=load_definitions, say=say)
    except (DemoFailed, RawTablesError) as error:
        raise CommandError(str(error)) from None
    except Exception:
        # Libraries say it in many ways; the disk itself says it in one.
        if shutil.disk_usage(project().root).free < TOO_FULL:
            raise CommandError(
                f"The disk that {project().root} is on is full. Free some space, then run again."
            ) from None
        raise
    outcome_table(outcome).print()
    say(f"\nRun `make dev` to open this state in the Dagster UI; the sandbox's page is then at {place.sandbox_url}/.")
    if outcome.failed:
        raise CommandError(f"{len(outcome.failed)} audiences or feeds failed; see above.")
    if outcome.counted is not None and outcome.counted != outcome.delivered:
        raise CommandError("Spotify counts a different number of events than were delivered; see above.")


def _example() -> Project:
    """The project of this package's repository: what the demo mirrors, and `dev` opens."""
    found = project()
    if found.root_module != spotify_pipeline.__name__:
        raise CommandError(
            f"`demo` and `dev` need a checkout of spotify-pipeline's repository, whose example they run; {found.root} "
            "is not in one. In a project of your own, `dg dev` opens the Dagster UI, and `spotify-pipeline sandbox` "
            "runs a local Spotify."
        )
    return found


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"Port {port} is in use, perhaps by `make dev`. Stop that program, or choose another with --port."
            ) from None


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The Dagster UI's port on 127.0.0.1.")] = 3000,
    sandbox_port: PortOption = DEFAULT_PORT,
) -> None:
    """Open the Dagster UI on your settings if .env names a client id, else on the demo's state."""
    place = DemoWorkspace(_example().root, sandbox_port)
    own = current_settings().text("client_id") is not None
    if own:
        environment = dict(os.environ)
        sys.stdout.write("Using your own settings (SPOTIFY_CLIENT_ID is set).\n")
    else:
        if not place.exists():
            raise CommandError("There is nothing to open yet. Run `make demo` first, or fill in .env for your own.")
        environment = {**os.environ, **place.environment()}
    with nullcontext() if own else place.sandbox():
        if not own:
            sys.stdout.write(f"The sandbox's page: {place.sandbox_url}/\n")
        sys.stdout.write(f"The Dagster UI: http://127.0.0.1:{port}/\n")
        sys.stdout.flush()
        # Dagster reads a .env where it is started, and an empty line there would undo the demo's settings.
        _dagster_dev(port, environment, project().root if own else place.home)


def _dagster_dev(port: int, environment: dict[str, str], directory: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("dagster")),
        *("dev", "-w", str(project().root / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)),
    ]
    # The command is put together here from fixed words and a number.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with subprocess.Popen(command, env=environment, cwd=directory) as process:  # noqa: S603
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # A terminal has interrupted Dagster too, and it needs some seconds to end its processes.
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=SECONDS_TO_END)
            process.terminate()
            return
    if code:
        raise CommandError(f"Dagster ended with code {code}; the reason is above. Is port {port} in use?")


def sandbox(
    port: PortOption = DEFAULT_PORT,
    state: Annotated[
        Path | None, typer.Option(help="Keep everything in this directory; by default it is forgotten at the end.")
    ] = None,
) -> None:
    """Run a local Spotify: accounts service, Ads API, upload store, Conversions API, and a page for people."""
    from spotify_pipeline.sandbox import serve

    def announce(url: str) -> None:
        sys.stdout.write(
            f"A local imitation of Spotify is at {url} (its page for people too). Point the project at it with:\n\n"
            f"  SPOTIFY_ADS_API_URL={url}/ads/v3\n"
            f"  SPOTIFY_ACCOUNTS_URL={url}\n"
            f"  SPOTIFY_UPLOAD_HOSTS={url.removeprefix('http://')}\n"
            f"  SPOTIFY_CLIENT_ID={DEFAULTS.client_id}\n"
            f"  SPOTIFY_CLIENT_SECRET={DEFAULTS.client_secret}\n"
            f"  SPOTIFY_REFRESH_TOKEN={DEFAULTS.refresh_token}\n"
            f"  SPOTIFY_AD_ACCOUNT_ID={DEFAULTS.ad_account_id}\n"
            f"  SPOTIFY_CAPI_URL={url}/capi-direct/events/\n"
            f"  SPOTIFY_CAPI_CONNECTION_ID={DEFAULTS.capi_connection_id}\n"
            f"  SPOTIFY_CAPI_TOKEN={DEFAULTS.capi_token}\n\n"
            "Ctrl-C stops it.\n"
        )
        sys.stdout.flush()

    serve(port, private_directory(state) if state else None, announce=announce)
