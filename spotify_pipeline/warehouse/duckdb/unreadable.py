"""Says why a relation could not be read, without the driver's message, which may quote a value (requirement P03)."""

from __future__ import annotations

import duckdb

from spotify_pipeline.warehouse.errors import SegmentError
from spotify_pipeline.warehouse.relation import Relation

_FILES_OR_EXTENSION = ("file system operations are disabled", "extension", "disabled by configuration")
_DAMAGED = ("Corrupt database file", "Could not read enough bytes")
_MISSING = ("does not exist", "not found in FROM clause", *_FILES_OR_EXTENSION)
"""Parts of DuckDB's messages about names in a view's definition that it cannot resolve."""

_DEFAULT_SCHEMA = "main"


def main_catalog(connection: duckdb.DuckDBPyConnection) -> str:
    """The warehouse file's name inside DuckDB."""
    ((name,),) = connection.execute("SELECT current_database()").fetchall()
    return str(name)


def why_unreadable(connection: duckdb.DuckDBPyConnection, relation: Relation, error: Exception) -> SegmentError:
    """The error to raise instead of ``error``, with which reading ``relation`` failed."""
    said = str(error)
    if any(sign in said for sign in _DAMAGED):
        return SegmentError(
            f"{relation} could not be read to its end: the warehouse file is damaged there. Nothing was sent. Restore "
            "it, or build the table again."
        )
    unresolved = isinstance(error, duckdb.CatalogException | duckdb.BinderException | duckdb.PermissionException)
    if unresolved and any(sign in said for sign in _MISSING) and _is_view(connection, relation):
        return _unreadable_view(relation, said)
    if isinstance(error, duckdb.CatalogException):
        return _absent(connection, relation)
    return SegmentError(
        f"{relation} could not be read to its end ({type(error).__name__}; the message is withheld because it may "
        "quote a value). Run the query in the warehouse to see it. Nothing was sent."
    )


def _unreadable_view(relation: Relation, said: str) -> SegmentError:
    if any(sign in said for sign in _FILES_OR_EXTENSION):
        return SegmentError(
            f"{relation} is a view over files or over something of an extension, and such views cannot be read here: "
            "the connection that reads people may open nothing but the warehouse file. Make it a table (with dbt: "
            "materialized: table). Nothing was sent."
        )
    return SegmentError(
        f"The view {relation} is there, but what it reads is not: a table, column or function was dropped or renamed, "
        "or is in an attached database, and such views cannot be read here. Create again what is missing, or make the "
        "view a table (with dbt: materialized: table). Nothing was sent."
    )


def _absent(connection: duckdb.DuckDBPyConnection, relation: Relation) -> SegmentError:
    catalog = main_catalog(connection)
    if len(relation.parts) == 3 and relation.parts[0].casefold() != catalog.casefold():
        return SegmentError(
            f"{relation} is in another database than the warehouse file, which is called {catalog}: only that file is "
            f"read here. Make it a table there, and name it {'.'.join((catalog, *relation.parts[1:]))}. Nothing was "
            "sent."
        )
    return SegmentError(
        f"The warehouse has no table or view {relation}. Build it first (for a dbt model: materialize its asset), or "
        "correct the YAML that names it."
    )


def _is_view(connection: duckdb.DuckDBPyConnection, relation: Relation) -> bool:
    *outer, name = (part.casefold() for part in relation.parts)
    try:
        catalog = main_catalog(connection).casefold()
        views = connection.execute("SELECT database_name, schema_name, view_name FROM duckdb_views()").fetchall()
    except duckdb.Error:
        return False
    there = {tuple(str(part).casefold() for part in each) for each in views}
    # With two parts, the first is the schema or the file.
    schemas = [(catalog, *outer)] if len(outer) == 1 else [(*outer,)] if outer else [(catalog, _DEFAULT_SCHEMA)]
    schemas += [(catalog, _DEFAULT_SCHEMA)] if outer == [catalog] else []
    return any((*schema, name) in there for schema in schemas)
