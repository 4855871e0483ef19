"""Snapshots of one person's list, for tests of where they lie."""

from __future__ import annotations

from datetime import datetime

from spotify_pipeline.customer_list import Manifest, SnapshotStore, write_identifiers
from spotify_pipeline_tests.customer_list.making import EMAIL_ONLY, NOW, build, emails

WEEKS = ["2026-11-02-06:00", "2026-11-09-06:00", "2026-11-16-06:00"]


def materialize(
    store: SnapshotStore, audience: str, snapshot: str, built_at: datetime = NOW, *, people: int = 1
) -> Manifest:
    identifiers = store.identifiers_path(audience, snapshot)
    values = [f"{'abcdefgh'[n]}@example.com" for n in range(people)]
    report = write_identifiers([emails(*values)], EMAIL_ONLY, identifiers)
    path = store.list_path(audience, snapshot)
    return build(identifiers, report, path, audience=audience, snapshot=snapshot, built_at=built_at)
