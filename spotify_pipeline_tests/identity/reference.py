"""The identity rules once more, one value at a time, in plain Python: slow, and easy to see that it is right.

Written from the rules and not from the vector code, of which it imports nothing. Tests compare the two; a recount of a
customer list by plain Python takes its digests from here.
"""

from __future__ import annotations

import hashlib
import unicodedata

import phonenumbers

NORMALIZED, REJECTED = "normalized", "rejected"

# Unicode's White_Space property: what Python calls a space, without the four separators that are only controls.
WHITE_SPACE = frozenset(
    character for character in map(chr, range(0x3001)) if character.isspace() and character not in "\x1c\x1d\x1e\x1f"
)
ZERO_WIDTH = frozenset("\ufeff\u200b\u200c\u200d\u2060")
# Assigned after Unicode 14, which the rules read: format characters to a newer Python only.
NEWER_FORMAT_CHARACTERS = frozenset(map(chr, range(0x13439, 0x13440)))
HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
OTHER_HASH_LENGTHS = frozenset({32, 40, 56, 96, 128})
DIGEST_OF_NOTHING = hashlib.sha256(b"").hexdigest()


def reference_normalize(
    raw: str | None, identifier: str, region: str | None = None, device_id_case: str = "lower"
) -> tuple[str, str]:
    """``("normalized", value)`` or ``("rejected", reason)`` for one raw identifier."""
    value = trim(raw or "")
    if not value:
        return REJECTED, "missing"
    if is_hex(value) and len(value) == 64:
        digest = value.lower()
        return (REJECTED, "digest_of_nothing") if digest == DIGEST_OF_NOTHING else (NORMALIZED, digest)
    unhyphenated_uuid = identifier == "device_id" and len(value) == 32
    if is_hex(value) and len(value) in OTHER_HASH_LENGTHS and not unhyphenated_uuid:
        return REJECTED, "other_hash"
    if identifier == "email":
        return _email(value)
    if identifier == "phone":
        return _phone(value, region)
    if identifier == "device_id":
        return _device_id(value, device_id_case)
    raise ValueError("identifier must be 'email', 'phone' or 'device_id'.")


def reference_digest(normalized: str | None) -> str | None:
    """The digest that is sent for a normalized value; a digest is its own; nothing has none."""
    if not normalized or normalized == DIGEST_OF_NOTHING:
        return None
    if len(normalized) == 64 and is_hex(normalized) and normalized == normalized.lower():
        return normalized
    return hashlib.sha256(normalized.encode("utf-8")).hexdigest()


def trim(raw: str) -> str:
    """Strip white space and zero-width characters, one by one, from both ends."""
    dropped = WHITE_SPACE | ZERO_WIDTH
    start, end = 0, len(raw)
    while start < end and raw[start] in dropped:
        start += 1
    while end > start and raw[end - 1] in dropped:
        end -= 1
    return raw[start:end]


def is_hex(value: str) -> bool:
    """Whether there is nothing but ASCII hexadecimal digits."""
    return all(character in HEX_DIGITS for character in value)


def is_forbidden_in_email(character: str) -> bool:
    """White space, a control or format character, or punctuation that an address cannot hold."""
    if character in NEWER_FORMAT_CHARACTERS:
        return False
    return character in WHITE_SPACE or unicodedata.category(character) in ("Cc", "Cf") or character in ',;<>()[]"\\:'


def _email(value: str) -> tuple[str, str]:
    address = value.lower()
    invalid = REJECTED, "invalid"
    if address.count("@") != 1 or len(address) > 254:
        return invalid
    if any(is_forbidden_in_email(character) for character in address):
        return invalid
    local_part, domain = address.split("@")
    if not 1 <= len(local_part) <= 64 or "." not in domain:
        return invalid
    for label in domain.split("."):
        if not label or label.startswith("-") or label.endswith("-"):
            return invalid
    return NORMALIZED, address


def _phone(value: str, region: str | None) -> tuple[str, str]:
    code = trim(region or "")
    known = code.upper() if code.isascii() and code.upper() in phonenumbers.SUPPORTED_REGIONS else None
    try:
        number = phonenumbers.parse(value, known)
    except phonenumbers.NumberParseException as error:
        if known is None and "default region" in str(error):
            return REJECTED, "no_region"
        return REJECTED, "invalid"
    if not phonenumbers.is_possible_number(number):
        return REJECTED, "invalid"
    return NORMALIZED, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _device_id(value: str, case: str) -> tuple[str, str]:
    digits = value
    if len(value) == 36:
        if any(value[position] != "-" for position in (8, 13, 18, 23)):
            return REJECTED, "invalid"
        digits = value[:8] + value[9:13] + value[14:18] + value[19:23] + value[24:]
    if len(digits) != 32 or not is_hex(digits):
        return REJECTED, "invalid"
    if set(digits) == {"0"}:
        return REJECTED, "zeroed"
    parts = digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]
    device_id = "-".join(parts)
    return NORMALIZED, device_id.upper() if case == "upper" else device_id.lower()
