"""Stage two: normalized identifiers become a list of digests, in a layout Spotify reads, with its manifest."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime
from pathlib import Path

from spotify_pipeline.customer_list.arrow_files import ParquetFile
from spotify_pipeline.customer_list.digest_counts import DigestCounts
from spotify_pipeline.customer_list.errors import CustomerListError, withheld_errors
from spotify_pipeline.customer_list.fan_out import digest_rows
from spotify_pipeline.customer_list.layout import Layout, canonical_order
from spotify_pipeline.customer_list.list_file import ListFile
from spotify_pipeline.customer_list.manifest import Manifest
from spotify_pipeline.customer_list.report import IdentifiersReport
from spotify_pipeline.customer_list.sorted_rows import SortedRows
from spotify_pipeline.customer_list.workspace import publish, workspace
from spotify_pipeline.home import atomic_private_file, private_directory
from spotify_pipeline.identity import RULES_VERSION, IdentifierType

BATCH_ROWS = 65_536
"""Rows of identifiers in memory at a time, and rows of digests they may fan out to."""

MANIFEST_NAME = "manifest.json"
_TASK = "Building the customer list"


def build_customer_list(
    identifiers: Path,
    report: IdentifiersReport,
    destination: Path,
    *,
    layout: Layout,
    audience: str,
    snapshot: str,
    built_at: datetime,
) -> Manifest:
    """Build the list ``destination`` and, after it, ``manifest.json`` beside it; both 0600.

    Rows are distinct and in canonical order (``SortedRows``), so equal membership gives equal bytes, whatever the
    order, batches and duplicates of the source. Columns without a single value are left out; a list without a row has
    a header of the configured ones. Memory does not grow with the rows. If anything fails, neither file is there half:
    the old pair stays, or, in the instant between the two, the list stands without a manifest and is not found.

    Args:
        identifiers: the file ``write_identifiers`` wrote.
        report: its report, as returned then or by ``read_report``.
        destination: the file to write; its directory is made, private, where it is missing.
        layout: the shape of the list.
        audience: the audience's folder name, for the manifest.
        snapshot: the partition key, for the manifest.
        built_at: now, with a time zone, for the manifest.

    Raises:
        CustomerListError: the identifiers are not there, not those of the report, or of other identity rules.
        HomeError: the disk is full, or the directory cannot be written.
    """
    if built_at.tzinfo is None:
        raise CustomerListError("The time of a customer list needs a time zone.")
    with withheld_errors(_TASK), workspace(destination) as folder, _open_identifiers(identifiers, report) as source:
        types = canonical_order([IdentifierType(name) for name in source.columns])
        rows = SortedRows(private_directory(folder / "rows"), types, expected_rows=_expected_rows(report, layout))
        fanned_out = 0
        values: Counter[str] = Counter()
        for batch in source.batches(BATCH_ROWS):
            for part in digest_rows(batch, types, layout, at_most=BATCH_ROWS):
                rows.add(part)
                fanned_out += part.height
                values.update({column: part[column].count() for column in types})
        columns = [column for column in types if values[column]] or list(types)
        counts = DigestCounts(private_directory(folder / "digests"), columns, layout, values)
        finished = folder / "list.csv"
        with atomic_private_file(finished) as file:
            written = ListFile(file, layout, columns, rules_version=report.rules_version)
            for part in rows.drain():
                written.add(part)
                counts.add(part)
        manifest = Manifest(
            audience=audience,
            snapshot=snapshot,
            built_at=built_at,
            rules_version=report.rules_version,
            layout=layout,
            columns=tuple(columns),
            rows_read=report.rows_read,
            rows_dropped=report.rows_dropped,
            rows_kept=report.rows_kept,
            rejected=report.rejected,
            rows_added_by_fan_out=fanned_out - report.rows_kept,
            duplicates_removed=fanned_out - written.rows,
            list_rows=written.rows,
            digests=counts.totals(),
            bytes=written.checksums.bytes,
            sha256=written.checksums.sha256,
            crc32c=written.checksums.crc32c,
            md5=written.checksums.md5,
            fingerprint=written.fingerprint,
            recipe=report.recipe,
        )
        _publish(finished, manifest, destination)
    return manifest


def _publish(finished: Path, manifest: Manifest, destination: Path) -> None:
    """The manifest vouches for the file, so an older one goes before the file changes."""
    manifest_path = destination.with_name(MANIFEST_NAME)
    manifest_path.unlink(missing_ok=True)
    publish(finished, destination)
    with atomic_private_file(manifest_path) as file:
        file.write(manifest.to_json().encode())


def _open_identifiers(identifiers: Path, report: IdentifiersReport) -> ParquetFile:
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
