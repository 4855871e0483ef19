"""Keeps one lookalike of a mirrored audience up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from spotify_pipeline.mirror.event_based.definitions import Lookalike
from spotify_pipeline.mirror.event_based.service import EventBasedOutcome, sync_event_based
from spotify_pipeline.mirror.journal import WAIT_FOR_OTHERS, Journal
from spotify_pipeline.mirror.receipts import ReceiptBook, RunEvidence
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.spotify import SpotifyAdsClient


def sync_lookalike(
    client: SpotifyAdsClient,
    journal: Journal,
    spec: AudienceSpec,
    seed_audience_id: str,
    *,
    name: str,
    description: str | None,
    receipts: ReceiptBook | None = None,
    evidence: RunEvidence | None = None,
    trace_ids: Callable[[], Sequence[str]] = tuple,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    wait: float = WAIT_FOR_OTHERS,
) -> EventBasedOutcome:
    """Make sure that there is one lookalike of an audience, and that it is called what the YAML says.

    Args:
        client: signed in.
        journal: of this machine.
        spec: the audience that it is to be like.
        seed_audience_id: that audience at Spotify.
        name: of the lookalike, 2 to 80 characters.
        description: of it, within Spotify's limit.
        receipts, evidence, trace_ids, clock, sleep, wait: as of ``sync_event_based``.

    Raises:
        MirrorRefused, HomeError, JournalError, SpotifyError: as ``sync_event_based``. Refused is also a lookalike
            that is like another audience than the seed.
    """
    return sync_event_based(
        client,
        journal,
        spec.lookalike(name, description),
        Lookalike(seed_audience_id=seed_audience_id),
        receipts=receipts,
        evidence=evidence,
        trace_ids=trace_ids,
        clock=clock,
        sleep=sleep,
        wait=wait,
    )
