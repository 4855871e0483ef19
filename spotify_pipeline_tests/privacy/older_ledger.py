"""Makes a ledger of erasures as a backup of before has it."""

from __future__ import annotations

from spotify_pipeline.state import StateStore
from spotify_pipeline.state.tables import erasure, erasure_digest, erasure_waiting


def lose(state: StateStore, request: str | None = None) -> None:
    """Let one request never have been made; by default, none was."""
    with state.begin() as transaction:
        for rows in (erasure_waiting, erasure_digest, erasure):
            of = rows.c.id if rows is erasure else rows.c.request
            transaction.execute(rows.delete() if request is None else rows.delete().where(of == request))
