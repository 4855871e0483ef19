"""Whose identifiers keep a person out of a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spotify_pipeline.rows.digest_set import DigestSet

ERASURE = "erasure"
"""The name of the source that holds who asked to be forgotten."""


@dataclass(frozen=True)
class Suppressions:
    """The sources of suppressions that apply to one audience, each read to its end.

    A person is kept out of a list when any of their digests is in any of them.
    """

    sources: Mapping[str, DigestSet] = field(default_factory=dict[str, DigestSet])
    """Digests by the name of their source: a suppression segment, or ``erasure``."""
    values: Mapping[str, Mapping[str, Mapping[str, int]]] = field(
        default_factory=dict[str, Mapping[str, Mapping[str, int]]]
    )
    """Of each source that is a segment, by type of identifier: how many values were ``usable``, how many not."""

    @property
    def digests(self) -> DigestSet:
        """Those of all sources."""
        everybody = DigestSet.of()
        for each in self.sources.values():
            everybody |= each
        return everybody

    @property
    def counts(self) -> dict[str, int]:
        """Distinct digests of each source."""
        return {name: len(digests) for name, digests in self.sources.items()}
