"""docs/reference/state.md describes each table, and says of each sealed column that it is sealed."""

from __future__ import annotations

import re
from pathlib import Path

import spotify_pipeline
from spotify_pipeline.state.tables import SEALED, metadata

PAGE = Path(spotify_pipeline.__file__).parents[1] / "docs" / "reference" / "state.md"
COLUMNS = 5


def described() -> dict[str, str]:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert {line.count(" | ") + 1 for line in rows} == {COLUMNS}
    return {line.split("`")[1]: line for line in rows}


def test_each_table_is_described_and_no_other() -> None:
    assert sorted(described()) == sorted(metadata.tables)


def test_each_sealed_column_is_named_as_sealed_and_no_other() -> None:
    stated = {(table, column) for table, row in described().items() for column in re.findall(r"`(\w+)`, sealed", row)}
    assert stated == {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if column.info.get(SEALED)
    }
