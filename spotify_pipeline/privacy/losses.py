"""How much of the lists that Spotify has a request to be forgotten would take, before it is carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from spotify_pipeline.customer_list import CustomerListError, SnapshotStore, rows_to_redact
from spotify_pipeline.home import HomeError
from spotify_pipeline.privacy.identifiers import GivenIdentifier
from spotify_pipeline.privacy.ledger import ErasureLedger
from spotify_pipeline.privacy.live_lists import LiveLists
from spotify_pipeline.rows import DigestSet


@dataclass(frozen=True, kw_only=True)
class LiveLoss:
    """What would become of one list that Spotify has.

    Attributes:
        audience: the audience's folder name.
        rows: of the list, as it was sent; None where it is not kept, so that it cannot be looked into.
        going: rows that the request would take.
        gone: rows that requests before it have taken since, and that nobody confirmed.
    """

    audience: str
    rows: int | None
    going: int = 0
    gone: int = 0

    @property
    def share(self) -> Fraction:
        """Of the list, with what is gone already: a wrong file may come in pieces."""
        return Fraction(self.going + self.gone, self.rows) if self.rows else Fraction(0)


def live_losses(
    people: Sequence[GivenIdentifier], store: SnapshotStore, ledger: ErasureLedger, live: LiveLists
) -> list[LiveLoss]:
    """What forgetting these people would take from each list that Spotify has, by audience. Nothing is changed.

    Raises:
        LedgerError: the ledger cannot be trusted.
    """
    digests = DigestSet.of(*(pl.Series(each.digests, dtype=pl.String) for each in people))
    losses = [
        _loss(store, audience, sha256, digests, confirmed=_is_confirmed(ledger, audience))
        for audience, lists in sorted(live.items())
        for sha256 in sorted(lists)
    ]
    return [each for each in losses if each.rows is None or each.going]


def _is_confirmed(ledger: ErasureLedger, audience: str) -> bool:
    """Whether a confirmed request waits for the audience: what is gone of its list then includes what was meant."""
    return any(each.confirmed is not None for each in ledger.waiting(audience))


def _loss(store: SnapshotStore, audience: str, sha256: str, digests: DigestSet, *, confirmed: bool) -> LiveLoss:
    sent = store.find_sent(audience, sha256)
    if sent is None:
        return LiveLoss(audience=audience, rows=None)
    try:
        going = rows_to_redact(sent.stored, digests)
    except (CustomerListError, HomeError):
        return LiveLoss(audience=audience, rows=None)
    rows = sent.manifest.list_rows
    return LiveLoss(audience=audience, rows=rows, going=going, gone=0 if confirmed else rows - sent.kept.list_rows)
