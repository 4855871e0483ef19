"""A segment of a DuckDB connection that a test has open."""

from __future__ import annotations

from pathlib import Path

import duckdb

from spotify_pipeline.warehouse import DuckDBWarehouse, Relation, SegmentReader


def reader_of(connection: duckdb.DuckDBPyConnection, relation: Relation | str) -> SegmentReader:
    """A reader of one relation; DuckDB ranks by itself, so nothing is spilled elsewhere."""
    named = Relation.parse(relation) if isinstance(relation, str) else relation
    return SegmentReader(DuckDBWarehouse.over(connection), named, Path("unused"))
