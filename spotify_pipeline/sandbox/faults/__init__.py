"""Faults as data: which request they hit, what they do, and named presets."""

from spotify_pipeline.sandbox.faults.actions import (
    Acknowledge,
    Alter,
    Corrupt,
    Cut,
    Drip,
    EditJson,
    EditQuery,
    EndHere,
    Ending,
    EndSession,
    ForAnother,
    HideNewest,
    Intrude,
    KeepRefreshToken,
    Lose,
    MoveClock,
    Reply,
    Stall,
    Truncate,
)
from spotify_pipeline.sandbox.faults.headers import Text
from spotify_pipeline.sandbox.faults.model import OPERATIONS, Fault, FaultInvalid, Point
from spotify_pipeline.sandbox.faults.presets import PRESETS
from spotify_pipeline.sandbox.faults.script import FaultReport, FaultScript, Hit

__all__ = [
    "OPERATIONS",
    "PRESETS",
    "Acknowledge",
    "Alter",
    "Corrupt",
    "Cut",
    "Drip",
    "EditJson",
    "EditQuery",
    "EndHere",
    "EndSession",
    "Ending",
    "Fault",
    "FaultInvalid",
    "FaultReport",
    "FaultScript",
    "ForAnother",
    "HideNewest",
    "Hit",
    "Intrude",
    "KeepRefreshToken",
    "Lose",
    "MoveClock",
    "Point",
    "Reply",
    "Stall",
    "Text",
    "Truncate",
]
