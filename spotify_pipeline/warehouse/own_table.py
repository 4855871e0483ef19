"""Tables that we write ourselves, in a schema of our own; the user's tables are never written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pyarrow as pa

from spotify_pipeline.warehouse.column_types import columns_in_words, fields_of
from spotify_pipeline.warehouse.errors import SegmentError
from spotify_pipeline.warehouse.relation import Relation
from spotify_pipeline.warehouse.warehouse import Warehouse

OWN_SCHEMA = "spotify_pipeline"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TYPES = frozenset(
    {pa.bool_(), pa.int64(), pa.float64(), pa.string(), pa.binary(), pa.date32(), pa.timestamp("us", "UTC")}
)
"""Those that every warehouse has and gives back as they were."""


class OwnTable:
    """A table of this project, to which rows are added."""

    def __init__(self, name: str, schema: pa.Schema) -> None:
        """Name it.

        Args:
            name: up to 63 small letters, digits and underscores.
            schema: its columns: bool, int64, float64, string, binary, date32, or timestamp in microseconds of UTC.

        Raises:
            ValueError: the name or a column is of another kind.
        """
        if not _NAME.fullmatch(name):
            raise ValueError("a table of this project is named with up to 63 small letters, digits and underscores")
        for column, each in fields_of(schema).items():
            if not _NAME.fullmatch(column) or each.type not in _TYPES:
                raise ValueError(f"{column}, {each.type}: a table of this project has no column of such a name or type")
        self.relation = Relation((OWN_SCHEMA, name))
        self.schema = schema

    def append(self, warehouse: Warehouse, batches: Iterable[pa.RecordBatch]) -> None:
        """Add rows: all of them or, if anything fails, none. The table is created when it is missing.

        Args:
            warehouse: not open.
            batches: of the table's schema.

        Raises:
            WarehouseHeld: another process has the warehouse for itself at the moment.
            SegmentError: it cannot be written, the table has other columns, or a batch has.
        """
        try:
            warehouse.append(self.relation, self.schema, self._checked(batches))
        except SegmentError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a driver raises may quote a value
            raise SegmentError(
                f"{self.relation} could not be written ({type(error).__name__}; the message is withheld because it may "
                "quote a value). Nothing of it was added."
            ) from None

    def _checked(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            refuse_other_schema(self.relation, self.schema, batch.schema)
            yield batch


def refuse_other_schema(relation: Relation, there: pa.Schema, given: pa.Schema) -> None:
    """Refuse rows for a table whose columns have other names, order or types.

    Raises:
        SegmentError: they have.
    """
    if (there.names, there.types) != (given.names, given.types):
        raise SegmentError(
            f"{relation} has the columns {columns_in_words(there)}, and the rows to be added have "
            f"{columns_in_words(given)}. Nothing was added. Rename that table: it is of another version of this "
            "package, or of somebody else."
        )
