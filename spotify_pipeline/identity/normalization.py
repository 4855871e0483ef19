"""Normalizes identifiers of any type: trims, sorts out missing and already hashed values, then normalizes the rest."""

from __future__ import annotations

import polars as pl

from spotify_pipeline.identity import device_id, email, hashing, phone, text
from spotify_pipeline.identity.types import DeviceIdCase, IdentifierType, Rejection


def normalize(
    values: pl.Series,
    identifier: IdentifierType,
    *,
    regions: pl.Series | str | None = None,
    device_id_case: DeviceIdCase = "lower",
) -> pl.DataFrame:
    """Normalize raw identifiers of one type.

    Normalize a raw value only once. E-mail addresses, device ids and digests do not change if normalized again; a
    phone number may: libphonenumber drops a national prefix each time it reads one (``+49 0 0123...``).

    Args:
        values: raw identifiers, strings, nulls allowed.
        identifier: what they are.
        regions: for phone numbers in national form, the region (ISO 3166 alpha-2, any case) of each row, or one for
            all. Null and regions unknown to libphonenumber mean none. Ignored for other identifiers.
        device_id_case: how device ids are spelled. Ignored for other identifiers.

    Returns:
        As many rows as ``values``, in the same order, with the string columns ``normalized`` (a normalized
        identifier, or an already hashed value, in lower case) and ``rejection`` (a ``Rejection``). In each row
        exactly one of the two is null.

    Raises:
        TypeError: ``values`` or ``regions`` does not hold strings.
        ValueError: ``regions`` has another length than ``values``, or an option has no such choice.
    """
    identifier = IdentifierType(identifier)
    if device_id_case not in ("lower", "upper"):
        raise ValueError("device_id_case must be 'lower' or 'upper'.")
    known_regions = phone.known_regions(regions, len(values)) if identifier is IdentifierType.PHONE else None
    trimmed = text.unwrapped(text.require_strings(values, "values"), braces=identifier is IdentifierType.DEVICE_ID)
    hashed = hashing.recognize(trimmed, identifier)
    missing = trimmed.is_null() | (trimmed == "")
    settled = missing | hashed["normalized"].is_not_null() | hashed["rejection"].is_not_null()
    unsettled = trimmed.set(settled, None)
    if known_regions is not None:
        result = phone.normalize(unsettled, known_regions)
    elif identifier is IdentifierType.DEVICE_ID:
        result = device_id.normalize(unsettled, device_id_case)
    else:
        result = email.normalize(unsettled)
    return pl.select(
        normalized=pl.coalesce(hashed["normalized"], result["normalized"]),
        rejection=pl.when(missing)
        .then(pl.lit(Rejection.MISSING.value))
        .otherwise(pl.coalesce(hashed["rejection"], result["rejection"])),
    )


def in_every_form(normalized: pl.Series, identifier: IdentifierType) -> tuple[pl.Series, ...]:
    """Normalized identifiers of one type, in each spelling that a list may hash.

    A device id is hashed in lower or upper case, as an audience's YAML says; anything else has one form. A digest
    stays the same in all of them.

    Returns:
        Series of the length and order of ``normalized``; null stays null.
    """
    if identifier is not IdentifierType.DEVICE_ID:
        return (normalized,)
    value = pl.col(normalized.name)
    upper = pl.when(value.str.len_bytes() == hashing.DIGEST_LENGTH).then(value).otherwise(value.str.to_uppercase())
    spelled = normalized.to_frame().select(lower=value.str.to_lowercase(), upper=upper)
    return tuple(each.alias(normalized.name) for each in spelled)
