"""Which columns of a relation hold the identifiers of its people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from spotify_pipeline.identity import IdentifierType, identifier_type, identifier_types
from spotify_pipeline.rows.errors import RowsError


@dataclass(frozen=True, kw_only=True)
class IdentifierColumns:
    """The columns that hold one type of identifier.

    Attributes:
        kind: the type, with its options.
        columns: source columns, at least one; their order is the order of a person's values.
    """

    kind: IdentifierType
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.columns or len(set(self.columns)) != len(self.columns):
            raise RowsError("An identifier needs at least one source column, and each column once.")

    @property
    def beside(self) -> dict[str, str]:
        """The columns that options of the type name, by the option."""
        named = {option: getattr(self.kind, option) for option in self.kind.column_options}
        return {option: column for option, column in named.items() if column is not None}


@dataclass(frozen=True, kw_only=True)
class IdentifierPlan:
    """How the rows of a segment become identifiers.

    Attributes:
        identifiers: the source columns of each type of identifier, by the type's name; at least one.
        consent_column: only rows that say yes in this column are used; None if consent is not asked of the segment.
        rank_column: whole numbers, 1 for the person who is kept first where a list is cut; None if it never is.
    """

    identifiers: Mapping[str, IdentifierColumns]
    consent_column: str | None = None
    rank_column: str | None = None

    def __post_init__(self) -> None:
        if not self.identifiers:
            raise RowsError(f"An audience needs at least one type of identifier: {', '.join(identifier_types())}.")
        for name, source in self.identifiers.items():
            if source.kind.name != name:
                raise RowsError(f"The columns of {source.kind.name} are given as those of {name}.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The source columns of all types."""
        return tuple(column for source in self.identifiers.values() for column in source.columns)

    @property
    def columns_read(self) -> tuple[str, ...]:
        """The source columns of all types, and those that their options name; each once."""
        named = (each for source in self.identifiers.values() for each in (*source.columns, *source.beside.values()))
        return tuple(dict.fromkeys(named))

    @property
    def consent_columns(self) -> tuple[str, ...]:
        """The consent column, if there is one."""
        return (self.consent_column,) if self.consent_column is not None else ()

    @property
    def types(self) -> tuple[str, ...]:
        """The names of the configured types in canonical order."""
        return canonical_order(tuple(self.identifiers))


def canonical_order(names: Collection[str]) -> tuple[str, ...]:
    """The names of types, each once, in the order in which they stand everywhere.

    Raises:
        ValueError: there is no such type.
    """
    known = {identifier_type(name).name for name in names}
    return tuple(name for name in identifier_types() if name in known)
