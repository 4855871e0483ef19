"""Keeps the list that was sent when another is built for the same snapshot, so that the two can be compared."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC

from spotify_pipeline.customer_list.model import CustomerListError, Manifest, withheld_errors
from spotify_pipeline.customer_list.store.store import SnapshotStore


@contextmanager
def set_aside(store: SnapshotStore, audience: str, snapshot: str, *, sent: Collection[str]) -> Generator[None]:
    """Keep the list of ``snapshot`` under a name of its own while the block builds another in its place.

    It stays if the new list is another one; it is a snapshot like others then, and goes when nothing needs it.

    Args:
        store: of lists.
        audience: the audience's folder name.
        snapshot: whose list is built in the block.
        sent: SHA-256 of the lists that the next is compared with. Any other is not kept.

    Raises:
        CustomerListError: it cannot be kept; then nothing was built.
    """
    found = [each.kept for each in (store.find_sent(audience, sha) for sha in sent) if each is not None]
    of_snapshot = next((each for each in found if each.snapshot == snapshot), None)
    if of_snapshot is None:
        yield
        return
    key = f"{snapshot} built {of_snapshot.built_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    with withheld_errors(f"Setting aside the list of {audience} that Spotify has"):
        store.copy_list(store.stored(audience, snapshot), replace(of_snapshot, snapshot=key))
    try:
        yield
    finally:
        if _is_there(store, of_snapshot):
            store.delete_list(audience, key)


def _is_there(store: SnapshotStore, before: Manifest) -> bool:
    """Whether the very list is still that of its snapshot.

    Of equal bytes that is not enough where people were taken out of it: a list built without them does not say so.
    """
    with suppress(CustomerListError):
        now = store.manifest(before.audience, before.snapshot)
        return now == before or (now.sha256 == before.sha256 and not before.former_sha256)
    return False
