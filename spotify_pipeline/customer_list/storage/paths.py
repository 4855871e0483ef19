"""The two files of a list and the order in which they change."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from spotify_pipeline.customer_list.model import Manifest
from spotify_pipeline.customer_list.storage.bucket_file import BucketFile
from spotify_pipeline.customer_list.storage.place import StoredFile
from spotify_pipeline.customer_list.storage.staging import publish
from spotify_pipeline.home import atomic_private_file

LIST_NAME = "customer_list.csv"
MANIFEST_NAME = "manifest.json"
_ERASED = "erased-*.parquet"
_FOUND = "found-*.json"
_DIGITS = 16


def publish_list(finished: Path, manifest: Manifest, destination: StoredFile) -> None:
    """Give a finished list its name, and after it its manifest.

    Of a file, the manifest vouches for it, so an older one goes before the file changes; in a bucket the list before
    holds until the new manifest is there.

    Raises:
        CustomerListError: the file system refused, or another process changed the list in the bucket meanwhile.
        HomeError: the disk is full, or the directory or the bucket cannot be written.
    """
    if isinstance(destination, BucketFile):
        destination.put_list(finished, manifest)
    else:
        destination.with_name(MANIFEST_NAME).unlink(missing_ok=True)
        publish(finished, destination)
        write_manifest(manifest, destination)
    forget_erased(destination, but=manifest if manifest.sent_versions else None)
    forget_found(destination)


def write_manifest(manifest: Manifest, list_path: StoredFile) -> None:
    """Describe a list, in place of any other manifest.

    Raises:
        CustomerListError: another process changed the list in the bucket meanwhile.
        HomeError: the disk is full, or the directory or the bucket cannot be written.
    """
    if isinstance(list_path, BucketFile):
        list_path.put_manifest(manifest)
    else:
        write_small(list_path.with_name(MANIFEST_NAME), manifest.to_json().encode())


def write_small(file: StoredFile, content: bytes) -> None:
    """Write a file, whole or not at all, in place of any other.

    Raises:
        HomeError: the disk is full, or the directory or the bucket cannot be written.
    """
    if isinstance(file, BucketFile):
        file.put(content)
        return
    with atomic_private_file(file) as opened:
        opened.write(content)


def erased_rows_file(list_path: StoredFile, sha256: str) -> StoredFile:
    """Where the rows are that were taken out of a list that was sent, once its file has become the one with this
    SHA-256.
    """
    return list_path.with_name(_ERASED.replace("*", sha256[:_DIGITS]))


def forget_erased(list_path: StoredFile, *, but: Manifest | None = None) -> None:
    """Delete what is known of people who were taken out of a list; all of it, or all that is not of one manifest."""
    kept = erased_rows_file(list_path, but.sha256).name if but is not None else None
    for file in _beside(list_path, _ERASED):
        if file.name != kept:
            file.unlink(missing_ok=True)


def found_file(list_path: StoredFile, before_sha256: str, inputs_sha256: str) -> StoredFile:
    """Where it is kept what was found in a list, by the list that it was compared with and by all it follows from."""
    return list_path.with_name(_FOUND.replace("*", f"{before_sha256[:_DIGITS]}-{inputs_sha256[: 2 * _DIGITS]}"))


def forget_found(list_path: StoredFile, *, but_since: Collection[str] = ()) -> None:
    """Delete what was found in a list, but for what was since a list with one of these SHA-256."""
    kept = {each[:_DIGITS] for each in but_since}
    for file in _beside(list_path, f"*{_FOUND}*"):  # also what a killed process left of one
        if file.name.split("-")[1] not in kept:
            file.unlink(missing_ok=True)


def _beside(list_path: StoredFile, pattern: str) -> Iterator[StoredFile]:
    found = list_path.beside(pattern) if isinstance(list_path, BucketFile) else list_path.parent.glob(pattern)
    yield from found
