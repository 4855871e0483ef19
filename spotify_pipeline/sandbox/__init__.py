"""A local Spotify: accounts service, Ads API, event host and object store on one port, and a page to look at.

Built from the published contract alone. It imports nothing else of this project, so a misreading of the contract
in the client cannot hide here. What serves it comes with the extra `demo` and is imported when first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from spotify_pipeline.sandbox.config import (
    DEFAULT_PORT,
    DEFAULTS,
    ListFormat,
    SandboxConfig,
    SandboxDefaults,
    SandboxError,
)

if TYPE_CHECKING:
    from spotify_pipeline.sandbox.app import create_app
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

_SERVED = {
    "app": ("create_app",),
    "faults": ("Fault", "FaultInvalid", "FaultReport", "named_fault", "read_fault"),
    "server": ("SandboxServer", "serve"),
    "store": ("SandboxState",),
}
_MODULES = {name: module for module, names in _SERVED.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module's __getattr__ gives
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith(__name__):
            raise
        raise SandboxError(
            f"The local Spotify needs {missing.name}, which is not installed. Run "
            "`pip install 'spotify-pipeline[demo]'`."
        ) from None
    return getattr(module, name)
