"""A warehouse of Arrow tables: the smallest class that passes the contract, and what a project would write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from spotify_pipeline.warehouse import Between, Relation, Warehouse, refuse_other_schema


class InMemoryWarehouse(Warehouse):
    """Tables by name; everything but ranking, which this machine does."""

    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self.tables = tables

    def schema(self, relation: Relation) -> pa.Schema | None:
        table = self.tables.get(str(relation))
        return table.schema if table is not None else None

    def count(self, relation: Relation, only: Between | None = None) -> int:
        return self._rows(relation, only).num_rows

    def newest(self, relation: Relation, column: str) -> date | None:
        return cast("Any", pc.max(self._rows(relation, None)[column])).as_py()

    def batches(
        self, relation: Relation, columns: Sequence[str], only: Between | None = None
    ) -> Iterator[pa.RecordBatch]:
        yield from self._rows(relation, only).select(list(columns)).to_batches()

    def append(self, relation: Relation, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        added = pa.Table.from_batches(list(batches), schema)
        there = self.tables.get(str(relation))
        if there is not None:
            refuse_other_schema(relation, there.schema, schema)
        self.tables[str(relation)] = added if there is None else pa.concat_tables([there, added])

    @classmethod
    def type_named(cls, text: str) -> pa.DataType | None:
        return cast("Any", {"text": pa.string(), "float": pa.float64(), "date": pa.date32()}).get(text.lower())

    def _rows(self, relation: Relation, only: Between | None) -> pa.Table:
        rows = self.tables[str(relation)]
        return rows if only is None else rows.filter(only.expression)
