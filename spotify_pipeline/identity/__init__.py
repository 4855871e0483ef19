"""Raw identifier -> normalized -> SHA-256: the identity rules, version 2.

Pure functions over Polars series: no file, no network, no clock. All digests of the project are computed here: a
person whose identifier is normalized in two ways would be lost without an error.
"""

from __future__ import annotations

from spotify_pipeline.identity.hashing import digest
from spotify_pipeline.identity.normalization import in_every_form, normalize
from spotify_pipeline.identity.number_text import whole_numbers
from spotify_pipeline.identity.text import CONTROL_CLASS, trimmed, unwrapped
from spotify_pipeline.identity.types import RULES_VERSION, DeviceIdCase, IdentifierType, Rejection

__all__ = [
    "CONTROL_CLASS",
    "RULES_VERSION",
    "DeviceIdCase",
    "IdentifierType",
    "Rejection",
    "digest",
    "in_every_form",
    "normalize",
    "trimmed",
    "unwrapped",
    "whole_numbers",
]
