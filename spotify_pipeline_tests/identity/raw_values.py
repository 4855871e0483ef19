"""Random raw identifiers, one for each seed: nearly right, padded, mutated, hashed, or any text at all.

Hypothesis draws the seeds, and shrinks a failing list of them to the one value that matters.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from functools import cache, partial

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
PADDING = [
    *" \t\n\r\v\f\x85\xa0\u1680\u2003\u2028\u202f\u205f\u3000\x00",
    *"\ufeff\u200b\u200c\u200d\u2060\xad\u180e\u200e\u200f\u2061\u202a\u202c\u2066\u2069\ufff9\U000e0020",
]
NEARLY_PADDING = [*"\x01\x1c\x1f\x7f\u034f\ufe0f\u2800"]
QUOTES = [*"'\"`“”‘’«»|"]
LETTERS = [*"abcxyzABCXYZ0189éÉßẞİıΣΣσςKÅﬁǅᲐᎠ用😀\u0301"]
DOMAIN_LETTERS = [*"abcxyzABCXYZ0189éÉßİıΣςKﬁǅ用\u0301\u093e٣"]
FORBIDDEN = [*',;<>()[]"\\:@ \t\n', *NEARLY_PADDING, "\u200b", "\ufeff", "\U000e0020"]
PHONE_MARKS = [*"()-./ +x#*~,;\t", *"\xa0\u2011\uff0b\uff0d\u200e\u202a\u200b\u2060", "/x"]
EXTENSIONS = [" ext. 5", "x12", " x 12345", "#7", ";ext=99", ",,8", " extension 3", " доб 4", " int 2", " - 123#"]
FRACTIONS = [".0", ",0", ".00", ".000"] * 2
FRACTIONS += [".", ".5", ",5", ".25", "..0", ",,5", ".0.0", "．0", ".０", ",0;", ".0,", ".0 x7"]
ZEROS_OF_OTHER_SCRIPTS = [0x0660, 0x06F0, 0x0966, 0xFF10, 0x1D7CE]


def email(seed: int) -> str | None:
    """An e-mail address, or what else is found in its column."""
    rnd = random.Random(seed)
    return _dirtied(rnd, _email_address)


def phone(seed: int) -> tuple[str | None, str | None]:
    """A phone number as someone wrote it, and the region given for it."""
    rnd = random.Random(seed)
    home = rnd.choice(REGIONS)
    value = _dirtied(rnd, partial(_phone_number if rnd.random() < 0.7 else _float_text, region=home))
    regions = [home, home.lower(), f" {home} ", rnd.choice(REGIONS), None, "ZZ", "001", "", "ſe"]
    return value, rnd.choices(regions, weights=[60, 8, 2, 12, 10, 3, 1, 1, 1])[0]


def device_id(seed: int) -> str | None:
    """A device id in one of its spellings, or what else is found in its column."""
    rnd = random.Random(seed)
    return _dirtied(rnd, _device_id)


def _dirtied(rnd: random.Random, clean: Callable[[random.Random], str]) -> str | None:
    kind = rnd.random()
    if kind < 0.02:
        return None
    if kind < 0.05:
        return "".join(rnd.choices(PADDING, k=rnd.randrange(4)))
    if kind < 0.12:
        value = _hash(rnd)
    elif kind < 0.22:
        value = _any_text(rnd)
    else:
        value = clean(rnd)
        for _ in range(rnd.choice([0, 0, 0, 0, 1, 2])):
            value = _mutated(rnd, value)
    if rnd.random() < 0.07:
        value = _wrapped(rnd, value)
    if rnd.random() < 0.3:
        around = PADDING if rnd.random() < 0.85 else NEARLY_PADDING
        before, after = (rnd.choices(around, k=rnd.randrange(3)) for _ in range(2))
        value = "".join([*before, value, *after])
    return value


def _email_address(rnd: random.Random) -> str:
    # Lengths around the limits: 64 before the `@`, 254 in all.
    length = rnd.choice([1, 3, 8, 20, 32, 63, 64, 65])
    plain = rnd.random() < 0.6
    local = "".join(rnd.choices([*"abcXYZ09.+-_'"] if plain else LETTERS, k=length))
    domain = [*"abcXYZ09-"] if plain else LETTERS if rnd.random() < 0.2 else DOMAIN_LETTERS
    labels = ["".join(rnd.choices(domain, k=rnd.choice([1, 4, 10]))) for _ in range(3)]
    if rnd.random() < 0.1:
        labels.append("d" * (254 - len(local) - len(".".join(labels)) - 2 + rnd.randrange(-2, 3)))
    return f"{local}@{'.'.join(labels[rnd.choice([0, 0, 1, 1, 1, 2]) :])}"


def _phone_number(rnd: random.Random, region: str) -> str:
    code = str(phonenumbers.country_code_for_region(region))
    dialled, trunk, examples = _plan(region)
    national = rnd.choice(examples)
    edit = rnd.random()
    if edit < 0.3:
        national = national[:-2] + str(rnd.randrange(100)).zfill(2)
    elif edit < 0.45:
        national = "".join(rnd.choices("0123456789", k=rnd.randrange(1, 18)))
    elif edit < 0.55:
        national = national[rnd.randrange(4) :]
    lead = [
        "",
        trunk,
        f"+{code}",
        f"+{code}{trunk}",
        f"+{code}(0)",
        dialled + code,
        code,
        code + trunk,
        "+",
        "+0",
        "tel:+" + code,
    ]
    number = rnd.choices(lead, weights=[20, 25, 25, 4, 2, 8, 8, 2, 1, 1, 1])[0] + national
    if rnd.random() < 0.5:
        number = "".join(digit + (rnd.choice(" -.()/") if rnd.random() < 0.3 else "") for digit in number)
    if rnd.random() < 0.06:
        number += rnd.choice(EXTENSIONS)
    if rnd.random() < 0.05:  # a vanity number
        number = number[:-4] + "".join(rnd.choices("ABCDEFWXYZ", k=4))
    if rnd.random() < 0.05:
        zero = rnd.choice(ZEROS_OF_OTHER_SCRIPTS)
        number = number.translate({ord(str(digit)): zero + digit for digit in range(10)})
    return number


def _float_text(rnd: random.Random, region: str) -> str:
    """A number as a column of floats and a text column after it left it, with marks that somebody put into it."""
    code = str(phonenumbers.country_code_for_region(region))
    national = rnd.choice(_plan(region)[2])
    digits = rnd.choice([national, code + national, code + national, "0" + national, "00" + code + national])
    if rnd.random() < 0.2:
        digits = digits[: rnd.randrange(1, 9)]
    if rnd.random() < 0.5:
        value = digits + rnd.choice(FRACTIONS)
    else:
        before = rnd.choice([1, 1, 1, 2, 0, len(digits)])
        shown = digits[before:] if rnd.random() < 0.7 else digits[before:][: rnd.randrange(8)]
        exponent = len(digits) - before + rnd.choice([0, 0, 0, 0, 1, -1])
        mark = rnd.choice(["E", "e", "E+", "e+", "E-", "e 0", "E+0", "Ｅ"])
        value = f"{digits[:before]}{rnd.choice('..,')}{shown}{mark}{exponent}"
    if rnd.random() < 0.3:
        value = "".join(each + (rnd.choice(" -()/\xa0\u2011[]") if rnd.random() < 0.2 else "") for each in value)
    lead = rnd.choice(["", "", "", "+", "'", "＋", "tel:", "'+", "(", "-"])
    return lead + value + rnd.choice(["", "", "", "", ",", ";", "; ", "|", "'", ")"])


@cache
def _plan(region: str) -> tuple[str, str, list[str]]:
    """How one dials abroad from the region, within it, and examples of its national numbers."""
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    kinds = [metadata.fixed_line, metadata.mobile, metadata.toll_free, metadata.voip, metadata.uan]
    examples = [kind.example_number for kind in kinds if kind is not None and kind.example_number]
    patterns = [metadata.preferred_international_prefix, metadata.international_prefix, "00"]
    abroad = next(each for each in patterns if each and each.replace("~", "").isdigit())
    return abroad, metadata.national_prefix or "0", examples


def _device_id(rnd: random.Random) -> str:
    digits = f"{rnd.getrandbits(128):032x}" if rnd.random() < 0.9 else "0" * 32
    if rnd.random() < 0.7:
        digits = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return rnd.choice([digits, digits.upper(), digits.title()])


def _hash(rnd: random.Random) -> str:
    secret = rnd.choice([b"", rnd.randbytes(8)])
    name = rnd.choice(["sha256", "sha256", "sha256", "md5", "sha1", "sha224", "sha384", "sha512"])
    digest = hashlib.new(name, secret, usedforsecurity=False).hexdigest()
    if rnd.random() < 0.1:
        digest = rnd.choice([digest[:-1], digest + "0", "g" + digest[1:], "1" * len(digest), "1" * len(digest)])
    return rnd.choice([digest, digest, digest.upper(), digest.title()])


def _any_text(rnd: random.Random) -> str:
    """Characters of all planes, surrogates excepted."""
    last = rnd.choice([0x7F, 0xFF, 0x2FFF, 0xFFFF, 0x10FFFF])
    codes = (rnd.randint(0, last) for _ in range(rnd.randrange(40)))
    return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)


def _wrapped(rnd: random.Random, value: str) -> str:
    """In quotes or braces, whole or half, as exports leave them."""
    before, after = rnd.choice([("{", "}"), ("[", "]"), ('["', '"]'), *(2 * [("'", "'"), ('"', '"')])])
    if rnd.random() < 0.3:
        before, after = rnd.choice([(before, ""), ("", after), (rnd.choice(QUOTES), rnd.choice(QUOTES))])
    padding = rnd.choice(["", "", "", " ", "\u200e"])
    return before + padding + value + padding + after


def _mutated(rnd: random.Random, value: str) -> str:
    at = rnd.randrange(len(value) + 1)
    added = rnd.choice(
        [rnd.choice(FORBIDDEN), rnd.choice(LETTERS), rnd.choice(PHONE_MARKS), rnd.choice("0123456789.-@")]
    )
    return value[:at] + added + value[at + rnd.choice([0, 1]) :]
