"""Names of tables and views, quoted part by part so that SQL can only read them as names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

LONGEST_NAME = 128


def quoted(name: str) -> str:
    """``name`` as a SQL identifier: in double quotes, with inner ones doubled.

    Raises:
        ValueError: ``name`` is empty, longer than 128 characters or contains a control character.
    """
    if not name or len(name) > LONGEST_NAME or any(ord(character) < 32 or ord(character) == 127 for character in name):
        raise ValueError(f"a name must have 1 to {LONGEST_NAME} characters and no control character")
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Relation:
    """A table or view: one to three names, outermost first (catalog, schema, table)."""

    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.parts) <= 3:
            raise ValueError("a table is named table, schema.table or catalog.schema.table")
        for part in self.parts:
            quoted(part)

    @classmethod
    def parse(cls, text: str) -> Self:
        """``schema.table`` as a relation. Names that contain a dot cannot be written this way."""
        return cls(tuple(text.split(".")))

    @property
    def sql(self) -> str:
        """The relation as SQL."""
        return ".".join(quoted(part) for part in self.parts)

    def may_be(self, other: Relation) -> bool:
        """Whether both may name the same table: in any case, even if one omits the catalog or the schema ``main``."""
        mine, others = ([part.casefold() for part in each.parts] for each in (self, other))
        mine, others = (["main", *each] if len(each) == 1 else each for each in (mine, others))
        shared = min(len(mine), len(others))
        return mine[-shared:] == others[-shared:]

    def __str__(self) -> str:
        return ".".join(self.parts)
