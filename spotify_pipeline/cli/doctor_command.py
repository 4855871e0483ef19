"""`spotify-pipeline doctor`: each thing that a sync needs, one line each."""

from __future__ import annotations

import sys
from functools import cache

import typer

from spotify_pipeline.cli.project import load_audiences
from spotify_pipeline.cli.readiness import Finding, State, readiness

MARKS = {State.OK: "ok  ", State.WARNING: "WARN", State.FAILED: "FAIL", State.UNKNOWN: "  ? "}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor() -> None:
    """Check everything that a sync needs: one line each, ok or what to do. Changes nothing at Spotify."""
    failed = False
    unmet: set[str] = set()
    for check in readiness(cache(load_audiences)):  # loading takes seconds
        missing = [need for need in check.needs if need in unmet]
        finding = Finding(State.UNKNOWN, f"not looked at before `{missing[0]}` is ok") if missing else check.look()
        if finding.state in (State.FAILED, State.UNKNOWN):
            unmet.add(check.name)
            failed = True
        sys.stdout.write(f"{MARKS[finding.state]}  {check.name}: {finding.sentence}\n")
        sys.stdout.flush()
    if failed:
        raise typer.Exit(1)
