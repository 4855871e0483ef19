"""Bodies of events that are still to be sent: the only personal data of an outbox, encrypted, in blocks.

A block holds those of a run of numbers, so that a batch that is settled, in the order in which it was sent, is a few
rows. What is dropped from a block is gone from it with the transaction.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby

from spotify_pipeline.conversions.outbox.database import Database
from spotify_pipeline.state import StateStore, place_of, tables

IN_A_BLOCK = 500
"""Numbers, of which each may have a body."""
_SEALED = tables.event_body.c.sealed


class Bodies:
    """The bodies of the events of one feed, by their numbers."""

    def __init__(self, state: StateStore, database: Database, *, feed: int) -> None:
        self._state = state
        self._database = database
        self._feed = feed

    def keep(self, bodies: Iterable[tuple[int, str]]) -> None:
        """Take over the body of each of these numbers, in place of the one that it has, inside a transaction."""
        for block, of_block in groupby(sorted(bodies), key=lambda each: each[0] // IN_A_BLOCK):
            self._write(block, self._read(block) | dict(of_block))

    def read(self, numbers: Collection[int]) -> Mapping[int, str]:
        """Those of these events that have one, by number.

        Raises:
            StateError: one is damaged.
        """
        held = (self._read(block) for block in _blocks(numbers))
        wanted = set(numbers)
        return {number: body for each in held for number, body in each.items() if number in wanted}

    def drop(self, numbers: Collection[int]) -> None:
        """Delete the bodies of these events, inside the transaction that settles them."""
        gone = set(numbers)
        for block in _blocks(numbers):
            held = self._read(block)
            kept = {number: body for number, body in held.items() if number not in gone}
            if len(kept) < len(held):
                self._write(block, kept)

    def _read(self, block: int) -> dict[int, str]:
        of_block = [self._feed, block]
        rows = self._database.rows("SELECT sealed FROM event_body WHERE feed = ? AND block = ?", of_block)
        return {number: body for (sealed,) in rows for number, body in self._opened(block, sealed)}

    def _opened(self, block: int, sealed: bytes) -> Iterator[tuple[int, str]]:
        content = zlib.decompress(self._state.open(sealed, place_of(_SEALED, self._feed, block)))
        yield from json.loads(content)

    def _write(self, block: int, bodies: Mapping[int, str]) -> None:
        of_block = [self._feed, block]
        self._database.change("DELETE FROM event_body WHERE feed = ? AND block = ?", of_block)
        if bodies:
            content = zlib.compress(json.dumps(list(bodies.items())).encode(), 1)
            sealed = self._state.seal(content, place_of(_SEALED, *of_block))
            self._database.change("INSERT INTO event_body VALUES (?, ?, ?)", [*of_block, sealed])


def _blocks(numbers: Iterable[int]) -> list[int]:
    return sorted({number // IN_A_BLOCK for number in numbers})
