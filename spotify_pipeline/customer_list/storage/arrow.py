"""Reads and writes the two kinds of Arrow file used here. pyarrow ships no types, so only this module imports it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from spotify_pipeline.customer_list.storage.bucket_file import BucketFile

_LAYOUT = pl.CompatLevel.oldest()


class ParquetFile:
    """A Parquet file of which a part is read at a time."""

    def __init__(self, path: Path | BucketFile) -> None:
        self._file: Any = pq.ParquetFile(path.open("rb") if isinstance(path, BucketFile) else path)
        self.columns: list[str] = self._file.schema_arrow.names
        self.rows: int = self._file.metadata.num_rows
        self.notes: Mapping[bytes, bytes] = self._file.metadata.metadata or {}

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """All rows in frames of at most ``rows``; a row group is in memory at a time.

        ``iter_batches`` of pyarrow would hold on to what it has read until its end.
        """
        for number in range(self._file.num_row_groups):
            group: Any = self._file.read_row_group(number, use_threads=False)
            yield from pl.DataFrame(group).iter_slices(rows)


class ParquetWriter:
    """Writes frames as row groups. The footer holds no minimum or maximum: they would be somebody's values."""

    def __init__(self, file: IO[bytes], schema: Mapping[str, pl.DataType]) -> None:
        table = _table(pl.DataFrame(schema=schema))
        # Values hardly repeat, so a dictionary of them would be a second copy.
        self._writer: Any = pq.ParquetWriter(
            file, table.schema, compression="zstd", write_statistics=False, use_dictionary=False
        )

    def write(self, rows: pl.DataFrame) -> None:
        """Append a row group."""
        self._writer.write_table(_table(rows))

    def note(self, key: bytes, value: bytes) -> None:
        """Put a pair into the footer."""
        self._writer.add_key_value_metadata({key: value})

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


@contextmanager
def parquet_writer(file: IO[bytes], schema: Mapping[str, pl.DataType]) -> Generator[ParquetWriter]:
    """A writer that is closed after the block, so that pyarrow does not try it again when it is collected."""
    writer = ParquetWriter(file, schema)
    try:
        yield writer
    except BaseException:
        with suppress(Exception):
            writer.close()
        raise
    writer.close()


def byte_values(data: bytes) -> pl.Series:
    """Each byte as a UInt8, without a copy."""
    values: Any = pa.Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)])
    return cast("pl.Series", pl.from_arrow(values))


def append_rows(path: Path, rows: pl.DataFrame) -> None:
    """Append a frame to a file, mode 0600, of Arrow streams end to end. The file is open only meanwhile."""
    table = _table(rows)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        stream: Any = pa.ipc.new_stream(file, table.schema)
        with stream:
            stream.write_table(table)


def read_rows(path: Path | BucketFile, *, at_least: int = 1) -> Iterator[pl.DataFrame]:
    """The rows of such a file in the order in which they were appended, so many at a time, but for the last frame."""
    frames: list[pl.DataFrame] = []
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        while file.tell() < end:
            stream: Any = pa.ipc.open_stream(file)
            with stream:
                frames.append(pl.DataFrame(stream.read_all()))
            if sum(frame.height for frame in frames) >= at_least or file.tell() == end:
                yield pl.concat(frames)
                frames.clear()


def _table(rows: pl.DataFrame) -> Any:  # noqa: ANN401 - an Arrow table has no type here
    return cast("Any", rows.to_arrow(compat_level=_LAYOUT))
