"""Counts the rows and values of a segment that were kept, dropped and rejected when they were normalized."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError

from spotify_pipeline.customer_list.model.errors import CustomerListError
from spotify_pipeline.rows import Tally

NO_CONSENT = "no_consent"
NO_IDENTIFIER = "no_identifier"
ERASED = "erased"
"""Asked to be forgotten: their identifiers are not even kept until the list is built."""


@dataclass(frozen=True, kw_only=True)
class IdentifiersReport:
    """The counts of one normalization.

    ``rows_read = rows_kept + the sum of rows_dropped`` always holds. Per type of identifier, over the rows that gave
    consent, ``rows x source columns = values_kept + values_repeated + the sum of rejected``.

    Attributes:
        rules_version: the version of the identity rules that normalized the values.
        rows_read: rows of the segment.
        rows_dropped: rows that are not in the result, by reason: ``no_consent``, ``no_identifier``, and
            ``erased`` where there are any.
        rows_kept: rows of the result, each one person with at least one identifier.
        rejected: source values that gave no identifier, by type and reason; of rows that gave consent.
        values_kept: values in the result, and those of erased people, by type.
        values_repeated: values that a person's row held more than once, by type.
        config_fingerprint: the caller's mark of the segment and settings this was made from; compared, never read.
        source_rows: rows of the segment by the warehouse's own count; None where it was not asked.
        source_updated_at: when the newest row of the segment was changed; None where no column says.
        arrays_as_text: of the values rejected as invalid, those that look like an array or JSON as text, by type.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    rules_version: int
    rows_read: int
    rows_dropped: Mapping[str, int]
    rows_kept: int
    rejected: Mapping[str, Mapping[str, int]]
    values_kept: Mapping[str, int]
    values_repeated: Mapping[str, int]
    config_fingerprint: str = ""
    source_rows: int | None = None
    source_updated_at: AwareDatetime | None = None
    arrays_as_text: Mapping[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        if self.rows_read != self.rows_kept + sum(self.rows_dropped.values()):
            raise CustomerListError(
                f"{self.rows_read} rows were read, but {self.rows_kept} kept and "
                f"{sum(self.rows_dropped.values())} dropped. Counts that do not add up are not used."
            )

    def to_json(self) -> str:
        """One line of JSON."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(text: str | bytes) -> IdentifiersReport:
        """Read what ``to_json`` wrote.

        Raises:
            CustomerListError: it is not that, or its counts do not add up.
        """
        try:
            return _ADAPTER.validate_json(text)
        except ValidationError:
            raise CustomerListError(
                "The report of the identifiers cannot be read. Materialize the identifiers again."
            ) from None


_ADAPTER = TypeAdapter(IdentifiersReport)


def array_remark(arrays: Mapping[str, int], values: Mapping[str, int]) -> str:
    """A sentence, after a space, if most values of a type look like an array or JSON as text; else nothing.

    Args:
        arrays: how many do, by type.
        values: how many were looked at, by type.
    """
    kinds = [kind for kind, count in arrays.items() if count * 2 > values.get(kind, 0)]
    if not kinds:
        return ""
    return (
        f" Most values of {' and of '.join(kinds)} look like an array or JSON as text, such as [...] or {{...}}: "
        "give the column as a LIST of text, or one value a row."
    )


@dataclass(kw_only=True)
class SegmentTally(Tally):
    """The counts of a segment while it is normalized: of its values, and of its rows."""

    asks_consent: bool
    rows_read: int = 0
    rows_kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter[str])

    def add_rows(self, other: SegmentTally) -> None:
        """Count what another has counted, of other rows of the segment."""
        self.add(other)
        self.rows_read += other.rows_read
        self.rows_kept += other.rows_kept
        self.dropped.update(other.dropped)

    def report(
        self, rules_version: int, config_fingerprint: str, source_rows: int | None, source_updated_at: datetime | None
    ) -> IdentifiersReport:
        """The counts so far. Reasons of dropping are all named, those of rejection where they occurred."""
        reasons = (NO_CONSENT, NO_IDENTIFIER) if self.asks_consent else (NO_IDENTIFIER,)
        return IdentifiersReport(
            rules_version=rules_version,
            config_fingerprint=config_fingerprint,
            source_rows=source_rows,
            source_updated_at=source_updated_at,
            rows_read=self.rows_read,
            rows_dropped={
                **{reason: self.dropped[reason] for reason in reasons},
                **({ERASED: self.dropped[ERASED]} if self.dropped[ERASED] else {}),
            },
            rows_kept=self.rows_kept,
            rejected={identifier: dict(sorted(counts.items())) for identifier, counts in self.rejected.items()},
            values_kept={identifier: self.kept[identifier] for identifier in self.types},
            values_repeated={identifier: self.repeated[identifier] for identifier in self.types},
            arrays_as_text=dict(+self.arrays),
        )
