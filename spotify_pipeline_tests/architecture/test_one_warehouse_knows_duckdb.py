"""Names of DuckDB's types are known where DuckDB is the warehouse, or a store of ours, and nowhere else."""

from __future__ import annotations
