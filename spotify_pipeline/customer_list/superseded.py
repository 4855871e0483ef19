"""Keeps the list that Spotify has when another is built for the same snapshot, so that the two can be compared."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from spotify_pipeline.customer_list.errors import withheld_errors
from spotify_pipeline.customer_list.list_place import write_manifest
from spotify_pipeline.customer_list.manifest import MANIFEST_FORMAT, Manifest
from spotify_pipeline.customer_list.store import SnapshotStore
from spotify_pipeline.customer_list.workspace import workspace


@contextmanager
def set_aside(store: SnapshotStore, audience: str, snapshot: str, *, live: str | None) -> Generator[None]:
    """Keep the list of ``snapshot`` under a name of its own while the block builds another in its place.

    It stays if the new list is another one; it is a snapshot like others then, and goes when it is one too many.

    Args:
        store: of lists.
        audience: the audience's folder name.
        snapshot: whose list is built in the block.
        live: the SHA-256 of the list that Spotify has. Any other is not kept.

    Raises:
        CustomerListError: it cannot be kept; then nothing was built.
    """
    found = store.find_list(audience, live) if live is not None else None
    if found is None or found[1].snapshot != snapshot:
        yield
        return
    kept = _linked(store, found[0], found[1])
    try:
        yield
    finally:
        if live is not None and _is_there(store, audience, snapshot, live):
            shutil.rmtree(kept.parent, ignore_errors=True)


def _linked(store: SnapshotStore, path: Path, manifest: Manifest) -> Path:
    key = f"{manifest.snapshot} built {manifest.built_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    kept = store.list_path(manifest.audience, key)
    # The workspace says that somebody is at work here: another process's sweep deletes a list without a manifest.
    with withheld_errors(f"Setting aside the list of {manifest.audience} that Spotify has"), workspace(kept):
        with suppress(FileExistsError):
            # Never written to again: a list that changes is a new file under its name.
            os.link(path, kept)
        write_manifest(replace(manifest, snapshot=key, format=MANIFEST_FORMAT), kept)
    return kept


def _is_there(store: SnapshotStore, audience: str, snapshot: str, live: str) -> bool:
    """Whether the list of ``snapshot`` can still be told to be the one that Spotify has.

    Of equal bytes that is not enough: a list built without those who were taken out of the one before names no former.
    """
    return any(
        manifest.snapshot == snapshot and live in (manifest.sha256, *manifest.former_sha256)
        for _, manifest in store.lists(audience)
    )
