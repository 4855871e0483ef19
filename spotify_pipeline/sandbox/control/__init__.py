"""The sandbox's own endpoints, with which a test or a demo moves its world."""

from spotify_pipeline.sandbox.control.dataset_overview import dataset_overview
from spotify_pipeline.sandbox.control.events import EventControl
from spotify_pipeline.sandbox.control.faults import FaultControl
from spotify_pipeline.sandbox.control.overview import clock_answer, overview
from spotify_pipeline.sandbox.control.routes import Control

__all__ = [
    "Control",
    "EventControl",
    "FaultControl",
    "clock_answer",
    "dataset_overview",
    "overview",
]
