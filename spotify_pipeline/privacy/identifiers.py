"""Reads identifiers that somebody types, one a line, and gives the digests by which lists hold them.

Identifiers live in memory only. What is said of a line is its number and what is wrong with it, never its text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

import polars as pl

from spotify_pipeline.identity import Email, IdentifierType, Rejection, digest, identifier_types, normalize, unwrapped
from spotify_pipeline.privacy.errors import ErasureError, UnusableLines

LONGEST_LINE = 1000
"""Bytes. No identifier is as long."""

DIGEST = "digest"
"""What a line says it is that gives a digest, of whatever type."""

_PREFIX = re.compile(rf"({'|'.join((*identifier_types(), DIGEST))})[ \t]*:(.*)", re.ASCII | re.IGNORECASE | re.DOTALL)
_DIGEST = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_NOT_TEXT = "not UTF-8 text"
_TOO_LONG = f"longer than {LONGEST_LINE} bytes, as no identifier is"
_UNKNOWN = (
    f"not recognized as an {', '.join(kind.noun for kind in identifier_types().values())} or digest; write "
    f"{', '.join(f'`{name}:`' for name in identifier_types())} or `digest:` before it"
)
_REASONS = {
    Rejection.MISSING: "nothing after the colon",
    Rejection.DIGEST_OF_NOTHING: "the digest of an empty value",
    Rejection.OTHER_HASH: "a hash, but no SHA-256",
    Rejection.NO_REGION: "a phone number without its country; write it with + and the country code, or give --region",
    Rejection.ZEROED: "the all-zero device id, which is nobody's",
}


@dataclass(frozen=True, kw_only=True)
class GivenIdentifier:
    """One identifier of a person, as the digests by which a list may hold it.

    Attributes:
        line: of the input, from 1.
        given_as: what the line says it is: the name of a type, or ``digest``.
        digests: lower-case hex. A device id has two, as audiences may hash either letter case; most have one.
    """

    line: int
    given_as: str
    digests: tuple[str, ...]

    def __repr__(self) -> str:
        return f"GivenIdentifier(line={self.line}, given_as={self.given_as!r}, digests=<withheld>)"


@dataclass(frozen=True)
class _Line:
    number: int
    given_as: str
    text: str


def read_identifiers(stream: BinaryIO, *, region: str | None = None) -> list[GivenIdentifier]:
    """Read identifiers, one a line: the name of a type or ``digest``, a colon and the value; or the value alone.

    A value alone that holds ``@`` is an e-mail address, 32 hex digits with or without hyphens are a device id, 64 are a
    digest, and digits with the usual punctuation are a phone number. One that several types recognize needs the name.
    Blank lines are passed over.

    Args:
        stream: read to its end.
        region: the country (ISO 3166 alpha-2) of values written without one: ``default_region`` of the types that have
            that option.

    Raises:
        UnusableLines: some line is no identifier. Then none is given.
        ErasureError: there is no identifier at all.
    """
    lines: list[_Line] = []
    problems: list[tuple[int, str]] = []
    texts = list(_texts(stream, problems))
    bare = unwrapped(pl.Series([text for _, text in texts], dtype=pl.String), braces=True)
    for (number, _), text in zip(texts, bare, strict=True):
        _sort_in(number, text, lines, problems)
    found = [*_digests_given(lines, problems), *_hashed(lines, problems, region)]
    if problems:
        raise UnusableLines(sorted(problems))
    if not found:
        raise ErasureError(
            "There is no identifier in the input. Give them on standard input, one a line, such as an e-mail address."
        )
    return sorted(found, key=lambda each: each.line)


def _short_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long, only the beginning, which is still too long."""
    while line := stream.readline(LONGEST_LINE + 3):
        yield line.removesuffix(b"\n").removesuffix(b"\r")
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE)


def _texts(stream: BinaryIO, problems: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Each line's number and text; a line that has none becomes a problem."""
    for number, raw in enumerate(_short_lines(stream), start=1):
        if len(raw) > LONGEST_LINE:
            problems.append((number, _TOO_LONG))
            continue
        try:
            yield number, raw.decode()
        except UnicodeDecodeError:
            problems.append((number, _NOT_TEXT))


def _sort_in(number: int, text: str, lines: list[_Line], problems: list[tuple[int, str]]) -> None:
    """Add the line to the usable ones or to the problems; to neither where it is blank."""
    if not text:
        return
    if any(unicodedata.category(character) == "Cc" for character in text):
        problems.append((number, "it holds a control character"))
        return
    prefixed = _PREFIX.fullmatch(text)
    given_as = prefixed[1].lower() if prefixed else _by_its_look(text)
    if given_as is None:
        problems.append((number, _UNKNOWN))
        return
    lines.append(_Line(number, given_as, prefixed[2] if prefixed else text))


def _by_its_look(text: str) -> str | None:
    if _DIGEST.fullmatch(text):
        return DIGEST
    looks_like = [name for name, kind in identifier_types().items() if kind.recognizes(text)]
    return looks_like[0] if len(looks_like) == 1 else None


def _digests_given(lines: Iterable[_Line], problems: list[tuple[int, str]]) -> Iterator[GivenIdentifier]:
    for line in lines:
        if line.given_as == DIGEST:
            # As an e-mail address, because any type lets a digest through and turns that of nothing away.
            verdict = normalize(pl.Series([line.text]), Email()).row(0, named=True)
            if verdict["rejection"] not in (None, Rejection.INVALID, Rejection.MISSING):
                problems.append((line.number, _reason(verdict["rejection"], Email)))
                continue
            if not _DIGEST.fullmatch(verdict["normalized"] or ""):
                problems.append((line.number, "not a digest: 64 hex digits are"))
                continue
            yield GivenIdentifier(line=line.number, given_as=DIGEST, digests=(verdict["normalized"],))


def _hashed(lines: list[_Line], problems: list[tuple[int, str]], region: str | None) -> Iterator[GivenIdentifier]:
    for name, kind in identifier_types().items():
        own = [line for line in lines if line.given_as == name]
        values = pl.Series([line.text for line in own], dtype=pl.String)
        verdicts = normalize(values, kind.in_region(region))
        spellings = [digest(each) for each in kind.forms(verdicts["normalized"])]
        for line, rejection, *digests in zip(own, verdicts["rejection"], *spellings, strict=True):
            if rejection is not None:
                problems.append((line.number, _reason(rejection, kind)))
            else:
                distinct = tuple(dict.fromkeys(cast("list[str]", digests)))
                yield GivenIdentifier(line=line.number, given_as=line.given_as, digests=distinct)


def _reason(rejection: str, kind: type[IdentifierType]) -> str:
    return _REASONS.get(Rejection(rejection)) or f"not a valid {kind.name.replace('_', ' ')}"
