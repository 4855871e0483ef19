"""Opens the warehouse file for reading, or says why it cannot be opened."""

from __future__ import annotations

from pathlib import Path

import duckdb

from spotify_pipeline.home import reason_of
from spotify_pipeline.warehouse.duckdb.spill import own_spill_directory
from spotify_pipeline.warehouse.errors import SegmentError, WarehouseHeld

WAREHOUSE_VARIABLE = "SPOTIFY_PIPELINE_WAREHOUSE"
TO_READ = {"access_mode": "READ_ONLY", "custom_user_agent": "dagster"}
"""How it is opened. Within a process all connections to a file, Dagster's too, must be opened the same way."""
MEMORY_LIMIT = "512MB"
_HELD = "Could not set lock"


def lock_down(
    connection: duckdb.DuckDBPyConnection, spill_directory: Path, *, memory_limit: str = MEMORY_LIMIT
) -> None:
    """Confine a connection that touches personal data (requirements P07, S02).

    What does not fit into ``memory_limit`` is spilled to ``spill_directory`` (created with mode 0700). SQL cannot read
    or write files or the network, no extension is installed, and none of this can be changed back.
    """
    spill = str(own_spill_directory(spill_directory)).replace("'", "''")
    connection.execute(f"SET temp_directory = '{spill}'")
    connection.execute(f"SET memory_limit = '{memory_limit}'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def open_to_read(file: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a DuckDB file.

    Raises:
        WarehouseHeld: another process writes to it.
        SegmentError: the file is missing, unreadable, damaged, or not a DuckDB database.
    """
    if not _begins_as_duckdb(file):
        raise SegmentError(
            f"{file} is not a DuckDB database, or its beginning is damaged. Set {WAREHOUSE_VARIABLE} to one, or "
            "restore it."
        )
    held = False
    try:
        connection = duckdb.connect(str(file), config={**TO_READ})
        if _is_whole(connection, file):
            return connection
        connection.close()
    except duckdb.Error as error:
        held = isinstance(error, duckdb.IOException) and _HELD in str(error)
    if held:
        raise WarehouseHeld(
            f"The warehouse {file} is held by another process that writes to it. Wait for it to end, and give the "
            "Dagster pool `spotify_warehouse` a limit of 1 so that runs take turns."
        )
    raise SegmentError(
        f"The warehouse {file} cannot be opened: it may be cut short or damaged, encrypted, or of a newer version of "
        f"DuckDB than the one here ({duckdb.__version__}). Nothing was sent. Restore it or build it again; if it is of "
        "a newer version, update DuckDB here."
    )


def open_to_write(file: Path) -> duckdb.DuckDBPyConnection:
    """A connection to a DuckDB file that may write, while nothing else has it open.

    Raises:
        WarehouseHeld: another process has it open, or this one to read it.
        SegmentError: as ``open_to_read``.
    """
    open_to_read(file).close()
    try:
        return duckdb.connect(str(file), config={"custom_user_agent": "dagster"})
    except duckdb.Error:
        # It could be read a moment ago.
        raise WarehouseHeld(
            f"The warehouse {file} cannot be written to now: it is read or written elsewhere, or this user may only "
            "read it. Wait for that to end, and give the Dagster pool `spotify_warehouse` a limit of 1 so that runs "
            "take turns."
        ) from None


def _is_whole(connection: duckdb.DuckDBPyConnection, file: Path) -> bool:
    """Whether the file is as long as its blocks in use. DuckDB may only notice a truncated file when it gets there."""
    ((in_use,),) = connection.execute("SELECT sum(block_size * used_blocks) FROM pragma_database_size()").fetchall()
    return file.stat().st_size >= (in_use or 0)


def _begins_as_duckdb(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(12)[8:] == b"DUCK"
    except FileNotFoundError:
        raise SegmentError(
            f"There is no warehouse at {file}. Build it, or set {WAREHOUSE_VARIABLE} to the DuckDB file."
        ) from None
    except OSError as error:
        reason = reason_of(error)
        raise SegmentError(
            f"The warehouse {file} cannot be read ({reason}). Set {WAREHOUSE_VARIABLE} to a DuckDB file that this user "
            "can read."
        ) from None
