"""What a type of identifier is, and the words of the identity rules: their version, the reasons for a rejection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

import polars as pl
from pydantic import BaseModel, ConfigDict

RULES_VERSION: int = 2
"""In every manifest and receipt. A value that both versions can read has one digest, so digests of the two are
comparable. Version 1 read some damaged values as somebody else's number; version 2 does not."""

_SHORTEST_TRACE = 6


class Rejection(StrEnum):
    """Why a raw identifier gives no digest."""

    MISSING = "missing"
    """Null, empty, or only white space, NUL, format characters and a pair of quotes."""

    DIGEST_OF_NOTHING = "digest_of_nothing"
    """The hash of an empty string."""

    OTHER_HASH = "other_hash"
    """As long as an MD5, SHA-1, SHA-224, SHA-384 or SHA-512 digest: Spotify matches SHA-256 only."""

    INVALID = "invalid"
    """No identifier of its type, such as an e-mail address without a domain."""

    NO_REGION = "no_region"
    """A phone number in national form without a region."""

    ZEROED = "zeroed"
    """The all-zero device id of phones that limit ad tracking."""


@dataclass(frozen=True)
class EventParameter:
    """The parameter of an identifier in the ``user_data`` of a conversion event.

    Attributes:
        name: of the parameter.
        is_list: whether it takes all of a person's identifiers of the type, or the first only.
        hashed: whether their digests are sent, or they themselves. A value that came as a digest is never sent as it.
    """

    name: str
    is_list: bool = False
    hashed: bool = True


class IdentifierType(BaseModel, ABC):
    """A type of identifier. A subclass is one type; its docstring says what it is, in the YAML's schema.

    The fields of a subclass are its options in YAML beside ``column``, each with a default; an instance is the type
    with the options of one YAML block. Everything else asks the class.

    Attributes:
        name: in YAML, in counts, and as the prefix of a line for ``forget``: small letters, digits and underscores.
        token: Spotify's name of it in a customer list.
        noun: for a person, such as ``e-mail address``.
        parameter: in conversion events; None where Spotify takes no such identifier of an event.
        is_uuid: whether it is a UUID: then braces around it, 32 digits without hyphens and 16 bytes are read, too.
        column_options: the fields that name a column of the same relation.
        trace_alphabet: the characters that ``traces`` are made of, as the inside of a regex class; None if such a value
            is found in any text by its form alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: ClassVar[str]
    token: ClassVar[str]
    noun: ClassVar[str]
    parameter: ClassVar[EventParameter | None] = None
    is_uuid: ClassVar[bool] = False
    column_options: ClassVar[tuple[str, ...]] = ()
    trace_alphabet: ClassVar[str | None] = "0-9a-z"

    @abstractmethod
    def normalize(self, values: pl.Series, beside: Mapping[str, pl.Series]) -> pl.DataFrame:
        """The one form of each value in which it is hashed, or why it has none.

        Args:
            values: strings, trimmed, without quotes around them; null where the value is missing, or a hash already.
            beside: of each of ``column_options`` that YAML states, the trimmed text beside each value; null where
                there is none.

        Returns:
            As many rows, in the same order, with the string columns ``normalized`` and ``rejection`` (a
            ``Rejection``): both null where the value is null, else exactly one of them.
        """

    @classmethod
    def in_region(cls, region: str | None) -> Self:
        """The type with its defaults; with this country as its ``default_region``, where it has that option.

        Raises:
            ValueError: it has, and this is no country.
        """
        return cls.model_validate({"default_region": region} if region and cls.has_region() else {})

    @classmethod
    def has_region(cls) -> bool:
        """Whether the type has the option ``default_region``, to which ``--region`` of the commands goes."""
        return "default_region" in cls.model_fields

    @classmethod
    def forms(cls, normalized: pl.Series) -> tuple[pl.Series, ...]:
        """Normalized values in each spelling that some list may hash; null stays null, and a digest as it is."""
        return (normalized,)

    @classmethod
    def recognizes(cls, text: str) -> bool:  # noqa: ARG003 - a subclass may look at it
        """Whether a text that somebody types for ``forget`` looks like this type; else its prefix must be given."""
        return False

    @classmethod
    def traces(cls, given: pl.Series) -> pl.Series:
        """What to look for in an event's texts, so that no identifier of its person goes out in one.

        Args:
            given: the values, as the warehouse has them or normalized.

        Returns:
            Of each value, what of it would be left in a text in small letters of which everything but
            ``trace_alphabet`` is taken out; null where that is too little to tell.
        """
        left = given.str.to_lowercase().str.replace_all(f"[^{cls.trace_alphabet}]", "")
        return left.set((left.str.len_bytes() < _SHORTEST_TRACE).fill_null(value=False), None)
