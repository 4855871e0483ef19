"""A local Spotify: accounts service, Ads API, event host and object store on one port, and a page to look at.

Built from the published contract alone. It imports nothing else of this project, so a misreading of the contract
in the client cannot hide here.
"""

from __future__ import annotations

from spotify_pipeline.sandbox.app import create_app
from spotify_pipeline.sandbox.config import (
    DEFAULT_PORT,
    DEFAULTS,
    ListFormat,
    SandboxConfig,
    SandboxDefaults,
    SandboxError,
)
from spotify_pipeline.sandbox.faults import Fault, FaultInvalid, FaultReport, named_fault, read_fault
from spotify_pipeline.sandbox.server import SandboxServer, serve
from spotify_pipeline.sandbox.store import SandboxState

__all__ = [
    "DEFAULTS",
    "DEFAULT_PORT",
    "Fault",
    "FaultInvalid",
    "FaultReport",
    "ListFormat",
    "SandboxConfig",
    "SandboxDefaults",
    "SandboxError",
    "SandboxServer",
    "SandboxState",
    "create_app",
    "named_fault",
    "read_fault",
    "serve",
]
