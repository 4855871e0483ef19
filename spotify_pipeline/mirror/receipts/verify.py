"""Verifies that the receipts of an audience are complete and unchanged.

Each receipt names the digest of the one before, and the journal names number and digest of the last. So one that was
removed, changed, exchanged or put in is noticed, and so is the removal of the newest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spotify_pipeline.mirror.journal import JournalEntry
from spotify_pipeline.mirror.receipts.model import Receipt


@dataclass(frozen=True, kw_only=True)
class ChainReport:
    """What was found of the receipts of one audience.

    Attributes:
        audience: its key in the journal.
        ad_account_id: where it is.
        receipts: how many there are.
        faults: what is wrong, in sentences; empty when all is right.
        gaps: receipts that are not there, or do not follow, since somebody continued from an older state and approved
            that, in sentences. No fault: the receipt behind them seals it.
    """

    audience: str
    ad_account_id: str
    receipts: int
    faults: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    @property
    def sentence(self) -> str:
        """What was found, for a person."""
        found = " ".join(self.faults) or f"{self.receipts:,} receipts, all there and as they were written."
        return " ".join((found, *self.gaps))


def check_chain(
    audience: str,
    ad_account_id: str,
    found: Mapping[int, Receipt | str],
    entry: JournalEntry | str | None,
) -> ChainReport:
    """Hold the receipts against each other and against the journal.

    Args:
        audience, ad_account_id: whose.
        found: by the number in its row each receipt, or what is wrong with it.
        entry: of the journal; None where there is none, or what is wrong with it.
    """
    known = entry if isinstance(entry, JournalEntry) else None
    faults: list[str] = []
    gaps: list[str] = []
    last, before = 0, ""
    for number, receipt in sorted(found.items()):
        if isinstance(receipt, Receipt) and _goes_on(receipt, number, last, before):
            gaps.append(_gap(number, last))
            before = receipt.previous
        elif number > last + 1:
            faults.append(_missing(last + 1, number - 1))
            before = _named_by(receipt)
        if isinstance(receipt, Receipt):
            faults += _faults_of(receipt, number, audience, ad_account_id, before)
            before = receipt.digest
        else:
            faults.append(f"Receipt {number} {receipt}.")
            before = _named_by(found.get(number + 1))
        last = number
    if known is not None and known.receipts > last:
        faults.append(_missing(last + 1, known.receipts))
    faults += _faults_of_the_end(found, entry)
    return ChainReport(
        audience=audience,
        ad_account_id=ad_account_id,
        receipts=len(found),
        faults=tuple(faults),
        gaps=tuple(gaps),
    )


def _goes_on(receipt: Receipt, number: int, last: int, before: str) -> bool:
    """Whether the receipt says itself why the one before is missing, or is not the one that it names.

    What it continues behind, where that is there, must be the one that it names.
    """
    behind = receipt.continues_behind
    if behind is None or behind[0] != number - 1:
        return False
    return last < behind[0] or before == behind[1] != receipt.previous


def _gap(number: int, last: int) -> str:
    missing = f" {_missing(last + 1, number - 1)}" if number > last + 1 else ""
    return f"Receipt {number} was written when this machine knew an older state, and continues behind it.{missing}"


def _faults_of(receipt: Receipt, number: int, audience: str, ad_account_id: str, before: str) -> list[str]:
    faults: list[str] = []
    if receipt.number != number:
        faults.append(f"The row of receipt {number} holds receipt {receipt.number}.")
    if (receipt.audience, receipt.ad_account_id) != (audience, ad_account_id):
        faults.append(f"Receipt {number} is of another audience ({receipt.audience}) or ad account.")
    if receipt.previous != before:
        faults.append(
            f"Receipt {number} does not follow receipt {number - 1}: one of the two is not the one that was written "
            "there, or the journal had been lost or put back to an older state between them."
            if number > 1
            else "Receipt 1 names one before it, which is missing."
        )
    return faults


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"Receipt {first} is missing."
    return f"Receipts {first:,} to {last:,} are missing."


def _named_by(following: Receipt | str | None) -> str:
    """What the receipt behind a gap names: the gap is a fault already, and is told once."""
    return following.previous if isinstance(following, Receipt) else ""


def _faults_of_the_end(found: Mapping[int, Receipt | str], entry: JournalEntry | str | None) -> list[str]:
    if entry is None:
        return ["There is no journal of it, so it is not known whether its newest receipts are missing."]
    if isinstance(entry, str):
        return [f"It is not known whether its newest receipts are missing. {entry}"]
    faults = [f"Receipt {number} is not known to the journal." for number in sorted(found) if number > entry.receipts]
    newest = found.get(entry.receipts)
    if isinstance(newest, Receipt) and newest.digest != entry.receipt_head:
        faults.append(f"Receipt {entry.receipts} is not the one that the journal names as the newest.")
    return faults
