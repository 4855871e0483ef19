"""Streams the rows of a segment out of DuckDB without ever letting a value into an error message.

DuckDB prints the offending cell in most of its error messages (reliability requirement P03), so every error of the
driver is replaced here by one that names the relation and the kind of failure only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import duckdb
import polars as pl

from spotify_pipeline.home import private_directory
from spotify_pipeline.warehouse.relation import Relation, quoted

BATCH_ROWS = 50_000
MEMORY_LIMIT = "512MB"


class SegmentError(Exception):
    """A segment cannot be read; the message says which, why, and what to do."""


def lock_down(connection: duckdb.DuckDBPyConnection, spill_directory: Path) -> None:
    """Confine a connection that touches personal data (requirements P07, S02).

    What does not fit in memory is spilled to ``spill_directory`` (made 0700), nothing can be read from or written to
    files or the network by SQL, no extension is fetched, and none of this can be switched back on.
    """
    spill = str(private_directory(spill_directory)).replace("'", "''")
    connection.execute(f"SET temp_directory = '{spill}'")
    connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


@dataclass(frozen=True)
class SegmentReader:
    """Reads one relation over an open, read-only connection."""

    connection: duckdb.DuckDBPyConnection
    relation: Relation

    def columns(self) -> dict[str, str]:
        """Column names and their DuckDB types, in order.

        Raises:
            SegmentError: there is no such relation.
        """
        try:
            rows = self.connection.execute(f"DESCRIBE {self.relation.sql}").fetchall()
        except duckdb.Error as error:
            raise self._failure(error) from None
        return {str(name): str(kind) for name, kind, *_ in rows}

    def count(self) -> int:
        """How many rows the relation holds.

        Raises:
            SegmentError: it cannot be counted.
        """
        try:
            # The relation's name is quoted part by part.
            found = self.connection.execute(f"SELECT count(*) FROM {self.relation.sql}").fetchall()  # noqa: S608
        except duckdb.Error as error:
            raise self._failure(error) from None
        return int(found[0][0])

    def batches(self, columns: Sequence[str], batch_rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
        """The named columns of every row, some 50,000 rows at a time, in no particular order.

        Columns keep their warehouse type. A column asked for twice comes once.

        Raises:
            SegmentError: a column does not exist, or reading stopped before the end.
        """
        wanted = list(dict.fromkeys(columns))
        present = self.columns()
        absent = [column for column in wanted if column not in present]
        if absent:
            raise SegmentError(
                f"{self.relation} has no column {', '.join(absent)}. It has: {', '.join(present)}. "
                "Correct the audience's YAML, or add the column to the segment."
            )
        selected = ", ".join(quoted(column) for column in wanted)
        try:
            relation = self.connection.sql(f"SELECT {selected} FROM {self.relation.sql}")  # noqa: S608
            for batch in relation.to_arrow_reader(batch_rows):
                yield cast("pl.DataFrame", pl.from_arrow(batch))
        except (duckdb.Error, pl.exceptions.PolarsError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> SegmentError:
        if isinstance(error, duckdb.CatalogException):
            return SegmentError(
                f"The warehouse has no table or view {self.relation}. Build it first (for a dbt model: materialize "
                "its asset), or correct the audience's YAML."
            )
        kind = type(error).__name__
        return SegmentError(
            f"{self.relation} could not be read to its end ({kind}; the message is withheld because it may quote a "
            "value). Run the query in the warehouse to see it. Nothing was sent."
        )
