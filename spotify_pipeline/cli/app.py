"""The `spotify-pipeline` command: its subcommands, and how an error is printed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from spotify_pipeline.cli.audiences import approve, changes, overlap, plan, receipts, retire, rollback
from spotify_pipeline.cli.conversions import conversions
from spotify_pipeline.cli.demo import demo, dev, sandbox
from spotify_pipeline.cli.doctor import doctor
from spotify_pipeline.cli.errors import EXPECTED, CommandError
from spotify_pipeline.cli.init import init
from spotify_pipeline.cli.privacy import digest, erasures, explain, forget
from spotify_pipeline.cli.project import choose, one_command
from spotify_pipeline.cli.spotify import ad_accounts, audiences, authorizations, businesses, login, logout
from spotify_pipeline.cli.state import state
from spotify_pipeline.demo.workspace import DemoWorkspace
from spotify_pipeline.printable import printable
from spotify_pipeline.process import no_core_dumps
from spotify_pipeline.sandbox import DEFAULT_PORT
from spotify_pipeline.settings import Project

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Mirror warehouse segments to Spotify audiences and send events: everything that is not a Dagster run.",
)
for name, command in {
    "init": init,
    "demo": demo,
    "dev": dev,
    "sandbox": sandbox,
    "plan": plan,
    "approve": approve,
    "rollback": rollback,
    "overlap": overlap,
    "changes": changes,
    "forget": forget,
    "explain": explain,
    "erasures": erasures,
    "retire": retire,
    "login": login,
    "logout": logout,
    "authorizations": authorizations,
    "businesses": businesses,
    "ad-accounts": ad_accounts,
    "audiences": audiences,
    "doctor": doctor,
    "digest": digest,
}.items():
    app.command(name)(command)
app.add_typer(receipts, name="receipts")
app.add_typer(conversions, name="conversions")
app.add_typer(state, name="state")


_UNCHECKED = frozenset({"demo", "sandbox", "init", "digest", "doctor"})
"""Commands that take nothing from the environment, and `doctor`, which says what is wrong with it."""


@app.callback()
def chosen(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--project", metavar="DIR", exists=True, file_okay=False, help="The project; by default the one you are in."
        ),
    ] = None,
    use_demo: Annotated[
        bool, typer.Option("--demo", help="Use the demo's state and its local Spotify, as `make dev` does.")
    ] = False,
) -> None:
    """Choose the project and the settings that the commands use."""
    if not use_demo:
        choose(directory, unchecked=context.invoked_subcommand in _UNCHECKED)
        return
    place = DemoWorkspace(Project.find(directory or Path.cwd()).root, DEFAULT_PORT)
    if not place.exists():
        raise CommandError("There is no demo yet. Run `make demo` first.")
    choose(directory, place.environment())


def main() -> None:
    """Run the command line. Expected errors are printed as one sentence, without a stack trace."""
    no_core_dumps()
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")  # nothing reports home
    try:
        with one_command():
            app()
    except EXPECTED as error:
        sys.stderr.write(f"error: {printable(str(error), lines=True)}\n")
        sys.exit(1)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python must not complain at shutdown either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
