"""Which columns of a relation hold the identifiers of its people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from spotify_pipeline.identity import DeviceIdCase, IdentifierType
from spotify_pipeline.rows.errors import RowsError


@dataclass(frozen=True, kw_only=True)
class IdentifierColumns:
    """The columns that hold one type of identifier.

    Attributes:
        columns: source columns, at least one; their order is the order of a person's values.
        region_column: for phones, the column with the ISO 3166 alpha-2 region of each row.
        default_region: for phones, the region of rows whose region column is null or blank, or of all rows.
        device_id_case: for device ids, the case in which they are hashed. Spotify states none.
    """

    columns: tuple[str, ...]
    region_column: str | None = None
    default_region: str | None = None
    device_id_case: DeviceIdCase = "lower"

    def __post_init__(self) -> None:
        if not self.columns or len(set(self.columns)) != len(self.columns):
            raise RowsError("An identifier needs at least one source column, and each column once.")


@dataclass(frozen=True, kw_only=True)
class IdentifierPlan:
    """How the rows of a segment become identifiers.

    Attributes:
        identifiers: the source columns of each type of identifier, at least one type.
        consent_column: only rows that say yes in this column are used; None if consent is not asked of the segment.
        rank_column: whole numbers, 1 for the person who is kept first where a list is cut; None if it never is.
    """

    identifiers: Mapping[IdentifierType, IdentifierColumns]
    consent_column: str | None = None
    rank_column: str | None = None

    def __post_init__(self) -> None:
        if not self.identifiers:
            raise RowsError("An audience needs at least one type of identifier: email, phone or device_id.")
        for identifier, source in self.identifiers.items():
            if identifier is not IdentifierType.PHONE and (source.region_column or source.default_region):
                raise RowsError(f"A region means something for phone only; it was given for {identifier}.")
            if identifier is not IdentifierType.DEVICE_ID and source.device_id_case != "lower":
                raise RowsError(f"A case is chosen for device_id only; it was given for {identifier}.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The source columns of all types."""
        return tuple(column for source in self.identifiers.values() for column in source.columns)

    @property
    def consent_columns(self) -> tuple[str, ...]:
        """The consent column, if there is one."""
        return (self.consent_column,) if self.consent_column is not None else ()

    @property
    def types(self) -> tuple[IdentifierType, ...]:
        """The configured types in canonical order."""
        return canonical_order(tuple(self.identifiers))


def canonical_order(identifiers: Collection[IdentifierType]) -> tuple[IdentifierType, ...]:
    """The given types, each once, in the order in which they stand everywhere."""
    return tuple(identifier for identifier in IdentifierType if identifier in identifiers)
