"""What a feed is: the plan of its columns, the verdicts on its rows, and its errors."""

from spotify_pipeline.conversions.model.errors import EventsError
from spotify_pipeline.conversions.model.plan import (
    Column,
    Constant,
    EventIdSource,
    FeedPlan,
    OptOutPolicy,
    Source,
    TimeSource,
    TimeUnit,
)
from spotify_pipeline.conversions.model.verdict import DECIDED_BY_SPOTIFY, VERDICTS, Dead, Filtered, State

__all__ = [
    "DECIDED_BY_SPOTIFY",
    "VERDICTS",
    "Column",
    "Constant",
    "Dead",
    "EventIdSource",
    "EventsError",
    "FeedPlan",
    "Filtered",
    "OptOutPolicy",
    "Source",
    "State",
    "TimeSource",
    "TimeUnit",
]
