"""Normalizes by the name of a type, with a region for all values or one for each."""

from __future__ import annotations

import polars as pl

from spotify_pipeline.identity import DeviceId, IdentifierType, Phone, identifier_types, normalize


def normalize_as(
    values: pl.Series, name: str, *, regions: pl.Series | str | None = None, case: str = "lower"
) -> pl.DataFrame:
    """What ``normalize`` says of these values; regions are for phone numbers, the case is for device ids."""
    kind: IdentifierType = identifier_types()[name]()
    if isinstance(kind, DeviceId):
        kind = DeviceId.model_validate({"case": case})
    if not isinstance(kind, Phone) or regions is None:
        return normalize(values, kind)
    if isinstance(regions, pl.Series):
        return normalize(values, kind, beside={"region_column": regions})
    # Not validated: what YAML would refuse is read, too, as if there were no region.
    return normalize(values, Phone.model_construct(default_region=regions))
