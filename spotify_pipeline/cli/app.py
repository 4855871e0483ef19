"""The `spotify-pipeline` command: its subcommands, and how an error is said."""

from __future__ import annotations

import os
import sys

import typer
from dotenv import load_dotenv

from spotify_pipeline.cli import account_commands, demo_commands, digest_command, doctor_command, sign_in_commands
from spotify_pipeline.cli.errors import EXPECTED
from spotify_pipeline.cli.project import PROJECT
from spotify_pipeline.home import DEFAULT_HOME, HOME_VARIABLE

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Warehouse segments to Spotify audiences. Runs and schedules are Dagster's job; this is the rest.",
)
for commands in (demo_commands, sign_in_commands, account_commands, doctor_command, digest_command):
    commands.register(app)


def main() -> None:
    """Run the command line. What can be expected to go wrong is said in a sentence, without a stack trace."""
    load_dotenv(PROJECT / ".env")
    # From the command line the home is the project's, wherever the command is typed; and nothing reports home.
    os.environ.setdefault(HOME_VARIABLE, str(PROJECT / DEFAULT_HOME))
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    try:
        app()
    except EXPECTED as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python must not complain at shutdown either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
