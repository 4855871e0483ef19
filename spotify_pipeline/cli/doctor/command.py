"""`spotify-pipeline doctor`: each thing that a sync needs, one line each."""

from __future__ import annotations

import sys
from functools import cache

import typer

from spotify_pipeline.cli.doctor.check_result import CheckResult, State
from spotify_pipeline.cli.doctor.readiness import readiness
from spotify_pipeline.cli.project import audience_accounts, feed_connections, load_definitions
from spotify_pipeline.printable import printable

MARKS = {State.OK: "ok  ", State.WARNING: "WARN", State.FAILED: "FAIL", State.UNKNOWN: "  ? "}


def doctor() -> None:
    """Check everything that a sync needs: one line each, ok or what to do. Changes nothing at Spotify."""
    failed = False
    unmet: set[str] = set()
    definitions = cache(load_definitions)  # loading takes seconds
    for check in readiness(lambda: audience_accounts(definitions()), lambda: feed_connections(definitions())):
        missing = [need for need in check.needs if need in unmet]
        result = CheckResult(State.UNKNOWN, f"not looked at before `{missing[0]}` is ok") if missing else check.look()
        if result.state in (State.FAILED, State.UNKNOWN):
            unmet.add(check.name)
            failed = True
        sys.stdout.write(f"{MARKS[result.state]}  {check.name}: {printable(result.sentence)}\n")
        sys.stdout.flush()
    if failed:
        raise typer.Exit(1)
