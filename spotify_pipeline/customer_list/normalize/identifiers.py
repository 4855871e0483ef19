"""Stage one: writes the rows of a segment into a private Parquet file of normalized identifiers.

The file holds raw identifiers, so it holds nothing else: a column per identifier type and at most a rank, no customer
key, and no minimum or maximum of a column in its footer. The counts of the run are in the footer as JSON, so they
can never be mistaken for those of another file.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import polars as pl

from spotify_pipeline.cores import in_order
from spotify_pipeline.customer_list.model import (
    ERASED,
    NO_CONSENT,
    NO_IDENTIFIER,
    CustomerListError,
    IdentifiersReport,
    SegmentTally,
    withheld_errors,
)
from spotify_pipeline.customer_list.normalize.segment_digests import BATCH_ROWS, append_declined
from spotify_pipeline.customer_list.storage import ParquetFile, StoredFile, parquet_writer, publish, workspace
from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.identity import RULES_VERSION
from spotify_pipeline.rows import (
    DigestSet,
    IdentifierPlan,
    gave_consent,
    holds_lists,
    people_holding,
    require_columns,
    row_identifiers,
)

RANK = "rank"
"""Column of the Parquet file: 1 for the person who is kept first where a list is cut."""

_REPORT_KEY = b"spotify_pipeline.identifiers_report"
_TASK = "Normalizing the identifiers"


def write_identifiers(
    batches: Iterable[pl.DataFrame],
    plan: IdentifierPlan,
    destination: StoredFile,
    *,
    erased: DigestSet | None = None,
    declined: StoredFile | None = None,
    expected_rows: int | None = None,
    config_fingerprint: str = "",
    updated_at: datetime | None = None,
) -> IdentifiersReport:
    """Normalize the identifiers of a segment into the Parquet file ``destination``, mode 0600.

    Columns are named by identifier type: strings where the plan names one source column of single values, else lists
    of a row's distinct values in the order of the columns. Where the plan names a rank, it is kept as the column
    ``rank``. Rows without consent or without any identifier are dropped and counted. Memory holds one batch, however
    large the segment. If anything fails, ``destination`` stays as it was.

    Args:
        batches: the segment's rows; all batches have the columns that the plan names.
        plan: which columns hold what.
        destination: the file to write; its directory is made, private, where it is missing.
        erased: digests of people who asked to be forgotten. They are left out before anything is written.
        declined: a file beside ``destination`` for ``read_declined``: the first 64 bits of each digest in rows without
            consent, so that the segment need not be read again to learn why somebody left a list.
        expected_rows: how many rows the segment has, where the source can say. Fewer or more read is an error, for a
            partial read must never look like a small segment.
        config_fingerprint: of the segment and settings that this is made from. It goes into the report, and from there
            into the manifest, so that a list made by other settings is recognized.
        updated_at: when the newest row of the segment was changed, with a time zone, where the source can say.

    Raises:
        RowsError: a column is missing or unusable.
        CustomerListError: the rows read are not those expected, or the time has no time zone.
        HomeError: the disk is full, or the directory cannot be written.
    """
    if updated_at is not None and updated_at.tzinfo is None:
        raise CustomerListError("The time of a segment's newest row needs a time zone. Nothing was kept.")
    tally = _tally(plan)
    with workspace(destination) as folder:
        unfinished, unfinished_declined = folder / "identifiers.parquet", folder / "declined.arrow"
        remaining = iter(batches)
        # Whether a column holds lists shows in the first batch, and all have the same columns.
        first = list(itertools.islice(remaining, 1))
        schema = _schema(plan, first[0].schema if first else pl.Schema())
        if declined is not None:
            # Also where nobody declines: a file that is missing says that it is not known.
            append_declined(unfinished_declined, pl.DataFrame(), plan, DigestSet.of())
        with atomic_private_file(unfinished) as file, parquet_writer(file, schema) as writer:
            rows = _slices(itertools.chain(first, remaining), plan)
            normalized = in_order(partial(_normalized, plan=plan, erased=erased), rows)
            with closing(normalized):
                for part in normalized:
                    tally.add_rows(part.tally)
                    with withheld_errors(_TASK):
                        if declined is not None:
                            append_declined(unfinished_declined, part.rows, plan, erased or DigestSet.of())
                        if part.identifiers.height:
                            writer.write(part.identifiers)
            _require_all_read(tally, expected_rows)
            report = tally.report(RULES_VERSION, config_fingerprint, expected_rows, updated_at)
            writer.note(_REPORT_KEY, report.to_json().encode())
        if declined is not None:
            publish(unfinished_declined, declined)
        publish(unfinished, destination)
    return report


def read_report(identifiers: StoredFile) -> IdentifiersReport:
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


def _tally(plan: IdentifierPlan) -> SegmentTally:
    return SegmentTally(types=plan.types, asks_consent=plan.consent_column is not None)


@dataclass(frozen=True, repr=False)
class _Normalized:
    """Some rows of a segment, their identifiers, and their counts."""

    rows: pl.DataFrame
    identifiers: pl.DataFrame
    tally: SegmentTally


def _slices(batches: Iterable[pl.DataFrame], plan: IdentifierPlan) -> Iterator[pl.DataFrame]:
    for batch in batches:
        with withheld_errors(_TASK):
            require_columns(batch, plan)
        yield from batch.iter_slices(BATCH_ROWS)


def _normalized(rows: pl.DataFrame, *, plan: IdentifierPlan, erased: DigestSet | None) -> _Normalized:
    tally = _tally(plan)
    with withheld_errors(_TASK):
        return _Normalized(rows, _identifiers(rows, plan, tally, erased), tally)


def _identifiers(
    rows: pl.DataFrame, plan: IdentifierPlan, tally: SegmentTally, erased: DigestSet | None
) -> pl.DataFrame:
    tally.rows_read += rows.height
    if plan.consent_column is not None:
        consenting = rows.filter(gave_consent(rows[plan.consent_column]))
        tally.dropped[NO_CONSENT] += rows.height - consenting.height
        rows = consenting
    identifiers = row_identifiers(rows, plan, tally)
    if plan.rank_column is not None:
        identifiers = identifiers.with_columns(_ranks(rows[plan.rank_column]))
    kept = identifiers.filter(pl.any_horizontal(pl.col(plan.types).is_not_null()))
    tally.dropped[NO_IDENTIFIER] += identifiers.height - kept.height
    if erased is not None:
        staying = kept.filter(~people_holding(kept, plan.types, erased))
        tally.dropped[ERASED] += kept.height - staying.height
        kept = staying
    tally.rows_kept += kept.height
    return kept


def _ranks(values: pl.Series) -> pl.Series:
    if not values.dtype.is_integer() or values.null_count():
        raise CustomerListError(
            f"The segment's column {values.name!r}, by which a list is cut, must hold a whole number in every row; it "
            f"holds {values.dtype} and {values.null_count()} nulls. Nothing was kept."
        )
    return values.cast(pl.Int64).alias(RANK)


def _require_all_read(tally: SegmentTally, expected_rows: int | None) -> None:
    if expected_rows is not None and tally.rows_read != expected_rows:
        raise CustomerListError(
            f"The segment has {expected_rows} rows, but {tally.rows_read} were read. Nothing was kept: a partial read "
            "must not look like a smaller segment. Run again; if it recurs, look at the warehouse's log."
        )


def _schema(plan: IdentifierPlan, source: pl.Schema) -> dict[str, pl.DataType]:
    one, several = pl.String(), pl.List(pl.String)
    schema: dict[str, pl.DataType] = {
        name: several if holds_lists(source, plan.identifiers[name]) else one for name in plan.types
    }
    return schema if plan.rank_column is None else {**schema, RANK: pl.Int64()}
