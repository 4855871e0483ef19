"""The sandbox's Conversions API."""

from spotify_pipeline.sandbox.events.host import EventHost, EventsRefused

__all__ = [
    "EventHost",
    "EventsRefused",
]
