"""Sends what waits in the outbox, a batch a call, and settles every event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from spotify_pipeline.conversions.outbox import Guarantee

Send: TypeAlias = Callable[[Sequence[str]], None]
"""Sends the bodies (JSON) of some events in one request; returns if Spotify accepted all of them, else raises a
:class:`SpotifyError`: InvalidRequest where one of them may be at fault; any other is about none of them."""


@dataclass(frozen=True, kw_only=True)
class DeliveryPlan:
    """How events are sent.

    Attributes:
        batch_events: in one request. Spotify states no limit; 100 by default.
        batch_bytes: of the bodies in one request. Spotify states no limit; below 1 MB by default.
        guarantee: see there.
    """

    batch_events: int = 100
    batch_bytes: int = 900_000
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """What one delivery did.

    Attributes:
        delivered: events that Spotify accepted.
        dead: events that became dead letters, by reason.
        filtered: events that were dropped at the last moment, by reason (their person asked to be forgotten).
        calls: requests, without the repetitions that the client makes by itself.
        extra_calls: those among them that were made to find events at fault.
    """

    delivered: int = 0
    dead: Mapping[str, int] = field(default_factory=dict[str, int])
    filtered: Mapping[str, int] = field(default_factory=dict[str, int])
    calls: int = 0
    extra_calls: int = 0
