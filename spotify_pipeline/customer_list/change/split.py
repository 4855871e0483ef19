"""Splits a list into parts that are lists themselves.

A row goes to a part by its first digest alone: the same row to the same part, whatever else is in the list. If there
is one part more, rows move into that part and nowhere else (jump consistent hash; Lamping and Veach, 2014).
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list.building import ListWriter
from spotify_pipeline.customer_list.model import (
    CustomerListError,
    Layout,
    Manifest,
    PartOf,
    header,
    token_of,
    withheld_errors,
)
from spotify_pipeline.customer_list.read import read_list
from spotify_pipeline.customer_list.storage import StoredFile, StoredList, publish, workspace
from spotify_pipeline.home import atomic_private_file, private_directory
from spotify_pipeline.rows import prefixes

MOST_PARTS = 100
_DIGEST_BYTES = 64
_KEY, _SIZE = "key", "size"


def parts_needed(path: StoredFile, manifest: Manifest, max_bytes: int, at_least: int = 1) -> int:
    """The fewest parts, but not fewer than ``at_least``, of which none has more than ``max_bytes``.

    Memory holds ten bytes a row.

    Raises:
        CustomerListError: the file is not there, or not the one that the manifest describes; or not even a hundred
            parts are small enough, as where very many rows begin with the same digest.
    """
    fewest = max(1, at_least)
    if fewest == 1 and manifest.bytes <= max_bytes:
        return 1
    with withheld_errors(f"Reading the customer list {path}"):
        rows = _keys_and_sizes((path, manifest))
        line = len(header(manifest.layout, manifest.columns))
        for parts in range(max(fewest, min(-(-manifest.bytes // max_bytes), MOST_PARTS)), MOST_PARTS + 1):
            sizes = rows.group_by(part_numbers(rows[_KEY], parts)).agg(pl.col(_SIZE).cast(pl.Int64).sum())
            if sizes.filter(pl.col(_SIZE) + line > max_bytes).is_empty():
                return parts
    raise CustomerListError(
        f"{path} cannot be split into parts of at most {max_bytes} bytes: {MOST_PARTS} parts, the most there may be, "
        "do not suffice. Raise the limit of the file's size, or make the segment smaller. Nothing was sent."
    )


def split_list(path: StoredFile, manifest: Manifest, parts: int, folder: Path) -> list[StoredList]:
    """Write a list as ``part-1-of-<parts>.csv`` and so on into ``folder``; each with its manifest, in order.

    Every row is in one part. Rows keep their order, and each part has all columns of the list.

    Raises:
        CustomerListError: the file is not there, or not the one that the manifest describes; or the number of parts
            is not 1 to 100. No part is there then.
        HomeError: the disk is full, or the directory cannot be written.
    """
    if not 1 <= parts <= MOST_PARTS:
        raise CustomerListError(f"A list is split into 1 to {MOST_PARTS} parts, not {parts}. Nothing was sent.")
    names = [f"part-{number}-of-{parts}.csv" for number in range(1, parts + 1)]
    with withheld_errors(f"Splitting the customer list {path}"), workspace(folder / "parts") as work:
        with ExitStack() as files:
            writers = [
                ListWriter(
                    files.enter_context(atomic_private_file(work / name)),
                    private_directory(work / f"digests of {name}"),
                    layout=manifest.layout,
                    columns=manifest.columns,
                    rules_version=manifest.rules_version,
                )
                for name in names
            ]
            for batch in read_list((path, manifest)):
                numbers = part_numbers(_keys(batch), parts)
                for number, writer in enumerate(writers):
                    writer.add(batch.filter(numbers == number))
        manifests = [_part_manifest(manifest, number, writers) for number in range(1, parts + 1)]
        for name in names:
            publish(work / name, folder / name)
    return [(folder / name, each) for name, each in zip(names, manifests, strict=True)]


def part_numbers(keys: pl.Series, parts: int) -> pl.Series:
    """The part of each key, 0 to ``parts - 1``: the jump consistent hash of a UInt64."""
    seed, at, to = pl.col("seed"), pl.col("at"), pl.col("to")
    start = pl.repeat(0, keys.len(), dtype=pl.Int64, eager=True)
    frame = pl.DataFrame({"seed": keys, "at": start, "to": start})
    # A row has arrived where its next jump would lead beyond the last part.
    while frame.select((to < parts).any()).item():
        going = to < parts
        seeded = pl.when(going).then(seed * 2862933555777941757 + 1).otherwise(seed)
        frame = frame.with_columns(seed=seeded, at=pl.when(going).then(to).otherwise(at)).with_columns(
            to=pl.when(going)
            .then(((at + 1) * ((1 << 31) / ((seed // (1 << 33)).cast(pl.Float64) + 1))).floor().cast(pl.Int64))
            .otherwise(to)
        )
    return frame["at"]


def _keys_and_sizes(customer_list: StoredList) -> pl.DataFrame:
    _, manifest = customer_list
    found = [pl.DataFrame(schema={_KEY: pl.UInt64, _SIZE: pl.UInt16})]
    for batch in read_list(customer_list):
        if manifest.layout is Layout.WIDE:
            cells = pl.sum_horizontal(pl.all().is_not_null().cast(pl.Int64))
            size = cells * _DIGEST_BYTES + len(manifest.columns)
        else:
            tokens = [pl.when(pl.col(c).is_not_null()).then(len(token_of(c))) for c in manifest.columns]
            size = pl.coalesce(tokens) + _DIGEST_BYTES + 2
        found.append(pl.DataFrame({_KEY: _keys(batch), _SIZE: batch.select(size.cast(pl.UInt16)).to_series()}))
    return pl.concat(found)


def _keys(rows: pl.DataFrame) -> pl.Series:
    """The first digest of each row, as it is hashed."""
    return prefixes(rows.select(pl.coalesce(pl.all())).to_series())


def _part_manifest(whole: Manifest, number: int, writers: list[ListWriter]) -> Manifest:
    writer = writers[number - 1]
    return replace(
        whole,
        part=PartOf(
            number=number, of=len(writers), whole_sha256=whole.sha256, rows_elsewhere=whole.list_rows - writer.rows
        ),
        former_sha256=(),
        **writer.file_fields(),
    )
