"""Says that a run was blocked, once for each change, and that it is over again; and what that means for erasures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from spotify_pipeline.components.audiences.definition import AudienceChain
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import AlertKind
from spotify_pipeline.privacy import ErasureError, erasure_alert


def say_blocked(
    chain: AudienceChain, home: PipelineHome, codes: Sequence[str], sentence: str, log: logging.Logger
) -> None:
    """Have it told that the audience's list is held back. That this fails hides nothing of what holds it back.

    Args:
        chain: the audience.
        home: where alerts and erasures are kept.
        codes: what blocks, in words that stay the same from run to run.
        sentence: for a person.
        log: of the run.
    """
    _state(chain, home, codes, sentence, log)


def say_sent(chain: AudienceChain, home: PipelineHome, log: logging.Logger) -> None:
    """Have it told, where it was said that the audience is held back, that this is over."""
    _state(chain, home, (), f"{chain.audience} is mirrored again: nothing holds its list back.", log)


def _state(chain: AudienceChain, home: PipelineHome, codes: Sequence[str], sentence: str, log: logging.Logger) -> None:
    now = datetime.now(UTC)
    try:
        home.alerts.state(chain.audience, AlertKind.BLOCKED, codes, sentence, now)
        waiting = home.ledger.waiting(chain.audience)
        due, said = erasure_alert(chain.audience, waiting, blocked=bool(codes), now=now)
        home.alerts.state(chain.audience, AlertKind.ERASURE_DUE, due, said, now)
    except (HomeError, ErasureError) as error:
        log.warning("The alert about %s could not be kept: %s", chain.audience, error)
