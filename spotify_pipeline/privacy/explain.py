"""Says where somebody is: which kept lists hold them, whether Spotify has those, and whether they are to be forgotten.

Files are read a part at a time, and nothing is logged or kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from spotify_pipeline.customer_list import CustomerListError, Manifest, SnapshotStore, erased_rows
from spotify_pipeline.customer_list.model import withheld_errors
from spotify_pipeline.customer_list.read import read_list
from spotify_pipeline.customer_list.storage import ParquetFile, StoredFile
from spotify_pipeline.home import HomeError
from spotify_pipeline.identity import digest, identifier_types
from spotify_pipeline.privacy.identifiers import GivenIdentifier
from spotify_pipeline.privacy.ledger import ErasureLedger, ErasureRequest
from spotify_pipeline.privacy.live_lists import LiveLists, is_live, not_searchable
from spotify_pipeline.rows import DigestSet

_ROWS = 65_536


class Place(StrEnum):
    """What holds somebody."""

    LIVE = "list, live at Spotify"
    KEPT = "list, kept here"
    ERASED = "list, taken out; marked as erased"
    """Of a list that the next is compared with, the first 64 bits of the digest say that it was in it."""
    IDENTIFIERS = "identifiers, kept here"


@dataclass(frozen=True, kw_only=True, order=True)
class Sighting:
    """A file that holds an identifier.

    Attributes:
        audience: the audience's folder name.
        snapshot: the partition key.
        place: what kind of file, and whether Spotify has it.
        by: the column in which it is, by the name of its type.
    """

    audience: str
    snapshot: str
    place: Place
    by: str


@dataclass(frozen=True, kw_only=True)
class ExplainedLine:
    """All that is known of the identifier of one line."""

    identifier: GivenIdentifier
    sightings: tuple[Sighting, ...]
    erasures: tuple[ErasureRequest, ...]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The answer.

    Attributes:
        lines: one for each identifier, in the order of the input.
        unknown: audiences of which Spotify has a list that cannot be searched here.
        problems: what could not be looked into, in sentences.
    """

    lines: tuple[ExplainedLine, ...]
    unknown: tuple[str, ...]
    problems: tuple[str, ...]


def explain(
    people: Sequence[GivenIdentifier], store: SnapshotStore, ledger: ErasureLedger, live: LiveLists
) -> Explanation:
    """Look for identifiers in all that this machine keeps.

    Raises:
        LedgerError: the ledger cannot be trusted.
    """
    wanted = pl.Series([digest for each in people for digest in each.digests], dtype=pl.String).unique()
    found: dict[str, set[Sighting]] = {}
    problems: list[str] = []
    for audience in store.audiences():
        for finding in _in_audience(store, audience, wanted, live):
            if isinstance(finding, str):
                problems.append(finding)
            else:
                found.setdefault(finding[0], set()).add(finding[1])
    ledger.require_whole()
    asked = ledger.requests_with(wanted.to_list())
    lines = tuple(
        ExplainedLine(
            identifier=each,
            sightings=tuple(sorted({sighting for held in each.digests for sighting in found.get(held, ())})),
            erasures=_distinct([request for held in each.digests for request in asked.get(held, ())]),
        )
        for each in people
    )
    return Explanation(lines=lines, unknown=tuple(not_searchable(store, live)), problems=tuple(problems))


def _in_audience(
    store: SnapshotStore, audience: str, wanted: pl.Series, live: LiveLists
) -> Iterator[tuple[str, Sighting] | str]:
    """Each wanted digest with where it is, and a sentence for each file that could not be read."""
    for snapshot in store.snapshots(audience):
        try:
            path, manifest = store.stored(audience, snapshot)
            place = Place.LIVE if is_live(manifest, live) else Place.KEPT
            for held, kind in _in_list(path, manifest, wanted):
                yield held, Sighting(audience=audience, snapshot=snapshot, place=place, by=kind)
            for held, kind in _marked(path, manifest, wanted):
                yield held, Sighting(audience=audience, snapshot=snapshot, place=Place.ERASED, by=kind)
        except (CustomerListError, HomeError) as error:
            yield f"List of {audience}, snapshot {snapshot}: {error}"
    for snapshot in store.identifier_snapshots(audience):
        try:
            for held, kind in _in_identifiers(store.identifiers_path(audience, snapshot), wanted):
                yield held, Sighting(audience=audience, snapshot=snapshot, place=Place.IDENTIFIERS, by=kind)
        except (CustomerListError, HomeError) as error:
            yield f"Identifiers of {audience}, snapshot {snapshot}: {error}"


def _in_list(path: StoredFile, manifest: Manifest, wanted: pl.Series) -> list[tuple[str, str]]:
    """The wanted digests in a list, each with the type it is held as."""
    found: list[tuple[str, str]] = []
    for rows in read_list((path, manifest)):
        for kind in manifest.columns:
            found += [(held, kind) for held in rows[kind].filter(rows[kind].is_in(wanted.implode()))]
    return found


def _marked(path: StoredFile, manifest: Manifest, wanted: pl.Series) -> list[tuple[str, str]]:
    """The wanted digests that were taken out of a list, as far as that is known still, each with its type."""
    rows = erased_rows((path, manifest))
    if rows is None:
        return []
    holding = {kind: DigestSet.of_prefixes(rows[kind]).holds(wanted) for kind in rows.columns}
    return [(held, kind) for kind in rows.columns for held in wanted.filter(holding[kind])]


def _in_identifiers(path: StoredFile, wanted: pl.Series) -> list[tuple[str, str]]:
    """The wanted digests that normalized identifiers give, each with its type."""
    found: list[tuple[str, str]] = []
    with withheld_errors(f"Looking into the identifiers {path}"), ParquetFile(path) as file:
        for rows in file.batches(_ROWS):
            for kind in [each for each in identifier_types() if each in rows.columns]:
                values = rows[kind]
                digests = digest(values.explode() if isinstance(values.dtype, pl.List) else values)
                found += [(held, kind) for held in digests.filter(digests.is_in(wanted.implode()))]
    return found


def _distinct(requests: Sequence[ErasureRequest]) -> tuple[ErasureRequest, ...]:
    return tuple({each.id: each for each in requests}.values())
