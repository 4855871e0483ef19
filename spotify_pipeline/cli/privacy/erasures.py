"""`spotify-pipeline erasures`: every request to be forgotten, and where it stands."""

from __future__ import annotations

import sys

from spotify_pipeline.cli.project import project_state
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.mirror.guards import counted
from spotify_pipeline.privacy import ErasureLedger, ErasureRequest


def erasures() -> None:
    """List the requests to be forgotten: when made, their deadline, and the audiences that each waits for.

    Until its deadline a request can be taken back: `spotify-pipeline forget --take-back REQUEST`.
    """
    columns = ("request", "made", "due", "identifiers", "standing", "confirmed by")
    ledger = ErasureLedger(project_state())
    print_table("requests", columns, [_cells(each) for each in ledger.requests()])
    if older := ledger.by_older_rules():
        sys.stdout.write(
            f"Read by an older version of the identity rules: {', '.join(each.id for each in older)}. An identifier in "
            "them that was entered in a damaged form, such as a phone number as 46701234567.0, has to be entered "
            "again: spotify-pipeline forget.\n"
        )


def _cells(request: ErasureRequest) -> tuple[str, ...]:
    confirmed = f"{request.confirmed.by}, {request.confirmed.at:%Y-%m-%d}" if request.confirmed is not None else ""
    days = f"{request.requested_at:%Y-%m-%d}", f"{request.deadline:%Y-%m-%d}"
    return (request.id, *days, counted(request.identifiers), _status(request), confirmed)


def _status(request: ErasureRequest) -> str:
    if request.taken_back is not None:
        return f"taken back by {request.taken_back.by}, {request.taken_back.at:%Y-%m-%d}"
    return f"waits for {', '.join(request.waiting)}" if request.waiting else "done"
