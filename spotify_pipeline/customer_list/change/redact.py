"""Takes people out of a finished list.

``redacted_copy`` writes a new list beside the old one, which stays as it is: for a list that is to be judged and sent.
``redact_list`` rewrites the list in place: for a list that nobody has judged yet, and for people who asked to be
forgotten, who have to leave every file at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list.building import ListWriter
from spotify_pipeline.customer_list.model import (
    CustomerListError,
    FileFields,
    IssuedFrom,
    Layout,
    Manifest,
    withheld_errors,
)
from spotify_pipeline.customer_list.read import (
    holding_rows,
    known_rows_holding,
    read_list,
    remember_erased,
    rows_holding,
)
from spotify_pipeline.customer_list.storage import StoredFile, StoredList, publish_list, workspace
from spotify_pipeline.customer_list.store import SnapshotStore
from spotify_pipeline.home import atomic_private_file, private_directory
from spotify_pipeline.rows import DigestSet, prefixes


def redact_list(path: StoredFile, manifest: Manifest, digests: DigestSet, *, sent: Collection[str] = ()) -> Manifest:
    """Rewrite a list and its manifest without the rows of some people. Returns the manifest that then holds.

    A row goes if any cell is one of the digests. In the wide layout a row goes, too, if it shares a digest with such
    a row: a person may have several. It goes no further than that. The columns stay, even one without a value.

    If the process dies between the two files, the list stands without a manifest and is not found. If nobody is to go,
    nothing is touched, and the very manifest is returned.

    Args:
        path: the list.
        manifest: its manifest, which lies beside it.
        digests: of the people to take out.
        sent: SHA-256 of the lists that Spotify has or that are compared with. If this is one, what it was stays known;
            see ``SentVersion``.

    Raises:
        CustomerListError: the file is not there, or not the one that the manifest describes; it stays as it is.
        HomeError: the disk is full, or the directory cannot be written.
    """
    with withheld_errors(f"Taking people out of the customer list {path}"):
        hits = _hits((path, manifest), digests)
        if not hits.rows:
            return manifest
        with workspace(path) as folder:
            fields, taken = _written(folder / "list.csv", (path, manifest), hits)
            rewritten = replace(
                manifest,
                rows_withdrawn=manifest.rows_withdrawn + taken.height,
                former_sha256=(*manifest.former_sha256, manifest.sha256),
                sent_versions=remember_erased((path, manifest), taken, fields["sha256"], sent),
                **fields,
            )
            publish_list(folder / "list.csv", rewritten, path)
    return rewritten


def redacted_copy(store: SnapshotStore, stored: StoredList, digests: DigestSet, *, issued_at: datetime) -> StoredList:
    """A kept list without the rows of some people, which go as in ``redact_list``. The kept one stays as it is.

    The list is a file of its own, named by its content, so that the same people make the same file. It is found by its
    digest, and deleted by ``SnapshotStore.keep_lists`` once nothing needs it. If nobody is to go, it is the very file.

    Args:
        store: where it is kept.
        stored: the list.
        digests: of the people who may not be in it.
        issued_at: when the returned list counts as built, with a time zone.

    Returns:
        The list, with the manifest to send it by: that is of the same partition.

    Raises:
        CustomerListError: the file is not there, or not the one that the manifest describes.
        HomeError: the disk is full, or the directory cannot be written.
    """
    path, manifest = stored
    if issued_at.tzinfo is None:
        raise CustomerListError("The time of a redacted list needs a time zone. Nothing was written.")
    with withheld_errors(f"Copying the customer list {path}"):
        hits = _hits(stored, digests)
        if not hits.rows:
            return path, replace(manifest, built_at=issued_at)
        with workspace(path) as folder:
            fields, taken = _written(folder / "list.csv", stored, hits)
            issued = replace(
                manifest,
                snapshot=f"{manifest.partition} without {fields['sha256'][:16]}",
                built_at=issued_at,
                rows_withdrawn=manifest.rows_withdrawn + taken.height,
                former_sha256=(),
                sent_versions=(),
                issued_from=IssuedFrom(snapshot=manifest.partition, sha256=manifest.sha256),
                **fields,
            )
            destination = store.list_path(manifest.audience, issued.snapshot)
            if not store.holds(issued):
                # Its own workspace says that somebody is at work there: a sweep leaves a list without a manifest then.
                with workspace(destination):
                    publish_list(folder / "list.csv", issued, destination)
        return store.stored(manifest.audience, issued.snapshot)[0], replace(issued, snapshot=manifest.partition)


def rows_to_redact(customer_list: StoredList, digests: DigestSet) -> int:
    """How many rows ``redact_list`` would take out.

    Raises:
        CustomerListError: the file is not there, or not the one that the manifest describes.
    """
    with withheld_errors(f"Looking for people in the customer list {customer_list[0]}"):
        hits = _hits(customer_list, digests)
        return rows_holding(customer_list, hits.digests) if hits.rows else 0


@dataclass(frozen=True, kw_only=True)
class _Hits:
    """Rows that hold one of the digests, and all the digests by which a row then goes."""

    rows: int
    digests: DigestSet


def _hits(customer_list: StoredList, digests: DigestSet) -> _Hits:
    rows = 0
    found: list[pl.Series] = []
    if known_rows_holding(customer_list, digests) == 0:
        return _Hits(rows=0, digests=digests)
    for batch in read_list(customer_list):
        hit = batch.filter(holding_rows(batch, digests))
        rows += hit.height
        found.extend(prefixes(column) for column in hit.iter_columns())
    everything = digests | DigestSet.of_prefixes(*found) if customer_list[1].layout is Layout.WIDE else digests
    return _Hits(rows=rows, digests=everything)


def _written(finished: Path, stored: StoredList, hits: _Hits) -> tuple[FileFields, pl.DataFrame]:
    """Write the list without those who are to go; what its manifest says of the file, and the rows taken out."""
    manifest = stored[1]
    taken = [pl.DataFrame(schema=dict.fromkeys(manifest.columns, pl.String))]
    with atomic_private_file(finished) as file:
        written = ListWriter(
            file,
            private_directory(finished.with_name("digests")),
            layout=manifest.layout,
            columns=manifest.columns,
            rules_version=manifest.rules_version,
        )
        for batch in read_list(stored):
            goes = holding_rows(batch, hits.digests)
            written.add(batch.filter(~goes))
            taken.append(batch.filter(goes))
    return written.file_fields(), pl.concat(taken)
