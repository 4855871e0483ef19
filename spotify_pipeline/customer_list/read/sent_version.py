"""Reads a list as it was sent, although erased people have been taken out of its file since.

Their digests leave the file at once. What the next list is compared with is what Spotify has, so the first 64 bits of
them stay in a file beside the list, ``erased-<digest of the list>.parquet``, as long as that list is compared with:
a row for each row taken out, a column for each type, and in ``sent`` how many lists had been sent of the file by then.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from spotify_pipeline.customer_list.model import CustomerListError, Manifest
from spotify_pipeline.customer_list.read.rows import read_list
from spotify_pipeline.customer_list.storage import StoredFile, StoredList, erased_rows_file, write_small
from spotify_pipeline.rows import DigestSet, prefixes

_SENT = "sent"


@dataclass(frozen=True, kw_only=True)
class SentVersion:
    """A list that was sent.

    Attributes:
        path: the file, as it is now.
        kept: what describes it now.
        manifest: what described it when it was sent.
    """

    path: StoredFile
    kept: Manifest
    manifest: Manifest

    @property
    def stored(self) -> StoredList:
        """The file as it is now, without those who were erased since."""
        return self.path, self.kept


ListRows = StoredList | SentVersion | pl.DataFrame
"""A list whose rows are compared; or these rows, as ``prefix_rows`` gave them."""


def sent_version(stored: StoredList, sha256: str) -> SentVersion | None:
    """The list as it was when its file had this SHA-256; None if it never had.

    Of a list from which people were taken before it was known to be one that is compared with, only what is left can
    be told.
    """
    path, kept = stored
    was = [each for each in (kept, *kept.sent_versions) if each.sha256 == sha256]
    if not was and sha256 in kept.former_sha256:
        was = [kept]
    return SentVersion(path=path, kept=kept, manifest=was[0]) if was else None


def prefix_rows(customer_list: ListRows) -> pl.DataFrame:
    """The first 64 bits of each digest, row by row; of a list as it was sent, with those who were erased since.

    Raises:
        CustomerListError: a file is not there, or not the one that its manifest describes.
    """
    if isinstance(customer_list, pl.DataFrame):
        return customer_list
    if isinstance(customer_list, SentVersion):
        rows = _prefix_rows(customer_list.stored)
        return pl.concat([rows, _erased_since(customer_list, rows.schema)])
    return _prefix_rows(customer_list)


def erased_rows(stored: StoredList) -> pl.DataFrame | None:
    """The first 64 bits of each digest that was taken out of a list and is known still; None where none is.

    Raises:
        CustomerListError: that is missing or damaged.
    """
    path, manifest = stored
    return _read_erased(path, manifest).drop(_SENT) if manifest.sent_versions else None


def rows_erased(sent: SentVersion, *, apart_from: DigestSet) -> int:
    """How many rows were taken out of a list since it was sent, but for those that went with some people.

    Args:
        sent: the list.
        apart_from: digests of these people. A row went with them if it holds one, or shares a digest with a row that
            does.

    Raises:
        CustomerListError: that is missing or damaged.
    """
    schema = pl.Schema(dict.fromkeys(sent.kept.columns, pl.UInt64))
    rows = _erased_since(sent, schema)
    theirs = rows.filter(_any_of(rows, apart_from))
    with_them = apart_from | DigestSet.of_prefixes(*theirs.iter_columns())
    return rows.filter(~_any_of(rows, with_them)).height


def remember_erased(stored: StoredList, rows: pl.DataFrame, sha256: str, sent: Collection[str]) -> tuple[Manifest, ...]:
    """Keep in mind who is about to be taken out of a list, if it was sent; the manifests of what was sent of it.

    Args:
        stored: the list as it is.
        rows: of digests, that are taken out.
        sha256: of the file that takes its place.
        sent: SHA-256 of the lists that are compared with. Of no other list is anything kept in mind.

    Raises:
        CustomerListError: what was kept in mind before is damaged.
        HomeError: it cannot be written.
    """
    path, manifest = stored
    known = manifest.sent_versions
    if manifest.sha256 in sent:
        known = (*known, replace(manifest, sent_versions=()))
    if not known:
        return ()
    taken = rows.select(prefixes(each) for each in rows).with_columns(pl.lit(len(known), pl.UInt32).alias(_SENT))
    before = _read_erased(path, manifest) if manifest.sent_versions else taken.clear()
    written = io.BytesIO()
    pl.concat([before.select(taken.columns), taken]).write_parquet(written)
    write_small(erased_rows_file(path, sha256), written.getvalue())
    return known


def _prefix_rows(customer_list: StoredList) -> pl.DataFrame:
    nothing = pl.DataFrame(schema=dict.fromkeys(customer_list[1].columns, pl.UInt64))
    found = [rows.select(prefixes(each) for each in rows) for rows in read_list(customer_list)]
    return pl.concat([nothing, *found])


def _erased_since(sent: SentVersion, schema: pl.Schema) -> pl.DataFrame:
    if sent.manifest not in sent.kept.sent_versions:
        return pl.DataFrame(schema=schema)
    erased = _read_erased(sent.path, sent.kept)
    since = erased.filter(pl.col(_SENT) > sent.kept.sent_versions.index(sent.manifest)).select(schema.names())
    if since.height != sent.manifest.list_rows - sent.kept.list_rows:
        raise _damaged(sent.path)
    return since


def _read_erased(path: StoredFile, manifest: Manifest) -> pl.DataFrame:
    try:
        return pl.read_parquet(erased_rows_file(path, manifest.sha256).read_bytes())
    except (OSError, pl.exceptions.PolarsError):
        raise _damaged(path) from None


def _any_of(rows: pl.DataFrame, digests: DigestSet) -> pl.Series:
    return rows.select(pl.any_horizontal(digests.holds_prefixes(column) for column in rows.iter_columns())).to_series()


def _damaged(path: StoredFile) -> CustomerListError:
    return CustomerListError(
        f"Who was erased from {path} since it was sent is not known: the file beside it is missing or damaged. "
        "Restore it from a backup, or approve the next list."
    )
