"""Bodies of events that are still to be sent: the only personal data of an outbox, encrypted, in blocks.

A block holds those of a run of numbers, so that a batch that is settled, in the order in which it was sent, is a few
rows. What is dropped from a block is gone from it with the transaction.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping

from spotify_pipeline.conversions.outbox.database import Change, Database
from spotify_pipeline.state import StateStore, place_of, tables

IN_A_BLOCK = 500
"""Numbers, of which each may have a body."""
_SEALED = tables.event_body.c.sealed
_EMPTY = "DELETE FROM event_body WHERE feed = ? AND block = ?"


class Bodies:
    """The bodies of the events of one feed, by their numbers."""

    def __init__(self, state: StateStore, database: Database, *, feed: int) -> None:
        self._state = state
        self._database = database
        self._feed = feed

    def changes(self, kept: Iterable[tuple[int, str]] = (), *, gone: Collection[int] = ()) -> list[Change]:
        """What gives each of these numbers its body, in place of the one that it has, and takes that of others."""
        without, taken = set(gone), dict[int, dict[int, str]]()
        for number, body in kept:
            taken.setdefault(number // IN_A_BLOCK, {})[number] = body
        emptied, filled = list[tuple[int, int]](), list[tuple[int, int, bytes]]()
        for block in sorted({*taken, *_blocks(gone)}):
            held = self._read(block)
            left = {number: body for number, body in held.items() if number not in without} | taken.get(block, {})
            if left != held:
                emptied.append((self._feed, block))
                filled += [(self._feed, block, self._sealed(block, left))] if left else []
        return [(_EMPTY, emptied), ("INSERT INTO event_body VALUES (?, ?, ?)", filled)]

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
        for statement, values in self.changes(gone=numbers):
            self._database.change(statement, *values)

    def _read(self, block: int) -> dict[int, str]:
        of_block = [self._feed, block]
        rows = self._database.rows("SELECT sealed FROM event_body WHERE feed = ? AND block = ?", of_block)
        return {number: body for (sealed,) in rows for number, body in self._opened(block, sealed)}

    def _opened(self, block: int, sealed: bytes) -> Iterator[tuple[int, str]]:
        content = zlib.decompress(self._state.open(sealed, place_of(_SEALED, self._feed, block)))
        yield from json.loads(content)

    def _sealed(self, block: int, bodies: Mapping[int, str]) -> bytes:
        content = zlib.compress(json.dumps(list(bodies.items())).encode(), 1)
        return self._state.seal(content, place_of(_SEALED, self._feed, block))


def _blocks(numbers: Iterable[int]) -> list[int]:
    return sorted({number // IN_A_BLOCK for number in numbers})
