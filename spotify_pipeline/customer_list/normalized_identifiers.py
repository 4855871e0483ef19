"""Stage one: rows of a segment become a private Parquet file of normalized identifiers.

The file holds raw identifiers, so it holds nothing else: a column per identifier type, no customer key, and no
minimum or maximum of a column in its footer. The counts of the run stand in the footer as JSON, so they can never be
taken for those of another file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list.arrow_files import ParquetFile, parquet_writer
from spotify_pipeline.customer_list.errors import CustomerListError, withheld_errors
from spotify_pipeline.customer_list.plan import IdentifierColumns, IdentifierPlan
from spotify_pipeline.customer_list.report import NO_CONSENT, NO_IDENTIFIER, IdentifiersReport, Tally
from spotify_pipeline.customer_list.source_values import as_text, gave_consent
from spotify_pipeline.customer_list.workspace import publish, workspace
from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.identity import RULES_VERSION, IdentifierType, normalize

BATCH_ROWS = 65_536
"""Rows in memory at a time, and at most in a row group. Larger batches are cut."""

_REPORT_KEY = b"spotify_pipeline.identifiers_report"
_TASK = "Normalizing the identifiers"


def write_identifiers(
    batches: Iterable[pl.DataFrame],
    plan: IdentifierPlan,
    destination: Path,
    *,
    expected_rows: int | None = None,
    recipe: str = "",
) -> IdentifiersReport:
    """Normalize the identifiers of a segment into the Parquet file ``destination``, mode 0600.

    Columns are named by identifier type: strings where the plan names one source column, else lists of a row's
    distinct values in the order of the columns. Rows without consent or without any identifier are dropped and
    counted. Memory holds one batch, however large the segment. If anything fails, ``destination`` stays as it was.

    Args:
        batches: the segment's rows; all batches have the columns that the plan names.
        plan: which columns hold what.
        destination: the file to write; its directory is made, private, where it is missing.
        expected_rows: how many rows the segment has, where the source can say. Fewer or more read is an error, for a
            partial read must never look like a small segment.
        recipe: a mark of the segment and settings that this is made from. It goes into the report, and from there into
            the manifest, so that a list made by other settings can be told.

    Raises:
        CustomerListError: a column is missing or unusable, or the rows read are not those expected.
        HomeError: the disk is full, or the directory cannot be written.
    """
    tally = Tally(types=plan.types, asks_consent=plan.consent_column is not None)
    with workspace(destination) as folder:
        unfinished = folder / "identifiers.parquet"
        with atomic_private_file(unfinished) as file, parquet_writer(file, _schema(plan)) as writer:
            for batch in batches:
                with withheld_errors(_TASK):
                    _require_columns(batch, plan)
                    for rows in batch.iter_slices(BATCH_ROWS):
                        identifiers = _identifiers(rows, plan, tally)
                        if identifiers.height:
                            writer.write(identifiers)
            _require_all_read(tally, expected_rows)
            report = tally.report(RULES_VERSION, recipe)
            writer.note(_REPORT_KEY, report.to_json().encode())
        publish(unfinished, destination)
    return report


def read_report(identifiers: Path) -> IdentifiersReport:
    """The counts that ``write_identifiers`` left in the footer of its file.

    Raises:
        CustomerListError: there is no such file, or it is not one of these.
    """
    if not identifiers.is_file():
        raise CustomerListError(f"There are no identifiers at {identifiers}. Materialize the identifiers first.")
    with withheld_errors("Reading the identifiers' report"), ParquetFile(identifiers) as file:
        footer = file.notes
    if _REPORT_KEY not in footer:
        raise CustomerListError(f"{identifiers} was not written by this project: its footer holds no report.")
    return IdentifiersReport.from_json(footer[_REPORT_KEY])


def _identifiers(rows: pl.DataFrame, plan: IdentifierPlan, tally: Tally) -> pl.DataFrame:
    tally.rows_read += rows.height
    if plan.consent_column is not None:
        consenting = rows.filter(gave_consent(rows[plan.consent_column]))
        tally.dropped[NO_CONSENT] += rows.height - consenting.height
        rows = consenting
    values = [_values(rows, identifier, plan.identifiers[identifier], tally) for identifier in plan.types]
    identifiers = pl.DataFrame(values)
    kept = identifiers.filter(pl.any_horizontal(pl.all().is_not_null()))
    tally.dropped[NO_IDENTIFIER] += identifiers.height - kept.height
    tally.rows_kept += kept.height
    return kept


def _values(rows: pl.DataFrame, identifier: IdentifierType, source: IdentifierColumns, tally: Tally) -> pl.Series:
    """The normalized values of one type: one a row, or where there are several columns a list; null where none."""
    regions = _regions(rows, source)
    columns: list[pl.Series] = []
    for column in source.columns:
        text = as_text(rows[column], binary_uuids=identifier is IdentifierType.DEVICE_ID)
        result = normalize(text, identifier, regions=regions, device_id_case=source.device_id_case)
        reasons = result["rejection"].drop_nulls().value_counts()
        tally.rejected[identifier].update(dict(reasons.iter_rows()))
        columns.append(result["normalized"].alias(f"{len(columns)}"))
    if len(columns) == 1:
        tally.kept[identifier] += columns[0].count()
        return columns[0].alias(identifier)
    values = pl.DataFrame(columns).select(
        pl.concat_list(pl.all()).list.drop_nulls().list.unique(maintain_order=True).alias(identifier)
    )[identifier]
    kept = int(values.list.len().sum())
    tally.kept[identifier] += kept
    tally.repeated[identifier] += sum(column.count() for column in columns) - kept
    return values.set(values.list.len() == 0, None)


def _regions(rows: pl.DataFrame, source: IdentifierColumns) -> pl.Series | str | None:
    if source.region_column is None:
        return source.default_region
    named = as_text(rows[source.region_column]).str.strip_chars()
    return named.set(named == "", None).fill_null(pl.lit(source.default_region, dtype=pl.String))


def _require_columns(batch: pl.DataFrame, plan: IdentifierPlan) -> None:
    wanted = [column for source in plan.identifiers.values() for column in (*source.columns, source.region_column)]
    for column in (*wanted, plan.consent_column):
        if column is not None and column not in batch.columns:
            raise CustomerListError(
                f"The segment has no column {column!r}. Its columns are: {', '.join(batch.columns)}."
            )


def _require_all_read(tally: Tally, expected_rows: int | None) -> None:
    if expected_rows is not None and tally.rows_read != expected_rows:
        raise CustomerListError(
            f"The segment has {expected_rows} rows, but {tally.rows_read} were read. Nothing was kept: a partial read "
            "must not look like a smaller segment. Run again; if it recurs, look at the warehouse's log."
        )


def _schema(plan: IdentifierPlan) -> dict[str, pl.DataType]:
    one, several = pl.String(), pl.List(pl.String)
    return {name.value: one if len(plan.identifiers[name].columns) == 1 else several for name in plan.types}
