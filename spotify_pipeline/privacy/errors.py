"""Errors of erasures. No message holds an identifier or a digest."""

from __future__ import annotations

from collections.abc import Sequence

from spotify_pipeline.errors import ExpectedError

_SHOWN = 20


class ErasureError(ExpectedError):
    """Something about an erasure cannot be done; the message says what is wrong and what to do."""


class LedgerError(ErasureError):
    """The erasure ledger cannot be read or trusted, so nothing may be sent: it may hold people to keep out."""


class UnusableLines(ErasureError):
    """Lines of the input are no identifiers.

    Attributes:
        problems: line number, from 1, and what is wrong with the line, in words.
    """

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        self.problems = tuple(problems)
        shown = "; ".join(f"line {line}: {reason}" for line, reason in self.problems[:_SHOWN])
        more = f"; and {len(self.problems) - _SHOWN} more" if len(self.problems) > _SHOWN else ""
        super().__init__(f"{shown}{more}. Nothing was looked up or changed. Correct the input and run again.")
