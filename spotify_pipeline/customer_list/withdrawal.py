"""Taking people out of a list that exists already, because they may not be in any list any more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list.digest_set import DigestSet, prefixes
from spotify_pipeline.customer_list.errors import CustomerListError, withheld_errors
from spotify_pipeline.customer_list.layout import Layout
from spotify_pipeline.customer_list.list_place import publish_list, write_manifest
from spotify_pipeline.customer_list.list_rows import StoredList, read_list
from spotify_pipeline.customer_list.list_writer import ListWriter
from spotify_pipeline.customer_list.manifest import MANIFEST_FORMAT, Manifest
from spotify_pipeline.customer_list.membership import holding_rows
from spotify_pipeline.customer_list.workspace import workspace
from spotify_pipeline.home import atomic_private_file, private_directory


def withdraw(path: Path, manifest: Manifest, digests: DigestSet, *, now: datetime, reissue: bool = False) -> Manifest:
    """Rewrite a list and its manifest without the rows of some people; the manifest that then holds.

    A row goes if any cell is one of the digests. In the wide layout a row goes, too, if it shares a digest with such
    a row: a person may have several. It goes no further than that. The columns stay, even one without a value.

    If the process dies between the two files, the list stands without a manifest and is not found. If nothing is to be
    withdrawn, nothing is touched, and the very manifest is returned, unless ``reissue`` is set.

    Args:
        path: the list.
        manifest: its manifest, which lies beside it.
        digests: of the people to withdraw.
        now: with a time zone; used with ``reissue`` only.
        reissue: the list counts as built now, so that it is sent though it was sent before.

    Raises:
        CustomerListError: the file is not there, or not the one that the manifest describes; it stays as it is.
        HomeError: the disk is full, or the directory cannot be written.
    """
    if now.tzinfo is None:
        raise CustomerListError("The time of a withdrawal needs a time zone. Nothing was withdrawn.")
    built_at = now if reissue else manifest.built_at
    with withheld_errors(f"Withdrawing people from the customer list {path}"):
        hits = _hits((path, manifest), digests)
        if hits.rows:
            return _rewritten(path, manifest, hits, built_at)
        if not reissue:
            return manifest
        manifest = replace(manifest, built_at=built_at, format=MANIFEST_FORMAT)
        write_manifest(manifest, path)
        return manifest


@dataclass(frozen=True, kw_only=True)
class _Hits:
    """Rows with a digest to withdraw, and all the digests by which a row is now to go."""

    rows: int
    digests: DigestSet


def _hits(customer_list: StoredList, digests: DigestSet) -> _Hits:
    rows = 0
    found: list[pl.Series] = []
    if not len(digests):
        return _Hits(rows=0, digests=digests)
    for batch in read_list(customer_list):
        hit = batch.filter(holding_rows(batch, digests))
        rows += hit.height
        found.extend(prefixes(column) for column in hit.iter_columns())
    everything = digests | DigestSet.of_prefixes(*found) if customer_list[1].layout is Layout.WIDE else digests
    return _Hits(rows=rows, digests=everything)


def _rewritten(path: Path, manifest: Manifest, hits: _Hits, built_at: datetime) -> Manifest:
    with workspace(path) as folder:
        finished = folder / "list.csv"
        with atomic_private_file(finished) as file:
            written = ListWriter(
                file,
                private_directory(folder / "digests"),
                layout=manifest.layout,
                columns=manifest.columns,
                rules_version=manifest.rules_version,
                values=manifest.digests,
            )
            for batch in read_list((path, manifest)):
                written.add(batch.filter(~holding_rows(batch, hits.digests)))
        rewritten = replace(
            manifest,
            built_at=built_at,
            rows_withdrawn=manifest.rows_withdrawn + manifest.list_rows - written.rows,
            former_sha256=(*manifest.former_sha256, manifest.sha256),
            format=MANIFEST_FORMAT,
            **written.manifest_fields(),
        )
        publish_list(finished, rewritten, path)
    return rewritten
