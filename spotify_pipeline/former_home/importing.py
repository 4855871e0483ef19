"""Takes a former home over, as a whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spotify_pipeline.former_home.audiences import take_approvals, take_entries, take_receipts
from spotify_pipeline.former_home.errors import FormerHomeError
from spotify_pipeline.former_home.outboxes import take_outboxes
from spotify_pipeline.former_home.people import take_requests
from spotify_pipeline.former_home.sign_ins import take_sign_ins
from spotify_pipeline.mirror import ReceiptBook
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.state import StateStore, is_new, tables

_PARTS = {
    "receipts": take_receipts,  # before entries, which append those that were due
    "audiences": take_entries,
    "approvals": take_approvals,
    "requests to be forgotten": take_requests,
    "events": take_outboxes,
}


@dataclass(frozen=True)
class Imported:
    """What was taken over: how many of each kind, and what the receipts' check says is wrong, in sentences."""

    counts: Mapping[str, int]
    faults: tuple[str, ...]


def import_home(home: Path, state: StateStore) -> Imported:
    """Take over what a version before the state kept in ``home``, into a state that is new. Its files stay.

    Alerts are not taken over: what stands is told once more. Nor are the bodies of events that waited: their days are
    read again before anything is sent.

    Raises:
        FormerHomeError: a file is damaged, or the state holds something already. Nothing was taken over.
        StateError: the state cannot be used.
    """
    state = state.for_import()
    state.create()
    with state.read() as transaction:
        if not is_new(transaction, but=("sign_in", "lease")):
            raise FormerHomeError(
                f"There is a state in {state.place} already, so nothing was taken over. If it was taken over from this "
                "home, all is done: move the former files away."
            )
    counts = {"sign-ins": take_sign_ins(home, state)}
    with state.begin() as transaction:
        counts |= {what: take(home, state, transaction) for what, take in _PARTS.items()}
        transaction.execute(tables.initialised.update().values(import_due=False))
    ErasureLedger(state).require_whole()
    faults = tuple(fault for report in ReceiptBook(state).verify() for fault in report.faults)
    return Imported(counts, faults)
