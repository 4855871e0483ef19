"""What was promised about audiences that no YAML file defines any more, and which erasures wait for an audience."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from spotify_pipeline.components.audiences.guards_config import RetainConfig
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.mirror import AlertKind, sent_before
from spotify_pipeline.privacy import ErasureRequest, erasure_alert


def keep_promises_of_left(configured: Collection[str], home: PipelineHome, now: datetime) -> None:
    """The same for audiences that no YAML file defines any more: no run and no check of their own looks after them.

    Their old identifiers are deleted, and a person is told of erasures that wait until somebody decides about them.
    """
    store, age = home.snapshots, RetainConfig().identifiers_age
    for name in set(store.audiences()).difference(configured):
        store.sweep(name)
        store.keep_identifiers(name, 1, older_than=now - age)
    waiting = {name for request in home.ledger.requests() for name in request.waiting}
    told = {each.audience for each in home.alerts.standing() if each.kind is AlertKind.ERASURE_DUE}
    for name in sorted((waiting | told).difference(configured)):
        waits = waiting_for(name, home, now)
        codes, sentence = erasure_alert(name, waits, blocked=False, mirrored=False, now=now)
        home.alerts.state(name, AlertKind.ERASURE_DUE, codes, sentence, now)


def waiting_for(audience: str, home: PipelineHome, now: datetime) -> list[ErasureRequest]:
    """The requests that wait for an audience. None waits for one of which nothing is at Spotify, or ever was."""
    if home.ledger.waiting(audience) and not sent_before(home.journal, audience):
        home.ledger.done(audience, decided_at=now)
    return home.ledger.waiting(audience)
