"""Raw identifier -> normalized -> SHA-256: the identity rules, version 2.

Pure functions over Polars series: no file, no network, no clock. All digests of the project are computed here: a
person whose identifier is normalized in two ways would be lost without an error.

A type of identifier is one class; everything else iterates ``identifier_types``. How to add one: docs/how-to/extend.md.
"""

from __future__ import annotations

from spotify_pipeline.identity.device_id import DeviceId, DeviceIdCase
from spotify_pipeline.identity.email import Email
from spotify_pipeline.identity.hashing import digest
from spotify_pipeline.identity.normalization import normalize
from spotify_pipeline.identity.phone import Phone
from spotify_pipeline.identity.readable import as_read
from spotify_pipeline.identity.registry import (
    IdentifierTypeError,
    TypeName,
    identifier_type,
    identifier_types,
    registered,
)
from spotify_pipeline.identity.text import CONTROL_CLASS, trimmed, unwrapped
from spotify_pipeline.identity.types import RULES_VERSION, EventParameter, IdentifierType, Rejection

__all__ = [
    "CONTROL_CLASS",
    "RULES_VERSION",
    "DeviceId",
    "DeviceIdCase",
    "Email",
    "EventParameter",
    "IdentifierType",
    "IdentifierTypeError",
    "Phone",
    "Rejection",
    "TypeName",
    "as_read",
    "digest",
    "identifier_type",
    "identifier_types",
    "normalize",
    "registered",
    "trimmed",
    "unwrapped",
]
