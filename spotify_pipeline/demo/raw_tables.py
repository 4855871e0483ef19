"""Writes the demo's source tables into a DuckDB file: customers, consents, events and shop events.

The same people, seed and date give the same bytes, on every machine. People are made and written in blocks, so memory
does not grow with their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from spotify_pipeline.demo.activity import consents, events, shop_events
from spotify_pipeline.demo.customers import Block, customers
from spotify_pipeline.home import private_directory

DEFAULT_PEOPLE: Final = 250_000
DEFAULT_SEED: Final = 7
# The day the data is of. It is fixed, as the segments ("in the last 90 days") would otherwise change overnight;
# dbt_project.yml states the same day in its variable `as_of`.
DEFAULT_AS_OF: Final = date(2026, 11, 16)

GENERATOR_VERSION: Final = 3  # raise it with any change of what is generated
BLOCK_ROWS: Final = 50_000  # part of what is generated: a duplicate is in the block of its original

_GENERATOR: Final = "_generator"
_TABLES: Final = {
    "customers": """
        customer_id BIGINT NOT NULL, email VARCHAR, billing_email VARCHAR, phone VARCHAR, country VARCHAR,
        device_id VARCHAR, signed_up_with VARCHAR NOT NULL, signed_up_on DATE NOT NULL, plan VARCHAR NOT NULL,
        cancelled_on DATE, birth_year INTEGER, loaded_at TIMESTAMP NOT NULL""",
    "consents": """
        consent_id BIGINT NOT NULL, customer_id BIGINT NOT NULL, channel VARCHAR NOT NULL, granted BOOLEAN,
        changed_at TIMESTAMP NOT NULL""",
    "events": """
        event_id VARCHAR NOT NULL, customer_id BIGINT NOT NULL, event VARCHAR NOT NULL,
        happened_at TIMESTAMP NOT NULL, amount DECIMAL(10, 2), currency VARCHAR""",
    "shop_events": """
        order_number VARCHAR, customer_id BIGINT NOT NULL, event VARCHAR NOT NULL, happened_at TIMESTAMP,
        amount DECIMAL(10, 2), currency VARCHAR, category VARCHAR, page VARCHAR""",
    # What the other tables were made from; its row is written last, so an interrupted run is seen and done again.
    _GENERATOR: """
        version INTEGER NOT NULL, people BIGINT NOT NULL, seed BIGINT NOT NULL, as_of DATE NOT NULL,
        customers BIGINT NOT NULL, consents BIGINT NOT NULL, events BIGINT NOT NULL,
        shop_events BIGINT NOT NULL""",
}


class RawTablesError(Exception):
    """The source tables cannot be written; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class RawTables:
    """Schema ``raw``: what it was made from, and the rows of each table.

    ``customers`` exceeds ``people``: some numbers were loaded twice. ``reused``: the tables were there already.
    """

    people: int
    seed: int
    as_of: date
    customers: int
    consents: int
    events: int
    shop_events: int
    reused: bool


def write_raw_tables(
    database: Path,
    *,
    people: int = DEFAULT_PEOPLE,
    seed: int = DEFAULT_SEED,
    as_of: date = DEFAULT_AS_OF,
) -> RawTables:
    """Write the tables of schema ``raw``, unless they are there and were made from the same inputs.

    Args:
        database: a DuckDB file; it and its directory are created if missing, readable by their owner only.
        people: customer numbers, 1 or more.
        seed: another seed gives other people.
        as_of: the day the data is of. Nothing in it happens later.

    Raises:
        RawTablesError: ``people`` is below 1; the file is in use by another process or cannot be written; or it holds
            source tables that this function did not make.
        HomeError: the directory cannot be made.
    """
    if people < 1:
        raise RawTablesError(f"The demo needs at least one person, not {people}. Use --people with 1 or more.")
    if not database.parent.exists():
        private_directory(database.parent)
    try:
        with duckdb.connect(database) as connection:
            database.chmod(0o600)
            found = _already_written(connection, people=people, seed=seed, as_of=as_of)
            return found or _write(connection, people=people, seed=seed, as_of=as_of)
    except (duckdb.IOException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise RawTablesError(
            f"Cannot write {database}: {reason}. Close other programs that use it (Dagster, dbt, a DuckDB shell)"
            " or free some disk space, then run again."
        ) from None


def _already_written(connection: duckdb.DuckDBPyConnection, *, people: int, seed: int, as_of: date) -> RawTables | None:
    names = "select table_name from information_schema.tables where table_schema = 'raw'"
    tables = {str(name) for (name,) in connection.execute(names).fetchall()}
    if _GENERATOR not in tables:
        if foreign := sorted(tables.intersection(_TABLES)):
            raise RawTablesError(
                f"Schema raw has tables that are not the demo's ({', '.join(foreign)}), and the demo would replace"
                " them. Use another database file."
            )
        return None
    made_from = "version = ? and people = ? and seed = ? and as_of = ?"
    inputs = [GENERATOR_VERSION, people, seed, as_of]
    query = f"select customers, consents, events, shop_events from raw._generator where {made_from}"  # noqa: S608 (a constant)
    rows: list[tuple[int, int, int, int]] = connection.execute(query, inputs).fetchall()
    if not rows:
        return None
    counts = dict(zip(("customers", "consents", "events", "shop_events"), rows[0], strict=True))
    return RawTables(people=people, seed=seed, as_of=as_of, reused=True, **counts)


def _write(connection: duckdb.DuckDBPyConnection, *, people: int, seed: int, as_of: date) -> RawTables:
    connection.execute("begin")
    connection.execute("create schema if not exists raw")
    for table, columns in _TABLES.items():
        connection.execute(f"create or replace table raw.{table} ({columns})")
    connection.execute("commit")
    counts: dict[str, int] = dict.fromkeys(("customers", "consents", "events", "shop_events"), 0)
    for number, start in enumerate(range(0, people, BLOCK_ROWS)):
        block = Block(key=f"{seed}/{number}", first_id=start + 1, rows=min(BLOCK_ROWS, people - start), as_of=as_of)
        rows = customers(block)
        parts = {
            "customers": rows,
            "consents": consents(block, rows.head(block.rows)),
            "events": events(block, rows.head(block.rows)),
            "shop_events": shop_events(block, rows.head(block.rows)),
        }
        for table, frame in parts.items():
            _append(connection, table, frame)
            counts[table] += frame.height
    made_from = [GENERATOR_VERSION, people, seed, as_of, *counts.values()]
    connection.execute("insert into raw._generator values (?, ?, ?, ?, ?, ?, ?, ?)", made_from)
    return RawTables(people=people, seed=seed, as_of=as_of, reused=False, **counts)


def _append(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    connection.register("block", frame)
    connection.execute(f"insert into raw.{table} by name select * from block")  # noqa: S608 (a name of _TABLES)
    connection.unregister("block")
