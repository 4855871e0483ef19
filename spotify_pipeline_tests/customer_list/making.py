"""Short ways for tests to make segments, identifiers and lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list import (
    IdentifiersReport,
    Layout,
    Manifest,
    StoredFile,
    build_customer_list,
    write_identifiers,
)
from spotify_pipeline.identity import DeviceId, Email, Phone
from spotify_pipeline.rows import IdentifierColumns, IdentifierPlan

NOW = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
EMAIL_ONLY = IdentifierPlan(identifiers={"email": IdentifierColumns(kind=Email(), columns=("email",))})
ALL_TYPES = IdentifierPlan(
    identifiers={
        "email": IdentifierColumns(kind=Email(), columns=("email", "billing_email")),
        "phone": IdentifierColumns(kind=Phone(region_column="country", default_region="SE"), columns=("phone",)),
        "device_id": IdentifierColumns(kind=DeviceId(), columns=("idfa",)),
    },
    consent_column="consent",
)
ALL_COLUMNS = ("email", "billing_email", "phone", "country", "idfa", "consent")


def segment(rows: Iterable[dict]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict.fromkeys(ALL_COLUMNS, pl.String))


def emails(*values: str | None) -> pl.DataFrame:
    return pl.DataFrame({"email": pl.Series(values, dtype=pl.String)})


def in_batches(table: pl.DataFrame, rows: int) -> list[pl.DataFrame]:
    return list(table.iter_slices(rows))


def build(
    identifiers: StoredFile, report: IdentifiersReport, destination: StoredFile, layout: Layout = Layout.WIDE, **options
) -> Manifest:
    options = {"audience": "lapsed", "snapshot": "2026-11-16", "built_at": NOW, **options}
    return build_customer_list(identifiers, report, destination, layout=layout, **options)


def email_list(folder: Path, *values: str | None, layout: Layout = Layout.WIDE) -> tuple[Path, Manifest]:
    """A list of e-mail digests in ``folder``."""
    identifiers, destination = folder / "identifiers.parquet", folder / "list" / "customer_list.csv"
    report = write_identifiers([emails(*values)], EMAIL_ONLY, identifiers)
    return destination, build(identifiers, report, destination, layout)


def names_below(folder: Path) -> set[str]:
    """Every file and directory below, by its path in ``folder``."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
