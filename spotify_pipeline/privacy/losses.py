"""Measures how much a request to be forgotten would take from the lists that Spotify has, before it is carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from spotify_pipeline.customer_list import CustomerListError, SentVersion, SnapshotStore, rows_erased, rows_to_redact
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
    confirmed = ledger.confirmed_digests()
    losses = [
        _loss(store, audience, sha256, digests, confirmed)
        for audience, lists in sorted(live.items())
        for sha256 in sorted(lists)
    ]
    return [each for each in losses if each.rows is None or each.going]


def _loss(store: SnapshotStore, audience: str, sha256: str, digests: DigestSet, confirmed: DigestSet) -> LiveLoss:
    sent = store.find_sent(audience, sha256)
    if sent is None:
        return LiveLoss(audience=audience, rows=None)
    try:
        going = rows_to_redact(sent.stored, digests)
    except (CustomerListError, HomeError):
        return LiveLoss(audience=audience, rows=None)
    return LiveLoss(audience=audience, rows=sent.manifest.list_rows, going=going, gone=_gone(sent, confirmed))


def _gone(sent: SentVersion, confirmed: DigestSet) -> int:
    """Rows taken since the list was sent, but for people whose erasure was confirmed; all, where that is not known."""
    gone = sent.manifest.list_rows - sent.kept.list_rows
    try:
        return rows_erased(sent, apart_from=confirmed) if gone else 0
    except CustomerListError:
        return gone
