"""Reads from the receipts which lists Spotify had: what the next list is compared with, so what must be kept.

This is the one place that knows of it: nothing besides the receipts and the lists themselves is written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from spotify_pipeline.mirror.journal import Journal, JournalEntry
from spotify_pipeline.mirror.receipts.book import ReceiptBook
from spotify_pipeline.mirror.receipts.model import Receipt, ReceiptKind

SHORTEST_WINDOW = timedelta(days=7)
LONGEST_WINDOW = timedelta(days=124)
"""Four months: of a list that is built monthly, and of one that is built by hand only."""

_SENT = frozenset({ReceiptKind.CREATED, ReceiptKind.REPLACED})
_LARGE_CHANGES = frozenset({"shrink", "growth", "churn", "drain", "column gone", "swapped segments", "history"})
"""Guards of which an approval says that the audience is meant to be another one from then on."""


@dataclass(frozen=True, kw_only=True)
class AcceptedList:
    """A list that Spotify accepted.

    Attributes:
        at: when, ISO 8601.
        sha256: of its file; of the whole where it was split.
        rows: of it; None where it was split, or the receipt does not say.
    """

    at: str
    sha256: str
    rows: int | None

    @staticmethod
    def of(receipt: Receipt) -> AcceptedList | None:
        """What the receipt says was accepted; None if no list was."""
        sha256 = receipt.list_sha256
        if receipt.kind not in _SENT or sha256 is None:
            return None
        rows = receipt.rows if receipt.body.get("part") is None else None
        return AcceptedList(at=receipt.at, sha256=sha256, rows=rows)


def accepted_lately(receipts: ReceiptBook, audience: str, ad_account_id: str, since: datetime) -> list[AcceptedList]:
    """The lists that Spotify had at any time since then, the newest first; the first of them is older, as a rule.

    None from before a person approved a large change, as that is what the audience is meant to be since, and none
    from before the audience was deleted.
    """
    found: list[AcceptedList] = []
    for receipt in receipts.newest_first(audience, ad_account_id):
        if receipt.kind is ReceiptKind.DELETED:
            break
        accepted = AcceptedList.of(receipt)
        if accepted is None:
            continue
        found.append(accepted)
        if datetime.fromisoformat(receipt.at) < since or _LARGE_CHANGES.intersection(_overridden(receipt)):
            break
    return found


def compared_with(journal: Journal, audience: str, ad_account_id: str, since: datetime) -> set[str]:
    """SHA-256 of all lists that the next one is compared with: what Spotify has, may have, and had since then.

    Raises:
        JournalError, HomeError: what Spotify has cannot be read.
    """
    receipts = ReceiptBook(journal.state)
    lately = {each.sha256 for each in accepted_lately(receipts, audience, ad_account_id, since)}
    return lately.union(_live_or_under_way(journal.read(audience, ad_account_id)))


def _live_or_under_way(entry: JournalEntry) -> Iterator[str]:
    begun = entry.unfinished.list if entry.unfinished is not None else None
    for sha256 in (entry.whole_sha256 or entry.file_sha256, begun and (begun.whole_sha256 or begun.file_sha256)):
        if sha256 is not None:
            yield sha256


def _overridden(receipt: Receipt) -> list[str]:
    decision = cast("dict[str, Any]", receipt.body.get("decision") or {})
    findings = cast("list[dict[str, Any]]", decision.get("findings") or [])
    return [str(each.get("guard")) for each in findings if each.get("outcome") == "overridden"]
