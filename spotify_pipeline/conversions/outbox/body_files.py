"""Bodies of pending events, as private files beside the outbox: a file is written once, thinned out, and deleted.

A database keeps the bytes of deleted rows until it needs their room; a file that is deleted is gone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import polars as pl

from spotify_pipeline.conversions.outbox.model import OutboxError
from spotify_pipeline.conversions.outbox.store import Database
from spotify_pipeline.home import atomic_private_file

_SUFFIX = ".bodies.parquet"
_MOST_IN_MEMORY = 4


class BodyFiles:
    """The bodies of one feed, below a directory of their own.

    A file's number is its place. It is on disk before the database names it, so a crash leaves at most files that no
    event names; they are deleted with the next thinning out.
    """

    def __init__(self, directory: Path, *, feed: int) -> None:
        self._directory = directory
        self._feed = feed
        self._read: OrderedDict[int, pl.DataFrame] = OrderedDict()
        self._next = max(self._places(), default=0) + 1

    def keep(self, bodies: pl.DataFrame) -> int:
        place, self._next = self._next, self._next + 1
        self._write(place, bodies)
        return place

    def read(self, wanted: Sequence[tuple[int, int]]) -> Mapping[int, str]:
        found: dict[int, str] = {}
        for place, entries in groupby(sorted(wanted, key=itemgetter(1)), key=itemgetter(1)):
            numbers = pl.Series("number", [number for number, _ in entries], dtype=pl.Int64)
            found.update(self._of(place).join(numbers.to_frame(), on="number", how="semi").iter_rows())
        return found

    def settled(self, numbers: Sequence[int]) -> None:
        """Nothing yet: a file is deleted when the database says that nothing in it is pending."""

    def thin_out(self, database: Database, *, wholly: bool) -> None:
        rows = database.rows(
            "SELECT place, count(*) FROM events WHERE feed = ? AND state IN ('pending', 'sending') GROUP BY place",
            [self._feed],
        )
        needed: dict[int, int] = dict(rows)
        for place in self._places():
            if place not in needed:
                self._read.pop(place, None)
                self._file(place).unlink(missing_ok=True)
            elif wholly and self._height(place) > needed[place]:
                self._thin_out(place, database)

    def _thin_out(self, place: int, database: Database) -> None:
        rows = database.rows(
            "SELECT number FROM events WHERE feed = ? AND place = ? AND state IN ('pending', 'sending')",
            [self._feed, place],
        )
        needed = pl.DataFrame(rows, schema={"number": pl.Int64}, orient="row")
        kept = self._of(place).join(needed, on="number", how="semi", maintain_order="left")
        self._write(place, kept)
        self._read[place] = kept

    def _height(self, place: int) -> int:
        """How many bodies a file holds; 0 if it is gone or damaged."""
        try:
            return int(pl.scan_parquet(self._file(place)).select(pl.len()).collect().item())
        except Exception:  # noqa: BLE001 - reading its content raises
            return 0

    def _of(self, place: int) -> pl.DataFrame:
        """What a file holds; nothing if it is gone."""
        if place not in self._read:
            try:
                self._read[place] = pl.read_parquet(self._file(place).read_bytes())
            except FileNotFoundError:
                return pl.DataFrame(schema={"number": pl.Int64, "body": pl.String})
            except Exception as error:  # noqa: BLE001 - Polars may quote what it read
                raise OutboxError(
                    f"{self._file(place)} cannot be read ({type(error).__name__}): it is damaged. Materialize the "
                    "feed's days since the oldest pending one again, which writes it again. Nothing was sent."
                ) from None
            while len(self._read) > _MOST_IN_MEMORY:
                self._read.popitem(last=False)
        return self._read[place]

    def _write(self, place: int, bodies: pl.DataFrame) -> None:
        # In memory first: of a full disk Polars would only say that it could not compute.
        content = BytesIO()
        bodies.write_parquet(content, compression="zstd", compression_level=1, statistics=False)
        with atomic_private_file(self._file(place)) as file:
            file.write(content.getbuffer())

    def _file(self, place: int) -> Path:
        return self._directory / f"{place}{_SUFFIX}"

    def _places(self) -> list[int]:
        if not self._directory.is_dir():
            return []
        names = (file.name.removesuffix(_SUFFIX) for file in self._directory.glob(f"*{_SUFFIX}"))
        return sorted(int(name) for name in names if name.isdecimal())
