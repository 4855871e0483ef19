"""A private workspace beside a file that is being built, and the step that publishes the finished file.

Everything unfinished lies in one directory, ``.<name>.<random>.work``, mode 0700, beside the destination and so on the
same file system; for an object in a bucket, in the scratch of this machine. Its builder holds a lock on that directory.
The lock ends with the process, however that ends, so a directory whose lock can be taken was left behind by a process
that died.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from spotify_pipeline.customer_list.model import withheld_errors
from spotify_pipeline.customer_list.storage.bucket_file import BucketFile
from spotify_pipeline.home import private_directory
from spotify_pipeline.locks import lock_directory

_SUFFIX = ".work"


@contextmanager
def workspace(destination: Path | BucketFile) -> Generator[Path]:
    """Give a new private directory beside ``destination``; it is gone after the block, whatever happened in it.

    Directories that dead builders left in the same place are removed first. Those of living builders stay.

    Raises:
        HomeError: the directory cannot be made.
    """
    place = private_directory(destination.scratch if isinstance(destination, BucketFile) else destination.parent)
    sweep(place)
    folder, lock = _locked_directory(place / f".{destination.name}")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def publish(finished: Path, destination: Path | BucketFile) -> None:
    """Rename a finished file of a workspace to ``destination``, and make the rename durable; or put it into its bucket.

    Raises:
        CustomerListError: the file system refused.
        HomeError: the bucket cannot be written.
    """
    if isinstance(destination, BucketFile):
        destination.put(finished)
        return
    with withheld_errors(f"Naming the finished file {destination.name}"):
        finished.replace(destination)
        directory = os.open(destination.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def sweep(place: Path) -> int:
    """Remove the workspaces in ``place`` whose builder is dead; the number removed."""
    removed = 0
    for folder in place.glob(f".*{_SUFFIX}"):
        lock = lock_directory(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
            removed += 1
    return removed


def has_workspace(place: Path) -> bool:
    """Whether something is being built in ``place``; after ``sweep``, by somebody alive."""
    return any(place.glob(f".*{_SUFFIX}"))


def _locked_directory(stem: Path) -> tuple[Path, int]:
    while True:
        folder = private_directory(stem.with_name(f"{stem.name}.{secrets.token_hex(8)}{_SUFFIX}"))
        lock = lock_directory(folder)
        if lock is not None and folder.exists():
            return folder, lock
        # Another builder swept the new directory in the instant before it was locked.
        if lock is not None:
            os.close(lock)
