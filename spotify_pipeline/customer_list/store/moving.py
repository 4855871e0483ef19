"""Moves everything that is kept to another place: from a folder to a bucket, or back."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from spotify_pipeline.customer_list.model import CustomerListError, withheld_errors
from spotify_pipeline.customer_list.read import verify_customer_list
from spotify_pipeline.customer_list.storage import (
    StoredFile,
    StoredList,
    erased_rows_file,
    publish,
    publish_list,
    snapshot_key,
    workspace,
    write_small,
)
from spotify_pipeline.customer_list.store.store import LISTS, SnapshotStore
from spotify_pipeline.home import atomic_private_file


@dataclass(frozen=True)
class MovedLists:
    """How much was moved."""

    audiences: int
    lists: int
    identifiers: int


def move_lists(source: SnapshotStore, target: SnapshotStore) -> MovedLists:
    """Copy all lists and identifiers, verify the copies, and delete what was copied.

    Run again after a crash, it does what is left to do. Nothing may use either place meanwhile. What was found when
    lists were compared stays behind: it is found again.

    Raises:
        CustomerListError: something else is in the other place already, something is damaged, or both places are the
            same. Nothing was deleted.
        HomeError: one of the two cannot be read or written.
    """
    audiences = source.audiences()
    if audiences:
        _refuse_the_same(source, target)
    lists = identifiers = 0
    for audience in audiences:
        with withheld_errors(f"Moving the lists of {audience}"):
            lists += _copy_lists(source, target, audience)
            identifiers += _copy_identifiers(source, target, audience)
    for audience in audiences:
        source.forget_audience(audience)
    return MovedLists(len(audiences), lists, identifiers)


def _refuse_the_same(source: SnapshotStore, target: SnapshotStore) -> None:
    """Two addresses may lead to one place, which would then be emptied."""
    name = f"moving-{secrets.token_hex(8)}"
    write_small(source.place.file(name), b"1")
    try:
        if target.place.file(name).is_file():
            raise CustomerListError(f"{source.place} and {target.place} are the same place. Name another one.")
    finally:
        source.place.file(name).unlink(missing_ok=True)


def _copy_lists(source: SnapshotStore, target: SnapshotStore, audience: str) -> int:
    """In the order in which they were written: of those that were built at one time, the newest counts."""
    names = _oldest_first(source.place.lists(LISTS, audience))
    keys = [key for key in map(snapshot_key, names) if key is not None]
    for key in keys:
        _copy_list(source.stored(audience, key), target)
    return len(keys)


def _copy_list(stored: StoredList, target: SnapshotStore) -> None:
    path, manifest = stored
    audience, snapshot = manifest.audience, manifest.snapshot
    to = target.list_path(audience, snapshot)
    verify_customer_list(path, manifest)
    if snapshot not in target.snapshots(audience):
        if manifest.sent_versions:
            _copy_file(erased_rows_file(path, manifest.sha256), erased_rows_file(to, manifest.sha256))
        with workspace(to) as folder:
            with atomic_private_file(folder / "list") as copy, path.open("rb") as original:
                shutil.copyfileobj(original, copy)
            publish_list(folder / "list", manifest, to)  # its manifest last
    there = target.stored(audience, snapshot)
    if there[1] != manifest:
        raise _another(there[0])
    verify_customer_list(*there)


def _copy_identifiers(source: SnapshotStore, target: SnapshotStore, audience: str) -> int:
    keys = _oldest_first(source.identifiers_written(audience))
    for key in keys:
        declined = source.declined_path(audience, key)
        if declined.is_file():
            _copy_file(declined, target.declined_path(audience, key))
        _copy_file(source.identifiers_path(audience, key), target.identifiers_path(audience, key))
    return len(keys)


def _copy_file(file: StoredFile, to: StoredFile) -> None:
    """Encrypted and decrypted as each place has it."""
    if not to.is_file():
        with workspace(to) as folder:
            with atomic_private_file(folder / "file") as copy, file.open("rb") as original:
                shutil.copyfileobj(original, copy)
            publish(folder / "file", to)
    if _sha256(to) != _sha256(file):
        raise _another(to)


def _another(file: StoredFile) -> CustomerListError:
    return CustomerListError(
        f"{file} is there already and holds something else, so it is left as it is. Nothing was deleted. If it is of "
        "no use, delete it, then run again."
    )


def _sha256(file: StoredFile) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _oldest_first(written: Mapping[str, datetime]) -> list[str]:
    return sorted(written, key=lambda name: (written[name], name))
