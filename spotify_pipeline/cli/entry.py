"""Where the command line begins, and where its errors end. It imports what a call needs: all of it takes seconds."""

from __future__ import annotations

import os
import sys

from spotify_pipeline.cli.version import say_version
from spotify_pipeline.errors import ExpectedError
from spotify_pipeline.printable import printable
from spotify_pipeline.process import no_core_dumps


def main() -> None:
    """Run the command line. Expected errors are printed as one sentence, without a stack trace."""
    if sys.argv[1:] == ["--version"]:
        say_version()
        return
    no_core_dumps()
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")  # nothing reports home
    from spotify_pipeline.cli.app import app
    from spotify_pipeline.cli.project import one_command

    try:
        with one_command():
            app()
    except ExpectedError as error:
        sys.stderr.write(f"error: {printable(str(error), lines=True)}\n")
        sys.exit(1)
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python must not complain at shutdown either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
