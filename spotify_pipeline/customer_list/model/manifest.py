"""The manifest of a customer list: counts, checksums and origin, and a check that the counts add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError

from spotify_pipeline.customer_list.model.errors import CustomerListError
from spotify_pipeline.customer_list.model.layout import Layout
from spotify_pipeline.identity import TypeName

MANIFEST_FORMAT = 3


class FileFields(TypedDict):
    """The fields of a manifest that describe its file; see ``Manifest``."""

    columns: tuple[TypeName, ...]
    list_rows: int
    digests: Mapping[str, int]
    cells: Mapping[str, int]
    bytes: int
    sha256: str
    crc32c: str
    md5: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class PartOf:
    """Which part of a list that was split a file is.

    Attributes:
        number: from 1.
        of: how many parts there are.
        whole_sha256: of the file that was split.
        rows_elsewhere: rows of that file that are in the other parts.
    """

    number: int
    of: int
    whole_sha256: str
    rows_elsewhere: int


@dataclass(frozen=True, kw_only=True)
class IssuedFrom:
    """Which kept list a thinned one was made from, by its partition and the SHA-256 of its file."""

    snapshot: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The counts, checksums and origin of one list. No value of anybody.

    Making one checks that::

        rows_read = rows_kept + the sum of rows_dropped
        list_rows = rows_kept + rows_added_by_fan_out - duplicates_removed - rows_withdrawn - part.rows_elsewhere
        the sum of digests = list_rows                        (long layout)
        each of digests <= list_rows <= the sum of ... > 0    (wide layout: no row without a digest)

    Both layouts keep the second line. In the long one every digest of a person is a row, so fan-out counts each digest
    after a person's first.

    Attributes:
        audience: the audience's folder name.
        snapshot: the partition key.
        built_at: when, with a time zone.
        rules_version: version of the identity rules.
        layout: the shape of the file.
        columns: identifier types that the file holds, in canonical order; of an empty list, those configured.
        rows_read: rows of the segment.
        rows_dropped: rows that gave nothing to the list, by reason.
        rows_kept: rows that did.
        rejected: source values that gave no identifier, by type and reason.
        rows_added_by_fan_out: rows that came of people with several values, before equal rows were removed.
        duplicates_removed: equal rows removed.
        list_rows: rows of the file, without its header.
        digests: distinct digests in the file, by identifier type.
        bytes: size of the file.
        sha256: of the file, hex.
        crc32c: of the file, base64 as Google prints it.
        md5: of the file, base64 as Google prints it.
        fingerprint: of the membership, hex; ``ListFile`` says of what.
        config_fingerprint: of the segment and settings that the identifiers were made from; see ``IdentifiersReport``.
        source_rows: rows of the segment by the warehouse's own count; None where it was not asked.
        source_updated_at: when the newest row of the segment was changed, by the column that the YAML names.
        values_kept: normalized identifiers of the people read who consented, by type.
        arrays_as_text: of the values rejected as invalid, those that look like an array or JSON as text, by type.
        cells: cells of the file that hold a digest, by type.
        suppressions: distinct digests in each source of suppressions that was applied.
        suppression_values: of each such source that is a segment, by type: how many values were ``usable`` and how many
            ``unusable``; values that are nobody's are in neither.
        suppressed: rows of the segment that each source kept out; who is in several sources counts in each.
        truncated_by: the order by which people beyond the limit were cut (``rows_dropped["over_limit"]``), in words.
        rows_withdrawn: rows removed since the list was built, for suppressions and erasures that came later.
        former_sha256: of the file before each such removal in place, oldest first.
        sent_versions: manifests of the lists that were sent of this file before erased people were taken out of it,
            oldest first; see ``SentVersion``.
        issued_from: the list that this one is a copy of, without those who may not be in it any more.
        part: which part of a list it is, where it was split.
        format: version of this record.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    audience: str
    snapshot: str
    built_at: AwareDatetime
    rules_version: int
    layout: Layout
    columns: tuple[TypeName, ...]
    rows_read: int
    rows_dropped: Mapping[str, int]
    rows_kept: int
    rejected: Mapping[str, Mapping[str, int]]
    rows_added_by_fan_out: int
    duplicates_removed: int
    list_rows: int
    digests: Mapping[str, int]
    bytes: int
    sha256: str
    crc32c: str
    md5: str
    fingerprint: str
    config_fingerprint: str = ""
    source_rows: int | None = None
    source_updated_at: AwareDatetime | None = None
    values_kept: Mapping[str, int] = field(default_factory=dict[str, int])
    arrays_as_text: Mapping[str, int] = field(default_factory=dict[str, int])
    cells: Mapping[str, int] = field(default_factory=dict[str, int])
    suppressions: Mapping[str, int] = field(default_factory=dict[str, int])
    suppression_values: Mapping[str, Mapping[str, Mapping[str, int]]] = field(
        default_factory=dict[str, Mapping[str, Mapping[str, int]]]
    )
    suppressed: Mapping[str, int] = field(default_factory=dict[str, int])
    truncated_by: str | None = None
    rows_withdrawn: int = 0
    former_sha256: tuple[str, ...] = ()
    sent_versions: tuple[Manifest, ...] = ()
    issued_from: IssuedFrom | None = None
    part: PartOf | None = None
    format: int = MANIFEST_FORMAT

    def __post_init__(self) -> None:
        if self.format != MANIFEST_FORMAT:
            raise CustomerListError(
                f"The manifest has format {self.format}; this program reads {MANIFEST_FORMAT}. "
                "Materialize the customer list again."
            )
        if self.built_at.tzinfo is None:
            raise CustomerListError("A manifest's time needs a time zone.")
        for equation, holds in self._equations():
            if not holds:
                raise CustomerListError(
                    f"The counts of the customer list do not add up: {equation}. The list is not used."
                )

    def _equations(self) -> list[tuple[str, bool]]:
        dropped = sum(self.rows_dropped.values())
        fanned_out = self.rows_kept + self.rows_added_by_fan_out
        elsewhere = self.part.rows_elsewhere if self.part is not None else 0
        per_type = list(self.digests.values())
        if self.layout is Layout.LONG:
            digests = f"{sum(per_type)} digests in {self.list_rows} rows", sum(per_type) == self.list_rows
        else:
            digests = (
                f"{max(per_type, default=0)} digests of a type in {self.list_rows} rows",
                max(per_type, default=0) <= self.list_rows and (sum(per_type) > 0) == (self.list_rows > 0),
            )
        counts = (self.rows_added_by_fan_out, self.duplicates_removed, self.rows_withdrawn, elsewhere, *per_type)
        sums = (
            f"{fanned_out} rows after fan-out, {self.duplicates_removed} duplicates, {self.rows_withdrawn} withdrawn, "
            f"{elsewhere} in other parts, {self.list_rows} in the list"
        )
        return [
            (
                f"{self.rows_read} rows read, {self.rows_kept} kept, {dropped} dropped",
                self.rows_read == self.rows_kept + dropped,
            ),
            (sums, fanned_out - self.duplicates_removed - self.rows_withdrawn - elsewhere == self.list_rows),
            ("a count below zero", min(counts) >= 0),
            ("digests of other columns than the list has", set(self.digests) == set(self.columns)),
            digests,
        ]

    @property
    def partition(self) -> str:
        """The partition that it is a list of; ``snapshot`` is the name it is kept by."""
        return self.issued_from.snapshot if self.issued_from is not None else self.snapshot

    def to_json(self) -> str:
        """JSON, indented, keys in the order above."""
        return _ADAPTER.dump_json(self, indent=2).decode() + "\n"

    @staticmethod
    def from_json(text: str | bytes) -> Manifest:
        """Read what ``to_json`` wrote.

        Raises:
            CustomerListError: it is not that, or its counts do not add up.
        """
        try:
            return _ADAPTER.validate_json(text)
        except ValidationError:
            raise CustomerListError("The manifest cannot be read. Materialize the customer list again.") from None


_ADAPTER = TypeAdapter(Manifest)
