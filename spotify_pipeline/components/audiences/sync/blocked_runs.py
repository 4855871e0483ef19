"""Says that a run was blocked, once for each change, and that it is over again; and what that means for erasures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import AlertKind
from spotify_pipeline.privacy import ErasureError, erasure_alert


def alert_blocked(
    audience: AudienceDefinition, home: PipelineHome, codes: Sequence[str], sentence: str, log: logging.Logger
) -> None:
    """Have it told that the audience's list is held back. That this fails hides nothing of what holds it back.

    Args:
        audience: the audience.
        home: where alerts and erasures are kept.
        codes: what blocks, in words that stay the same from run to run.
        sentence: for a person.
        log: of the run.
    """
    _state(audience, home, codes, sentence, log)


def alert_resolved(audience: AudienceDefinition, home: PipelineHome, log: logging.Logger) -> None:
    """Have it told, where it was said that the audience is held back, that this is over."""
    _state(audience, home, (), f"{audience.folder} is mirrored again: nothing holds its list back.", log)


def _state(
    audience: AudienceDefinition, home: PipelineHome, codes: Sequence[str], sentence: str, log: logging.Logger
) -> None:
    now = datetime.now(UTC)
    try:
        home.alerts.state(audience.folder, AlertKind.BLOCKED, codes, sentence, now)
        waiting = home.ledger.waiting(audience.folder)
        due, said = erasure_alert(audience.folder, waiting, blocked=bool(codes), now=now)
        home.alerts.state(audience.folder, AlertKind.ERASURE_DUE, due, said, now)
    except (HomeError, ErasureError) as error:
        log.warning("The alert about %s could not be kept: %s", audience.folder, error)
