"""Writes rows where the two databases need other words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(transaction: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless one is there that a rule of the table allows no second of; whether it was inserted.

    Another transaction that is inserting one is waited for.
    """
    insert = sqlite.insert(table) if transaction.dialect.name == "sqlite" else postgresql.insert(table)
    # Not its rowcount, which not every driver gives for an insert.
    inserted = insert.values(**row).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return transaction.execute(inserted).first() is not None
