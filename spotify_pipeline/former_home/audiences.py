"""Journal, receipts, upload sessions and approvals: JSON files per ad account and audience."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from spotify_pipeline.former_home.errors import damaged
from spotify_pipeline.mirror import Approval, ApprovalStore, Journal, JournalEntry, Receipt, ReceiptBook, ReceiptDamaged
from spotify_pipeline.spotify import OpenUpload, Secret
from spotify_pipeline.state import StateStore

_JOURNAL_FORMAT, _APPROVALS_FORMAT = 3, 1
_ENTRY = TypeAdapter(JournalEntry)
_APPROVALS = TypeAdapter(tuple[Approval, ...])


def take_entries(home: Path, state: StateStore, transaction: sa.Connection) -> int:
    """The journal, with the sessions of uploads under way, and the receipts that were due; how many entries."""
    journal, book = Journal(state), ReceiptBook(state)
    entries = 0
    for file in _files(home / "journal"):
        entry, due = _entry(file)
        if (
            due is not None
            and not (home / "receipts" / file.parent.name / file.stem / f"{due.number:06d}.json").exists()
        ):
            book.append(transaction, due)
        if due is not None:
            entry = replace(entry, receipts=due.number, receipt_head=due.digest)
        journal.put(transaction, file.stem, entry)
        opened = _session(file.with_suffix(".session"))
        if opened is not None and entry.keeps_session:
            sealed = journal.sealed(file.stem, entry.ad_account_id, opened)
            journal.put_session(transaction, file.stem, entry.ad_account_id, sealed)
        entries += 1
    return entries


def take_receipts(home: Path, state: StateStore, transaction: sa.Connection) -> int:
    """Every receipt, byte for byte; how many."""
    book, receipts = ReceiptBook(state), 0
    for file in sorted((home / "receipts").glob("*/*/[0-9]*.json")):
        try:
            receipt = Receipt.from_bytes(file.read_bytes())
        except (OSError, ReceiptDamaged):
            raise damaged(file) from None
        if (receipt.ad_account_id, receipt.audience) != (file.parent.parent.name, file.parent.name):
            raise damaged(file)
        book.append(transaction, receipt)
        receipts += 1
    return receipts


def take_approvals(home: Path, state: StateStore, transaction: sa.Connection) -> int:
    """Every approval, used or not; how many."""
    store, approvals = ApprovalStore(state), 0
    for file in _files(home / "approvals"):
        content = _json(file)
        try:
            if content.pop("format") != _APPROVALS_FORMAT:
                raise damaged(file)
            given = _APPROVALS.validate_python(content.pop("approvals"))
        except (ValidationError, KeyError):
            raise damaged(file) from None
        for each in given:
            store.take_over(each, transaction)
        approvals += len(given)
    return approvals


def _files(folder: Path) -> Iterator[Path]:
    return (each for each in sorted(folder.glob("*/*.json")) if not each.name.startswith("."))


def _json(file: Path) -> dict[str, Any]:
    try:
        content = cast("object", json.loads(file.read_bytes()))
    except (OSError, ValueError, RecursionError):
        raise damaged(file) from None
    if not isinstance(content, dict):
        raise damaged(file)
    return cast("dict[str, Any]", content)


def _entry(file: Path) -> tuple[JournalEntry, Receipt | None]:
    content = _json(file)
    try:
        if content.pop("format") != _JOURNAL_FORMAT:
            raise damaged(file)
        due = content.pop("receipt_due", None)
        entry = _ENTRY.validate_python(content)
        if entry.ad_account_id != file.parent.name:
            raise damaged(file)
        return entry, Receipt(body=due) if due is not None else None
    except (ValidationError, KeyError, ValueError, TypeError):
        raise damaged(file) from None


def _session(file: Path) -> OpenUpload | None:
    """A session that cannot be read is no loss: the list is then sent from its beginning."""
    try:
        content = json.loads(file.read_bytes())
        return OpenUpload(
            audience_id=str(content["audience_id"]),
            uri=Secret(str(content["uri"])),
            opened_at=float(content["opened_at"]),
            size=int(content["size"]),
            crc32c=str(content["crc32c"]),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
