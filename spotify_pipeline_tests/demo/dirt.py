"""Tells from a value alone which kind of dirt it has; the names are those of the documented table.

Written from the meaning of each kind, not from the generator, so that a kind spelled wrongly is counted as another one.
"""

from __future__ import annotations

import hashlib
import re
import string

INVISIBLE = {"\u00a0": "no_break_space", "\ufeff": "byte_order_mark", "\u200b": "zero_width"}
DIGEST_OF_NOTHING = hashlib.sha256(b"").hexdigest()
EVERY_PADDING = string.whitespace + "".join(INVISIBLE)

_ADDRESS = re.compile(r"[^@\s,]+@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]+", re.IGNORECASE)


def _missing(value: str | None) -> str | None:
    if value is None:
        return "missing"
    return None if value.strip(EVERY_PADDING) else "blank"


def _hash(value: str) -> str | None:
    if re.fullmatch(r"[0-9a-f]{64}", value):
        return "sha256_of_nothing" if value == DIGEST_OF_NOTHING else "sha256_lower"
    if re.fullmatch(r"[0-9A-F]{64}", value):
        return "sha256_upper"
    return {32: "md5", 40: "sha1"}.get(len(value)) if re.fullmatch(r"[0-9a-f]+", value) else None


def email_dirt(value: str | None) -> str:
    """The kind of an e-mail."""
    nothing = _missing(value)
    if nothing or value is None:
        return nothing or "missing"
    if kind := _hash(value):
        return kind
    for character, name in INVISIBLE.items():
        if value.strip(character) != value:
            return name
    if value.strip() != value:
        return "padded"
    if not _ADDRESS.fullmatch(value):
        return "invalid"
    if not value.isascii():
        return "non_ascii"
    if value.isupper():
        return "upper_case"
    return "clean" if value.islower() else "mixed_case"


def phone_dirt(value: str | None) -> str:
    """The kind of a phone number."""
    nothing = _missing(value)
    if nothing or value is None:
        return nothing or "missing"
    if kind := _hash(value):
        return kind
    digits = sum(character.isdigit() for character in value)
    if digits == 0:
        return "words"
    if value.strip(EVERY_PADDING) != value:
        return "padded"
    if "ext." in value:
        return "extension"
    if value.startswith("+"):
        if digits > 15:
            return "too_long"
        return "clean" if value[1:].isdigit() else "international"
    if re.fullmatch(r"(00|011|0011) \d+", value):
        return "dialled_abroad"
    return "too_short" if digits <= 3 else "national"


def device_id_dirt(value: str | None) -> str:
    """The kind of a device id."""
    nothing = _missing(value)
    if nothing or value is None:
        return nothing or "missing"
    if not value.strip("0-"):
        return "zeroed"
    if value.strip() != value:
        return "padded"
    if re.fullmatch(r"[0-9a-f]{32}", value):
        return "no_hyphens"
    if kind := _hash(value):
        return kind
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value, re.IGNORECASE):
        return "invalid"
    return "upper_case" if value.isupper() else "clean"


def country_dirt(value: str | None) -> str:
    """The kind of a country code."""
    if value is None:
        return "missing"
    if value.strip() != value:
        return "padded"
    return "lower_case" if value.islower() else "clean"
