"""Frames that are read to their end first, into a file without a name that nothing but this process can read."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO

import polars as pl

from spotify_pipeline.conversions.outbox.model import withheld
from spotify_pipeline.state import Key, new_key


@contextmanager
def spooled(frames: Iterable[pl.DataFrame]) -> Generator[Iterator[pl.DataFrame]]:
    """All of ``frames``, which were taken when the block begins.

    Raises:
        OutboxError: there is no room for them. What ``frames`` raises passes.
    """
    key = Key.of(new_key())
    lengths: list[int] = []
    with tempfile.TemporaryFile() as file:
        for frame in frames:
            content = BytesIO()
            with withheld("Reading the day's rows to their end"):
                frame.write_ipc(content, compression="zstd")
                lengths.append(file.write(key.seal(content.getvalue(), f"frame {len(lengths)}")))
                file.flush()
        file.seek(0)
        yield (pl.read_ipc(key.open(file.read(length), f"frame {number}")) for number, length in enumerate(lengths))
