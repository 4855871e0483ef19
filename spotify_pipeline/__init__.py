"""Warehouse segments to Spotify audiences, and warehouse events to Spotify conversions.

The components are reachable here, so that YAML says `type: spotify_pipeline.CustomerListAudience`; they are imported
when first asked for, so that the packages without Dagster load without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spotify_pipeline.components import (
        AdEngagementAudience,
        ConversionFeed,
        CustomerListAudience,
        SpotifyAds,
        SuppressionList,
        WarehouseProject,
        WebEventAudience,
    )

__all__ = [
    "AdEngagementAudience",
    "ConversionFeed",
    "CustomerListAudience",
    "SpotifyAds",
    "SuppressionList",
    "WarehouseProject",
    "WebEventAudience",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module's __getattr__ gives
    if name in __all__:
        return getattr(importlib.import_module("spotify_pipeline.components"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
