"""What the scanner looks for, in each form in which a program may have written it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from spotify_pipeline_tests.stress.leaks.canaries import DEVICE_BYTES, DEVICE_STEMS, IP_STEM, MAIL_STEM, PHONE_STEMS

SECRET_CHARACTERS = 20
"""Of a secret this much of its beginning or its end is a leak."""


class Kind(StrEnum):
    """What a trace is of."""

    EMAIL = "e-mail"
    PHONE = "phone"
    DEVICE_ID = "device id"
    IP_ADDRESS = "IP address"
    DIGEST = "digest"
    ASKED = "digest of who asked to be forgotten"
    TOKEN = "token"
    SIGNATURE = "signature"
    SESSION = "session"


RAW = frozenset({Kind.EMAIL, Kind.PHONE, Kind.DEVICE_ID, Kind.IP_ADDRESS})
SECRETS = frozenset({Kind.TOKEN, Kind.SIGNATURE, Kind.SESSION})


@dataclass(frozen=True)
class Needle:
    """Bytes to look for. ``folded``: in a copy of the text in lower case, for they may stand in either."""

    pattern: bytes
    kind: Kind
    form: str
    folded: bool


def needles_of_people() -> list[Needle]:
    """The stems of all canaries in every form."""
    stems = [(MAIL_STEM, Kind.EMAIL), *((stem, Kind.PHONE) for stem in PHONE_STEMS)]
    stems += [(IP_STEM, Kind.IP_ADDRESS), *((stem, Kind.DEVICE_ID) for stem in DEVICE_STEMS)]
    found = [needle for stem, kind in stems for needle in forms(stem, kind, either_case=True)]
    return [*found, Needle(DEVICE_BYTES, Kind.DEVICE_ID, "bytes", False)]


def needles_of_addresses() -> list[Needle]:
    """What every signed address and every address of a session holds, whoever made it."""
    marks = [("X-Goog-Signature=", Kind.SIGNATURE), ("upload_id=", Kind.SESSION)]
    return [needle for mark, kind in marks for needle in forms(mark, kind, either_case=True)]


def needles_of_secrets(secrets: Iterable[str], kind: Kind) -> list[Needle]:
    """The beginning and the end of each secret in every form; they are case-sensitive."""
    return [
        needle
        for secret in sorted(set(secrets))
        for part in dict.fromkeys((secret[:SECRET_CHARACTERS], secret[-SECRET_CHARACTERS:]))
        for needle in forms(part, kind, either_case=False)
    ]


def forms(text: str, kind: Kind, *, either_case: bool) -> Iterator[Needle]:
    """``text`` as it is, escaped, encoded; what differs by the case of its letters in both cases."""
    cases = dict.fromkeys((text, text.lower(), text.upper())) if either_case else {text: None}
    plain = text.lower().encode() if either_case else text.encode()
    yield Needle(plain, kind, "raw", either_case)
    for order in ("le", "be"):
        yield Needle(_utf16(text.lower() if either_case else text, order), kind, f"UTF-16 {order}", either_case)
    for spelled in cases:
        data = spelled.encode()
        # Their digits are hex, so they stand in either case whatever they hold.
        yield Needle("".join(f"%{byte:02x}" for byte in data).encode(), kind, "percent", True)
        yield Needle("".join(f"\\u{byte:04x}" for byte in data).encode(), kind, "JSON", True)
        yield Needle("".join(f"\\x{byte:02x}" for byte in data).encode(), kind, "bytes literal", True)
        yield Needle(data.hex().encode(), kind, "hex", True)
        for shift in range(3):
            yield Needle(_base64(data, shift), kind, f"base64 at {shift}", False)
        # Those that change only what they must, as URL and JSON writers do.
        for sign, escaped in ((" ", "%20"), (" ", "+"), (")", "%29"), ("=", "%3d"), (":", "%3a")):
            if sign in spelled:
                yield Needle(spelled.lower().replace(sign, escaped).encode(), kind, "percent", True)


def _utf16(text: str, order: str) -> bytes:
    encoded = text.encode(f"utf-16-{order}")
    # The zero at the outer end may belong to a neighbour that is cut off.
    return encoded[:-1] if order == "le" else encoded[1:]


def _base64(data: bytes, shift: int) -> bytes:
    """The characters of base64 that depend on ``data`` alone, where ``shift`` bytes of a group stand before it."""
    encoded = base64.b64encode(bytes(shift) + data)
    first = -(-shift * 8 // 6)
    last = (shift + len(data)) * 8 // 6
    return encoded[first:last]
