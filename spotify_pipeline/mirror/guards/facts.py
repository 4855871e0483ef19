"""The facts about a list and what came before it, from which a decision is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from spotify_pipeline.customer_list import Manifest, MembershipChange


class History(StrEnum):
    """What is known of the list that Spotify has."""

    FIRST = "first"
    """Nothing was ever sent for this audience, as far as this machine knows."""
    KNOWN = "known"
    """It is kept here, so it can be compared with."""
    MISSING = "missing"
    """Something was sent, and what it was is not known any more."""


@dataclass(frozen=True, kw_only=True)
class PreviousList(MembershipChange):
    """The list that Spotify has, compared with the one to be sent.

    People are counted by rows: a row is of the same person as one of the other list when they share any digest. The
    loss of those whose erasure was ``confirmed`` is intended, and no guard counts it.

    Attributes:
        manifest: of the list that Spotify has, as it was sent.
    """

    manifest: Manifest

    @property
    def rows(self) -> int:
        """Rows of the list before, but for those whose loss is meant."""
        return self.manifest.list_rows - self.confirmed


@dataclass(frozen=True, kw_only=True)
class SentLately:
    """A list that Spotify had within the window, and may have no more.

    Attributes:
        at: when it was accepted, ISO 8601.
        rows_sent: of it.
        change: from it to the one to be sent; None where it is not kept any more.
    """

    at: str
    rows_sent: int
    change: PreviousList | None = None

    @property
    def rows(self) -> int:
        """Its rows, but for those whose loss is meant."""
        return self.change.rows if self.change is not None else self.rows_sent


@dataclass(frozen=True, kw_only=True)
class Twin:
    """Another audience of this project, whose list at Spotify is more like the new list than the audience's own.

    Attributes:
        audience: its folder name.
        likeness: people in both, as a share of those in either.
        own_likeness: the same of the new list and the audience's own one before it.
    """

    audience: str
    likeness: float
    own_likeness: float


@dataclass(frozen=True, kw_only=True)
class GuardFacts:
    """All that the decision is made from.

    Attributes:
        manifest: of the list to be sent; of the whole where it is split.
        now: with a time zone.
        history: what is known of the list that Spotify has.
        history_problem: what is wrong, in words, where it is MISSING.
        previous: that list, where it is KNOWN.
        lately: the largest and the oldest list that Spotify had within the window, since a person last approved a
            large change.
        went_back_to: of a rollback: the list that goes live again, as Spotify had it once.
        twin: see ``Twin``; None where there is none, or the list is like the one before.
        other_accounts: ad accounts to which this audience was sent before, where it never was to this one.
        erased_rows: rows of the list that hold a digest that was asked to be forgotten.
        split: whether a list beyond ``max_bytes`` is sent in parts.
    """

    manifest: Manifest
    now: datetime
    history: History
    history_problem: str | None = None
    previous: PreviousList | None = None
    lately: tuple[SentLately, ...] = ()
    went_back_to: SentLately | None = None
    twin: Twin | None = None
    other_accounts: tuple[str, ...] = ()
    erased_rows: int = 0
    split: bool = False

    def __post_init__(self) -> None:
        if (self.history is History.KNOWN) != (self.previous is not None):
            raise ValueError("The list before is there if, and only if, the history is known.")
