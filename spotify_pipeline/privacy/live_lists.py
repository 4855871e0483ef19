"""Says whether a list that Spotify has is kept on this machine, so that it can be searched or rewritten."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from spotify_pipeline.customer_list import CustomerListError, Manifest, SnapshotStore

LiveLists = Mapping[str, Collection[str]]
"""SHA-256 of the lists that Spotify has or may have, by audience; of the whole where a list was split. Anything else,
such as ``NOT_KNOWN``, stands for a list that cannot be looked into."""
NOT_KNOWN = ""


def is_live(manifest: Manifest, live: LiveLists) -> bool:
    """Whether Spotify has this list, or had it before people were taken out of the copy that is kept here."""
    return not {manifest.sha256, *manifest.former_sha256}.isdisjoint(live.get(manifest.audience, ()))


def not_searchable(store: SnapshotStore, live: LiveLists) -> list[str]:
    """Audiences of which Spotify has a list that cannot be searched for somebody here; in alphabetical order.

    A list can be searched as long as it is kept, also if people were erased from it since: they are marked then.
    """
    return sorted(
        audience for audience, sent in live.items() if not all(_is_searchable(store, audience, each) for each in sent)
    )


def not_kept(store: SnapshotStore, live: LiveLists) -> list[str]:
    """Audiences of which Spotify has a list that is not kept as it was sent; in alphabetical order.

    Spotify may still have people in them who were erased here.
    """
    return sorted(audience for audience, sent in live.items() if not set(sent) <= _kept(store, audience))


def _is_searchable(store: SnapshotStore, audience: str, sha256: str) -> bool:
    found = store.find_sent(audience, sha256)
    return found is not None and found.manifest.sha256 == sha256


def _kept(store: SnapshotStore, audience: str) -> set[str]:
    kept: set[str] = set()
    for snapshot in store.snapshots(audience):
        try:
            kept.add(store.manifest(audience, snapshot).sha256)
        except CustomerListError:
            continue
    return kept
