"""Keeps one lookalike of a mirrored audience."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spotify_pipeline.mirror.event_based.definitions import Likeness
from spotify_pipeline.mirror.event_based.service import FilledAction, FilledOutcome, keep_filled_audience
from spotify_pipeline.mirror.journal import WAIT_FOR_OTHERS, Journal
from spotify_pipeline.mirror.receipts import ReceiptBook
from spotify_pipeline.mirror.spec import AudienceTarget
from spotify_pipeline.spotify import SpotifyAdsClient

LookalikeAction = FilledAction
LookalikeOutcome = FilledOutcome


def keep_lookalike(
    client: SpotifyAdsClient,
    journal: Journal,
    target: AudienceTarget,
    seed_audience_id: str,
    *,
    name: str,
    description: str | None,
    receipts: ReceiptBook | None = None,
    evidence: Mapping[str, Any] | None = None,
    trace_ids: Callable[[], Sequence[str]] = tuple,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    wait: float = WAIT_FOR_OTHERS,
) -> FilledOutcome:
    """Make sure that there is one lookalike of an audience, and that it is called what the YAML says.

    Args:
        client: signed in.
        journal: of this machine.
        target: the audience that it is to be like.
        seed_audience_id: that audience at Spotify.
        name: of the lookalike, 2 to 80 characters.
        description: of it, within Spotify's limit.
        receipts, evidence, trace_ids, clock, sleep, wait: as of ``keep_filled_audience``.

    Raises:
        MirrorRefused, HomeError, JournalError, SpotifyError: as ``keep_filled_audience``. Refused is also a lookalike
            that is like another audience than the seed.
    """
    return keep_filled_audience(
        client,
        journal,
        target.lookalike(name, description),
        Likeness(seed_audience_id=seed_audience_id),
        receipts=receipts,
        evidence=evidence,
        trace_ids=trace_ids,
        clock=clock,
        sleep=sleep,
        wait=wait,
    )
