"""What a name in the YAML leads to where it leads to nothing that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from spotify_pipeline.warehouse import SegmentError, SegmentReader, open_to_read
from spotify_pipeline.warehouse.duckdb import lock_down
from spotify_pipeline_tests.warehouse.readers import reader_of

FILES = "people is a view over files or over something of an extension, and such views cannot be read here"
MISSING = "The view people is there, but what it reads is not: a table, column or function was dropped or renamed"


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Callable[..., SegmentReader]]:
    """`reading("CREATE ...", named="people")`: a reader of that relation, locked down as in a run."""
    opened: list[duckdb.DuckDBPyConnection] = []

    def prepared(statements: str, named: str = "people") -> SegmentReader:
        file = tmp_path / "warehouse.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute("CREATE TABLE raw AS SELECT 'canary@example.com' AS email, 1 AS age")
            connection.execute(statements.replace("DIR", str(tmp_path)))
        connection = open_to_read(file)
        opened.append(connection)
        lock_down(connection, tmp_path / "spill")
        return reader_of(connection, named)

    yield prepared
    for each in opened:
        each.close()


READINGS: dict[str, Callable[[SegmentReader], object]] = {
    "columns": SegmentReader.columns,
    "count": SegmentReader.count,
    "newest": lambda segment: segment.newest("email"),
    "batches": lambda segment: list(segment.batches(["email"])),
}


@pytest.mark.parametrize("how", READINGS)
@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        pytest.param("COPY raw TO 'DIR/p.parquet'; CREATE VIEW people AS FROM 'DIR/p.parquet'", FILES, id="parquet"),
        pytest.param("COPY raw TO 'DIR/p.csv'; CREATE VIEW people AS FROM read_csv('DIR/p.csv')", FILES, id="csv"),
        pytest.param("CREATE VIEW people AS SELECT file AS email FROM glob('DIR/*')", FILES, id="glob"),
        pytest.param(
            "COPY raw TO 'DIR/p.json'; CREATE VIEW files AS FROM 'DIR/p.json'; CREATE VIEW people AS FROM files",
            FILES,
            id="a view of such a view",
        ),
        pytest.param(
            "CREATE MACRO st_point(x) AS x; CREATE VIEW people AS SELECT st_point(email) AS email FROM raw; "
            "DROP MACRO st_point",
            FILES,
            id="extension",
        ),
        pytest.param(
            "ATTACH 'DIR/other.duckdb' AS other; CREATE TABLE other.people AS FROM raw; "
            "CREATE VIEW people AS FROM other.people",
            MISSING,
            id="attached database",
        ),
        pytest.param(
            "ATTACH 'DIR/other.duckdb' AS other; CREATE SCHEMA other.crm; CREATE TABLE other.crm.p AS FROM raw; "
            "CREATE VIEW people AS FROM other.crm.p",
            MISSING,
            id="schema of an attached database",
        ),
        pytest.param("CREATE VIEW people AS FROM raw; DROP TABLE raw", MISSING, id="dropped table"),
        pytest.param(
            "CREATE VIEW first AS FROM raw; CREATE VIEW people AS FROM first; DROP TABLE raw", MISSING, id="far below"
        ),
        pytest.param(
            "CREATE SCHEMA crm; CREATE TABLE crm.p AS FROM raw; CREATE VIEW people AS FROM crm.p; DROP TABLE crm.p; "
            "DROP SCHEMA crm",
            MISSING,
            id="dropped schema",
        ),
        pytest.param(
            "CREATE VIEW people AS SELECT email FROM raw; ALTER TABLE raw RENAME email TO mail",
            MISSING,
            id="renamed column",
        ),
        pytest.param(
            "CREATE MACRO m(x) AS lower(x); CREATE VIEW people AS SELECT m(email) AS email FROM raw; DROP MACRO m",
            MISSING,
            id="dropped macro",
        ),
    ],
)
def test_p03_a_view_that_cannot_be_read_says_so(
    reading: Callable[..., SegmentReader], statements: str, sentence: str, how: str
) -> None:
    with pytest.raises(SegmentError) as refused:
        READINGS[how](reading(statements))
    assert sentence in str(refused.value)
    assert "materialized: table" in str(refused.value)
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_view_in_a_schema_is_found_there(reading: Callable[..., SegmentReader]) -> None:
    segment = reading("CREATE SCHEMA crm; CREATE VIEW crm.People AS FROM raw; DROP TABLE raw", "crm.people")
    with pytest.raises(SegmentError, match=r"The view crm\.people is there"):
        segment.count()


def test_what_is_in_another_database_is_said_to_be(reading: Callable[..., SegmentReader]) -> None:
    with pytest.raises(SegmentError, match=r"is called warehouse: only that file.*name it warehouse\.crm\.people"):
        reading("CREATE SCHEMA crm", "prod.crm.people").count()


@pytest.mark.parametrize("named", ["nothing", "main.nothing", "nowhere.raw", "warehouse.main.nothing", "crm.raw"])
def test_what_is_not_there_is_said_not_to_be(reading: Callable[..., SegmentReader], named: str) -> None:
    with pytest.raises(SegmentError, match=f"The warehouse has no table or view {named}"):
        reading("CREATE SCHEMA crm; CREATE VIEW crm.nothing AS FROM raw", named).count()


@pytest.mark.parametrize("schema", ["warehouse", "Warehouse", "WAREHOUSE"])
@pytest.mark.parametrize("named", ["warehouse.people", "WareHouse.people", "warehouse.warehouse.people"])
def test_a_schema_called_as_the_file_is_can_be_read(
    reading: Callable[..., SegmentReader], schema: str, named: str
) -> None:
    made = f'CREATE SCHEMA "{schema}"; CREATE TABLE warehouse."{schema}".people AS FROM raw, range(3)'
    segment = reading(f"{made}; CREATE TABLE main.people AS FROM raw", named)
    assert segment.count() == 3
    assert sum(batch.height for batch in segment.batches(["email"])) == 3
    assert "email" in segment.columns()


def test_without_such_a_schema_the_first_of_two_parts_may_be_the_file(reading: Callable[..., SegmentReader]) -> None:
    assert reading("CREATE TABLE people AS FROM raw", "warehouse.people").count() == 1
