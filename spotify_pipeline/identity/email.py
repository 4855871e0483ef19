"""Normalizes e-mail addresses: lower-cases them, and rejects what cannot be an address.

Dots and ``+tag`` stay, in Gmail addresses too: Spotify asks to trim and lower-case, and no source asks for more. There
is no Unicode normalization either: ``é`` and ``e`` + U+0301 are two addresses.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import polars as pl

from spotify_pipeline.identity.text import CONTROL_CLASS, FORMAT_CLASS, WHITE_SPACE_CLASS, lower_case
from spotify_pipeline.identity.types import EventParameter, IdentifierType, Rejection

# RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.3 (a path of 256 holds an address of 254: RFC 3696, erratum 1690). Counted
# in characters after lower-casing, not in octets, so that an address beyond ASCII is not lost for its encoding.
LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254

# Not allowed before the `@`: a list of two, a display name, a comment, a quoted string, `mailto:`.
_FORBIDDEN = rf'{WHITE_SPACE_CLASS}{CONTROL_CLASS}{FORMAT_CLASS},;<>()\[\]"\\:'
# A domain contains letters, marks, digits, hyphens and dots. Those beyond ASCII are checked again, by category.
_LETTERS = r"a-z\x{80}-\x{10ffff}"
_REST_OF_LABEL = rf"(?:[0-9{_LETTERS}-]*[0-9{_LETTERS}])?"
_LABEL = rf"[0-9{_LETTERS}]{_REST_OF_LABEL}"
# Not digits alone: that is an IP address, or an appended number.
_LAST_LABEL = rf"(?:[0-9]*[{_LETTERS}]|[0-9]+-+[0-9{_LETTERS}]){_REST_OF_LABEL}"
_ADDRESS = rf"^[^@{_FORBIDDEN}]{{1,{LONGEST_LOCAL_PART}}}@(?:{_LABEL}\.)+{_LAST_LABEL}$"
_DOMAIN_BEYOND_ASCII = r"@(.*[^\x00-\x7f].*)$"


class Email(IdentifierType):
    """E-mail addresses."""

    name = "email"
    token = "EMAIL_ID_SHA256"  # noqa: S105 - Spotify's name of it
    noun = "e-mail address"
    parameter = EventParameter("hashed_emails", is_list=True)
    trace_alphabet = None

    def normalize(self, values: pl.Series, beside: Mapping[str, pl.Series]) -> pl.DataFrame:  # noqa: ARG002
        """In lower case, as it stands else."""
        addresses = lower_case(values)
        length = addresses.str.len_chars()
        valid = addresses.str.contains(_ADDRESS) & (length <= LONGEST_ADDRESS)
        beyond_ascii = valid & (addresses.str.len_bytes() != length)
        if beyond_ascii.any():
            domains = addresses.filter(beyond_ascii).str.extract(_DOMAIN_BEYOND_ASCII)
            known = {domain: domain is None or _is_domain(domain) for domain in domains.unique()}
            valid = valid.scatter(beyond_ascii.arg_true(), [known[domain] for domain in domains])
        return pl.DataFrame({"address": addresses, "valid": valid}).select(
            normalized=pl.when("valid").then("address"),
            rejection=pl.when(~pl.col("valid")).then(pl.lit(Rejection.INVALID.value)),
        )

    @classmethod
    def recognizes(cls, text: str) -> bool:
        """Whatever has an ``@``."""
        return "@" in text


def _is_domain(domain: str) -> bool:
    """Whether labels contain only letters, marks, digits and hyphens, and the last one more than digits.

    By the Unicode version of this Python: a newer one may know more letters and so accept more addresses; no address
    gets another digest.
    """
    kinds = {character: unicodedata.category(character) for character in domain if character not in "-."}
    of_a_domain = all(kind[0] in "LM" or kind == "Nd" for kind in kinds.values())
    return of_a_domain and any(kinds.get(character) != "Nd" for character in domain.rpartition(".")[2])
