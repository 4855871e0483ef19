"""Stage two: builds a list of digests from normalized identifiers, with its manifest."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from spotify_pipeline.cores import in_order
from spotify_pipeline.customer_list.building.external_sort import SortedRows, Spread
from spotify_pipeline.customer_list.building.fan_out import digest_rows, people_slices
from spotify_pipeline.customer_list.building.selection import Selection
from spotify_pipeline.customer_list.building.truncation import Truncation
from spotify_pipeline.customer_list.building.writer import ListWriter
from spotify_pipeline.customer_list.model import (
    ERASED,
    CustomerListError,
    FileFields,
    IdentifiersReport,
    Layout,
    Manifest,
    withheld_errors,
)
from spotify_pipeline.customer_list.normalize import RANK
from spotify_pipeline.customer_list.read import WrittenRows
from spotify_pipeline.customer_list.storage import ParquetFile, StoredFile, publish_list, workspace
from spotify_pipeline.home import atomic_private_file, private_directory
from spotify_pipeline.identity import RULES_VERSION
from spotify_pipeline.rows import ERASURE, Suppressions, canonical_order

BATCH_ROWS = 65_536
"""Rows of identifiers in memory at a time, and rows of digests they may fan out to."""

SUPPRESSED = "suppressed"
OVER_LIMIT = "over_limit"

_NOBODY = Suppressions()
_TASK = "Building the customer list"


def build_customer_list(
    identifiers: StoredFile,
    report: IdentifiersReport,
    destination: StoredFile,
    *,
    layout: Layout,
    audience: str,
    snapshot: str,
    built_at: datetime,
    suppressions: Suppressions = _NOBODY,
    truncate: Truncation | None = None,
    written: WrittenRows | None = None,
) -> Manifest:
    """Build the list ``destination`` and, after it, ``manifest.json`` beside it; both 0600.

    Rows are distinct and in canonical order (``SortedRows``), so equal membership gives equal bytes, whatever the
    order, batches and duplicates of the source. Columns without a single value are left out; a list without a row has
    a header of the configured ones. Memory does not grow with the rows, but for eight bytes a person if a list may be
    cut. If anything fails, neither file is there half: the old pair stays, or, in the instant between the two, the
    list stands without a manifest and is not found.

    Args:
        identifiers: the file ``write_identifiers`` wrote.
        report: its report, as returned then or by ``read_report``.
        destination: the file to write; its directory is made, private, where it is missing.
        layout: the shape of the list.
        audience: the audience's folder name, for the manifest.
        snapshot: the partition key, for the manifest.
        built_at: now, with a time zone, for the manifest.
        suppressions: a person with any of these digests is left out whole, and counted as ``suppressed``.
        truncate: if the file would be larger than this says, the people ranked last are left out, and counted as
            ``over_limit``. The identifiers must have a rank.
        written: takes the rows as they are written; then memory grows by eight bytes for each cell.

    Raises:
        CustomerListError: the identifiers are not there, not those of the report, or of other identity rules; or the
            list is to be cut and they have no rank.
        HomeError: the disk is full, or the directory cannot be written.
    """
    if built_at.tzinfo is None:
        raise CustomerListError("The time of a customer list needs a time zone.")
    with withheld_errors(_TASK), workspace(destination) as folder, _open_identifiers(identifiers, report) as source:
        draft = _fitting_draft(folder, source, report, layout, suppressions, truncate, written)
        dropped = dict(report.rows_dropped)
        if suppressions.sources:
            dropped[SUPPRESSED] = draft.people.left_out_suppressed
        if truncate is not None:
            dropped[OVER_LIMIT] = draft.people.left_out_by_rank
        manifest = Manifest(
            audience=audience,
            snapshot=snapshot,
            built_at=built_at,
            rules_version=report.rules_version,
            layout=layout,
            rows_read=report.rows_read,
            rows_dropped=dropped,
            rows_kept=draft.people.kept,
            rejected=report.rejected,
            rows_added_by_fan_out=draft.fanned_out - draft.people.kept,
            duplicates_removed=draft.fanned_out - draft.rows,
            config_fingerprint=report.config_fingerprint,
            source_rows=report.source_rows,
            source_updated_at=report.source_updated_at,
            values_kept=report.values_kept,
            arrays_as_text=report.arrays_as_text,
            suppressions=suppressions.counts,
            suppression_values=suppressions.values,
            suppressed=_suppressed(draft.people, report, suppressions),
            truncated_by=truncate.order if truncate is not None and draft.people.left_out_by_rank else None,
            **draft.file_fields,
        )
        publish_list(draft.file, manifest, destination)
    return manifest


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """A finished list that has no name yet."""

    file: Path
    people: Selection
    fanned_out: int
    rows: int
    bytes: int
    file_fields: FileFields


def _fitting_draft(
    folder: Path,
    source: ParquetFile,
    report: IdentifiersReport,
    layout: Layout,
    suppressions: Suppressions,
    truncate: Truncation | None,
    written: WrittenRows | None,
) -> _Draft:
    types = canonical_order([name for name in source.columns if name != RANK])
    people = Selection(source=source, types=types, suppressions=suppressions)
    place = private_directory(folder / "draft")
    draft = _draft(place, people, report, layout, written)
    rounds = 0
    while truncate is not None and draft.bytes > truncate.max_bytes:
        if RANK not in source.columns:
            raise CustomerListError(
                f"The list has {draft.bytes} bytes, more than the limit of {truncate.max_bytes}, and is to be cut, but "
                "the identifiers have no rank. Materialize the identifiers again. Nothing was sent."
            )
        rounds += 1
        kept = truncate.people_to_keep(people=people.kept, size=draft.bytes, rounds=rounds)
        people = Selection(source=source, types=types, suppressions=suppressions, before_rank=people.rank_after(kept))
        shutil.rmtree(place)
        draft = _draft(private_directory(place), people, report, layout, written)
    return draft


def _draft(
    folder: Path, people: Selection, report: IdentifiersReport, layout: Layout, taker: WrittenRows | None
) -> _Draft:
    if taker is not None:
        taker.begin()
    rows = SortedRows(private_directory(folder / "rows"), people.types, expected_rows=_expected_rows(report, layout))
    fanned_out, values = _spill(people, layout, rows)
    finished = folder / "list.csv"
    with atomic_private_file(finished) as file:
        written = ListWriter(
            file,
            private_directory(folder / "digests"),
            layout=layout,
            columns=[column for column in people.types if values[column]] or people.types,
            rules_version=report.rules_version,
        )
        slices = (part for frame in rows.drain() for part in frame.iter_slices(BATCH_ROWS))
        with closing(in_order(written.ready, slices)) as done:
            for part in done:
                written.take(part)
                if taker is not None:
                    taker.add(part.rows)
    return _Draft(
        file=finished,
        people=people,
        fanned_out=fanned_out,
        rows=written.rows,
        bytes=written.bytes,
        file_fields=written.file_fields(),
    )


def _spill(people: Selection, layout: Layout, rows: SortedRows) -> tuple[int, Counter[str]]:
    """Hash all people into ``rows``; how many rows, and how many digests of each type."""

    def hashed(part: pl.DataFrame) -> tuple[int, dict[str, int], Spread]:
        with withheld_errors(_TASK):
            digests = digest_rows(part, people.types, layout)
            counts = {column: digests[column].count() for column in people.types}
            return digests.height, counts, rows.spread(digests)

    fanned_out = 0
    values: Counter[str] = Counter()
    slices = (
        part
        for batch in people.batches(BATCH_ROWS)
        for part in people_slices(batch, people.types, layout, at_most=BATCH_ROWS)
    )
    with closing(in_order(hashed, slices)) as done:
        for height, counts, parts in done:
            rows.take(parts)
            fanned_out += height
            values.update(counts)
    return fanned_out, values


def _suppressed(people: Selection, report: IdentifiersReport, suppressions: Suppressions) -> dict[str, int]:
    """Rows of the segment that each source kept out; who was erased was left out before the identifiers were kept."""
    already = {ERASURE: report.rows_dropped.get(ERASED, 0)}
    return {name: people.matched[name] + already.get(name, 0) for name in suppressions.sources}


def _open_identifiers(identifiers: StoredFile, report: IdentifiersReport) -> ParquetFile:
    if not identifiers.is_file():
        raise CustomerListError(f"There are no identifiers at {identifiers}. Materialize the identifiers first.")
    if report.rules_version != RULES_VERSION:
        raise CustomerListError(
            f"The identifiers were normalized by version {report.rules_version} of the identity rules; this program "
            f"has version {RULES_VERSION}. Materialize the identifiers again."
        )
    source = ParquetFile(identifiers)
    if source.rows != report.rows_kept:
        raise CustomerListError(
            f"The file of identifiers has {source.rows} rows, its report says {report.rows_kept}. "
            "Materialize the identifiers again."
        )
    return source


def _expected_rows(report: IdentifiersReport, layout: Layout) -> int:
    if layout is Layout.LONG:
        return sum(report.values_kept.values())
    kept = max(1, report.rows_kept)
    return math.ceil(kept * math.prod(max(1, values / kept) for values in report.values_kept.values()))
