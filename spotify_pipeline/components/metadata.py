"""What the Dagster UI shows of a list and of an audience: counts, ids and file digests; never a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import dagster as dg

from spotify_pipeline.customer_list import IdentifiersReport, Manifest
from spotify_pipeline.mirror import MirrorOutcome, Receipt
from spotify_pipeline.printable import markdown_cell, printable
from spotify_pipeline.spotify import Audience

Metadata = dict[str, dg.MetadataValue]

SMALL = 20
"""Counts of people below it are not shown: they would say something of single people."""

WORDS = {
    "no_consent": "no consent",
    "no_identifier": "no usable identifier",
    "erased": "asked to be forgotten",
    "suppressed": "kept out by a suppression list, or erased",
    "over_limit": "beyond the largest file",
    "missing": "missing",
    "invalid": "not valid",
    "no_region": "phone without a country",
    "zeroed": "zeroed device id (ad tracking limited)",
    "other_hash": "another hash than SHA-256",
    "digest_of_nothing": "digest of the empty string",
}


def in_words(count: int) -> str:
    """A count of people; "fewer than 20" where it is small. The sign of what is taken away is kept on others."""
    return f"fewer than {SMALL}" if 0 < abs(count) < SMALL else f"{count:,}"


def people(count: int) -> dg.MetadataValue:
    """A count of people as metadata: a number, or words where it is small."""
    return dg.TextMetadataValue(in_words(count)) if 0 < abs(count) < SMALL else dg.IntMetadataValue(count)


def row_count(rows: int) -> Metadata:
    """The count that Dagster draws as a curve over time; left out where it is small."""
    return {} if 0 < rows < SMALL else {"dagster/row_count": dg.IntMetadataValue(rows)}


def identifiers_metadata(report: IdentifiersReport) -> Metadata:
    """The people read and kept, and every rejected identifier, by reason."""
    steps = [("people read", report.rows_read), *_dropped(report.rows_dropped), ("people kept", report.rows_kept)]
    rejected = [
        (f"{kind}: {WORDS.get(reason, reason)}", count)
        for kind, reasons in report.rejected.items()
        for reason, count in reasons.items()
        if count
    ]
    rejected += [
        (f"{kind}: of these, an array or JSON as text", count) for kind, count in report.arrays_as_text.items()
    ]
    return {
        **row_count(report.rows_kept),
        "people": dg.MarkdownMetadataValue(counts_table("people", steps)),
        "identifiers rejected": dg.MarkdownMetadataValue(counts_table("values", rejected) if rejected else "none"),
        **_source(report.source_updated_at),
    }


def customer_list_metadata(manifest: Manifest) -> Metadata:
    """The funnel from the segment to the file, and the file's identity."""
    steps = [
        ("people read", manifest.rows_read),
        *_dropped(manifest.rows_dropped),
        ("people kept", manifest.rows_kept),
        ("rows added for people with several identifiers", manifest.rows_added_by_fan_out),
        ("equal rows removed", -manifest.duplicates_removed),
        ("rows withdrawn since", -manifest.rows_withdrawn),
        ("rows in the list", manifest.list_rows),
    ]
    return {
        **row_count(manifest.list_rows),
        "funnel": dg.MarkdownMetadataValue(counts_table("rows", steps)),
        "suppressions": dg.MarkdownMetadataValue(markdown_table(SUPPRESSION_COLUMNS, suppression_cells(manifest))),
        **_digest_counts(manifest),
        "columns": dg.TextMetadataValue(", ".join(manifest.columns)),
        "bytes": dg.IntMetadataValue(manifest.bytes),
        "file SHA-256": dg.TextMetadataValue(manifest.sha256),
        "membership fingerprint": dg.TextMetadataValue(manifest.fingerprint),
        "identity rules version": dg.IntMetadataValue(manifest.rules_version),
    }


SUPPRESSION_COLUMNS = ("kept out by", "identifiers", "unusable", "people kept out")


def suppression_cells(manifest: Manifest) -> list[tuple[str, ...]]:
    """A row for each source of suppressions, under ``SUPPRESSION_COLUMNS``; small counts in words."""
    rows: list[tuple[str, ...]] = []
    for name, digests in manifest.suppressions.items():
        values = manifest.suppression_values.get(name, {}).values()
        usable = sum(each["usable"] for each in values) if values else digests
        matched = manifest.suppressed.get(name)
        out = "not known" if matched is None else in_words(matched)
        rows.append((name, in_words(usable), in_words(sum(each["unusable"] for each in values)), out))
    return rows


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells as a Markdown table, in which they have no meaning; numbers, in all but the first column, to the right."""
    lines = [columns, [":--", *["--:" for _ in columns[1:]]], *([markdown_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def audience_metadata(outcomes: Sequence[MirrorOutcome], manifest: Manifest, ads_manager: str) -> Metadata:
    """What was done at Spotify and what Spotify says of the audience now; of several parts, of each.

    Args:
        outcomes: one, or one for each part of a list that was split.
        manifest: of the whole list.
        ads_manager: where a person looks at audiences.
    """
    first = outcomes[0]
    sent = manifest.list_rows if any(each.proof is not None for each in outcomes) else 0
    return {
        "done": dg.TextMetadataValue(str(first.action)),
        **audience_state(first.audience),
        **_parts(outcomes),
        "in Ads Manager": dg.UrlMetadataValue(ads_manager),
        "people read": people(manifest.rows_read),
        "people kept": people(manifest.rows_kept),
        "rows in the list": people(manifest.list_rows),
        "rows sent": people(sent),
        **_digest_counts(manifest),
        **_upload(outcomes, manifest),
        "file SHA-256": dg.TextMetadataValue(manifest.sha256),
        "membership fingerprint": dg.TextMetadataValue(manifest.fingerprint),
        "identity rules version": dg.IntMetadataValue(manifest.rules_version),
        "snapshot before": dg.TextMetadataValue(first.previous_snapshot or "none"),
    }


def _parts(outcomes: Sequence[MirrorOutcome]) -> Metadata:
    if len(outcomes) == 1:
        return {}
    lines = [
        f"| {number} | {markdown_cell(each.audience.name)} | {each.audience.id} | {each.action} | "
        f"{markdown_cell(each.audience.status)} |"
        for number, each in enumerate(outcomes, start=1)
    ]
    table = "\n".join(["| part | name | audience id | done | status |", "|--:|:--|:--|:--|:--|", *lines])
    return {"parts": dg.MarkdownMetadataValue(table)}


def _upload(outcomes: Sequence[MirrorOutcome], manifest: Manifest) -> Metadata:
    """How the list got there; an upload's proof only where this run uploaded it."""
    shown: Metadata = {
        "bytes": dg.IntMetadataValue(manifest.bytes),
        "bytes sent": dg.IntMetadataValue(sum(each.bytes_sent for each in outcomes)),
        "CRC32C": dg.TextMetadataValue(manifest.crc32c),
    }
    proofs = [each.proof for each in outcomes if each.proof is not None]
    if proofs:
        shown["storage confirmed size and checksum"] = dg.BoolMetadataValue(all(each.verified for each in proofs))
    recovered = " ".join(each.recovered for each in outcomes if each.recovered is not None)
    if recovered:
        shown["recovered"] = dg.TextMetadataValue(recovered)
    return shown


def receipts_metadata(receipts: Sequence[Receipt]) -> Metadata:
    """The receipts that a run wrote: number and digest of the last, and all of them with small counts in words."""
    if not receipts:
        return {}
    last = receipts[-1]
    return {
        "receipt": dg.IntMetadataValue(last.number),
        "receipt SHA-256": dg.TextMetadataValue(last.digest),
        "receipts": dg.JsonMetadataValue([without_small_counts(each.to_json()) for each in receipts]),
    }


_COUNTS_OF_PEOPLE = frozenset(
    {"rows", "rows_read", "rows_kept", "rows_dropped", "rows_withdrawn", "rows_elsewhere", "digests", "suppressions"}
)


def without_small_counts(value: Any, *, counts: bool = False) -> Any:  # noqa: ANN401 - JSON is what it is
    """JSON to be shown: each count of people below 20 is "fewer than 20"; its own digest then no longer fits it."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {
            key: without_small_counts(each, counts=counts or key in _COUNTS_OF_PEOPLE) for key, each in members.items()
        }
    if isinstance(value, list | tuple):
        return [without_small_counts(each, counts=counts) for each in cast("Sequence[Any]", value)]
    if isinstance(value, str):
        return printable(value)
    if counts and isinstance(value, int) and not isinstance(value, bool) and 0 < abs(value) < SMALL:
        return in_words(value)
    return value


def audience_state(audience: Audience) -> Metadata:
    """An audience as Spotify shows it."""
    return {
        "audience id": dg.TextMetadataValue(audience.id),
        "name": dg.TextMetadataValue(printable(audience.name)),
        "status": dg.TextMetadataValue(audience.status or "unknown"),
        "size": dg.TextMetadataValue(size_range(audience)),
    }


def size_range(audience: Audience) -> str:
    """Spotify's estimate of how many listeners matched; it only ever gives a range."""
    if not audience.size_max:
        return "not known yet"
    return f"{audience.size_min or 0:,} to {audience.size_max:,}"


def _digest_counts(manifest: Manifest) -> Metadata:
    return {f"digests: {kind}": people(count) for kind, count in manifest.digests.items()}


def _dropped(dropped: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(f"dropped: {WORDS.get(reason, reason)}", -count) for reason, count in dropped.items()]


def _source(updated_at: datetime | None) -> Metadata:
    return {} if updated_at is None else {"newest row": dg.TimestampMetadataValue(updated_at.timestamp())}


def counts_table(unit: str, lines: Sequence[tuple[str, int]]) -> str:
    """A Markdown table of counts of people, small ones in words."""
    body = "\n".join(f"| {markdown_cell(label)} | {in_words(count)} |" for label, count in lines)
    return f"| | {unit} |\n|:--|--:|\n{body}"
