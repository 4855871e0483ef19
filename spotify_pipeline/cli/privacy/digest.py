"""`spotify-pipeline digest`: the digest of a value, to try a rule or to compare with another system."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, BinaryIO

import phonenumbers
import polars as pl
import typer

from spotify_pipeline.identity import IdentifierType, Rejection, identifier_types, normalize
from spotify_pipeline.identity import digest as digest_of

LINES_AT_ONCE = 10_000


def digest(
    type_: Annotated[
        str, typer.Option("--type", metavar=f"[{'|'.join(identifier_types())}]", help="What the values are.")
    ],
    region: Annotated[
        str | None,
        typer.Option(metavar="SE", help="For phone: the two-letter country of numbers written without one."),
    ] = None,
) -> None:
    """Normalize and hash values, one a line on standard input.

    Prints `digest<TAB>hex` or `rejected<TAB>reason` for each line. Values are neither stored nor shown.
    """
    if type_ not in identifier_types():
        known = ", ".join(map(repr, identifier_types()))
        raise typer.BadParameter(f"{type_!r} is not one of {known}.", param_hint="'--type'")
    kind = identifier_types()[type_]
    if region is not None and not kind.has_region():
        raise typer.BadParameter("a region goes with --type phone", param_hint="--region")
    require_region(region)
    for lines in _blocks(sys.stdin.buffer):
        sys.stdout.writelines(verdicts(lines, kind.in_region(region)))
        sys.stdout.flush()


def require_region(region: str | None) -> None:
    """Refuse what is given as ``--region`` and is no country.

    Raises:
        BadParameter: it is none.
    """
    if region is not None and region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise typer.BadParameter("not a two-letter country code, such as SE", param_hint="--region")


def verdicts(lines: list[bytes], kind: IdentifierType) -> Iterator[str]:
    """One output line for each input line. Bytes that are not UTF-8 are no identifier: ``invalid``."""
    texts = [_decoded(line) for line in lines]
    values = pl.Series("value", [text or "" for text in texts], dtype=pl.String)
    normalized = normalize(values, kind)
    digests = digest_of(normalized["normalized"])
    for text, found, reason in zip(texts, digests, normalized["rejection"], strict=True):
        if text is None:
            yield f"rejected\t{Rejection.INVALID}\n"
        else:
            yield f"rejected\t{reason}\n" if found is None else f"digest\t{found}\n"


def _decoded(line: bytes) -> str | None:
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        return None


def _blocks(stream: BinaryIO) -> Iterator[list[bytes]]:
    # A person who types expects an answer to every line; a file is read in blocks.
    size = 1 if stream.isatty() else LINES_AT_ONCE
    while block := list(islice(stream, size)):
        yield block
