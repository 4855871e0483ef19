"""The identity rules once more, one value at a time, in plain Python: slow, and easy to see that it is right.

Written from the rules and not from the vector code, of which it imports nothing. Tests compare the two; a recount of a
customer list by plain Python takes its digests from here.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

import phonenumbers

NORMALIZED, REJECTED = "normalized", "rejected"

# Unicode's White_Space property: what Python calls a space, without the four separators that are only controls.
WHITE_SPACE = frozenset(
    character for character in map(chr, range(0x3001)) if character.isspace() and character not in "\x1c\x1d\x1e\x1f"
)
# Assigned after Unicode 14, which the rules read: format characters to a newer Python only.
NEWER_FORMAT_CHARACTERS = frozenset(map(chr, range(0x13439, 0x13440)))
# What libphonenumber passes over between digits, but for the point, and brackets and white space of any kind.
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff0d"
SET_ASIDE = WHITE_SPACE | frozenset(DASHES + "/\uff0f()\uff08\uff09[]\uff3b\uff3d")
HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
OTHER_HASH_LENGTHS = frozenset({32, 40, 56, 96, 128})
DIGEST_OF_NOTHING = hashlib.sha256(b"").hexdigest()


def reference_normalize(
    raw: str | None, identifier: str, region: str | None = None, device_id_case: str = "lower"
) -> tuple[str, str]:
    """``("normalized", value)`` or ``("rejected", reason)`` for one raw identifier."""
    value = unwrap(raw or "", braces=identifier == "device_id")
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
    """Strip white space, NUL and format characters, one by one, from both ends."""
    start, end = 0, len(raw)
    while start < end and is_stripped(raw[start]):
        start += 1
    while end > start and is_stripped(raw[end - 1]):
        end -= 1
    return raw[start:end]


def is_stripped(character: str) -> bool:
    """White space, NUL or a format character."""
    return character in WHITE_SPACE or character == "\0" or is_format(character)


def is_format(character: str) -> bool:
    """Of the category Cf, as the rules know it."""
    return unicodedata.category(character) == "Cf" and character not in NEWER_FORMAT_CHARACTERS


def unwrap(raw: str, *, braces: bool) -> str:
    """The value trimmed, without the quotes around the whole, and around a device id without its braces."""
    value = trim(raw)
    if len(value) >= 2 and value[0] == value[-1] and value[0] in ("'", '"'):
        value = trim(value[1:-1])
    inside = trim(value[1:-1])
    if braces and inside and value[0] + value[-1] == "{}" and is_hex(inside.replace("-", "")):
        value = inside
    return value


def is_hex(value: str) -> bool:
    """Whether there is nothing but ASCII hexadecimal digits."""
    return all(character in HEX_DIGITS for character in value)


def is_forbidden_in_email(character: str) -> bool:
    """White space, a control or format character, or punctuation that an address cannot hold."""
    is_control = unicodedata.category(character) == "Cc"
    return character in WHITE_SPACE or is_control or is_format(character) or character in ',;<>()[]"\\:'


def may_stand_in_a_domain(character: str) -> bool:
    """A letter, mark, digit or hyphen; points stand between labels."""
    return character == "-" or unicodedata.category(character)[0] in "LM" or character.isdecimal()


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
        if not all(may_stand_in_a_domain(character) for character in label):
            return invalid
    if domain.split(".")[-1].isdecimal():
        return invalid
    return NORMALIZED, address


def _phone(value: str, region: str | None) -> tuple[str, str]:
    code = unwrap(region or "", braces=False)
    known = code.upper() if code.isascii() and code.upper() in phonenumbers.SUPPORTED_REGIONS else None
    whole = _whole_number(value)
    if whole is None:
        return REJECTED, "invalid"
    try:
        number = phonenumbers.parse(whole, known)
    except phonenumbers.NumberParseException as error:
        if known is None and "default region" in str(error):
            return REJECTED, "no_region"
        return REJECTED, "invalid"
    if not phonenumbers.is_possible_number(number):
        return REJECTED, "invalid"
    return NORMALIZED, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _whole_number(value: str) -> str | None:
    """The number without what a column of floats made of it; None where digits were lost or are no phone number's."""
    folded = "".join(map(in_ascii, value))
    start = next((at for at, each in enumerate(folded) if each in "+0123456789"), len(folded))
    end = len(folded)
    while end > start and folded[end - 1] != "#" and unicodedata.category(folded[end - 1])[0] not in "LN":
        end -= 1
    seen = "".join(each for each in folded[start:end] if each not in SET_ASIDE and not is_format(each))
    sign = "+" if seen[:1] == "+" else ""
    digits = seen.lstrip("+")
    before = digits[: len(digits) - len(digits.lstrip("0123456789"))]
    after = digits[len(before) :]
    if len(before) >= 7 and after[:1] in (".", ","):
        fraction = after[1:]
        if fraction and not fraction.strip("0"):
            return sign + before
        if after[0] == ".":  # but two commas are the pause before an extension
            fraction = fraction.lstrip(".,")
        if fraction[:1] in tuple("0123456789"):
            return None
    exponent = re.match(r"[0-9.,]+[eE]\+?[0-9]+", digits)
    if exponent:
        behind = digits[exponent.end() :].lower()
        every_digit = re.fullmatch(r"([0-9]*)[.,]([0-9]+)[eE]\+?([0-9]{1,4})", digits)
        negative = any(each in DASHES for each in re.split(r"[0-9]", re.split("[eE]", folded)[-1])[0])
        if every_digit and not negative and len(every_digit[2]) == int(every_digit[3]):
            return sign + (every_digit[1] + every_digit[2]).lstrip("0")
        if not behind[:1].isalpha() or behind.startswith(("x", "ext")):
            return None
    return value


def in_ascii(character: str) -> str:
    """A digit of any script, a point, comma or plus of full width in ASCII; anything else as it is."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return {"\uff0e": ".", "\uff0c": ",", "\uff0b": "+"}.get(character, character)


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
