"""The sandbox's own endpoints, with which a test or a demo moves its world."""

from spotify_pipeline.sandbox.control.events import EventControl
from spotify_pipeline.sandbox.control.overview import clock_response, dataset_overview, overview
from spotify_pipeline.sandbox.control.routes import Control, FaultControl

__all__ = [
    "Control",
    "EventControl",
    "FaultControl",
    "clock_response",
    "dataset_overview",
    "overview",
]
