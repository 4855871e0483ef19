"""From rows of the warehouse to conversion events: what is sent and as what, what is not, and why."""

from spotify_pipeline.conversions.validation.day import Day, TimeRange, places_of, range_of, rows_of
from spotify_pipeline.conversions.validation.event_details import CURRENCIES
from spotify_pipeline.conversions.validation.event_times import unit_meant
from spotify_pipeline.conversions.validation.validate import validate_events

__all__ = [
    "CURRENCIES",
    "Day",
    "TimeRange",
    "places_of",
    "range_of",
    "rows_of",
    "unit_meant",
    "validate_events",
]
