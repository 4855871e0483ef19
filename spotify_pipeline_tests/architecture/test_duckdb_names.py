"""DuckDB and the names of its types are known where it is the warehouse, and nowhere else."""

from __future__ import annotations

import ast
import re
from functools import cache

from spotify_pipeline_tests.architecture.import_chain import House

AT_HOME = ("spotify_pipeline.warehouse.duckdb", "spotify_pipeline.demo", "spotify_pipeline.former_home.outboxes")
"""Outboxes were DuckDB files before there was a state."""
WAITS_FOR_IT = "spotify_pipeline.components.resources"
"""Has Dagster's own resource wait for a file that is written to."""
TYPE = re.compile(r"\b(VARCHAR|U?(TINY|SMALL|BIG|HUGE)INT|BIGNUM|TIMESTAMP(TZ|_N?S|_MS| WITH)?|json_type)\b")


@cache
def elsewhere() -> list[tuple[str, ast.AST]]:
    return [
        (module, node)
        for module, tree in House.ours().modules.items()
        if not module.startswith(AT_HOME)
        for node in ast.walk(tree)
    ]


def test_no_type_of_duckdb_is_named_outside_its_package() -> None:
    named = {
        (module, node.value)
        for module, node in elsewhere()
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TYPE.search(node.value)
    }
    assert not named


def test_duckdb_is_imported_where_it_is_used_alone() -> None:
    importing = {
        module
        for module, node in elsewhere()
        if isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "duckdb" for alias in node.names)
    }
    assert importing <= {WAITS_FOR_IT}
