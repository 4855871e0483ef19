"""What the Dagster UI shows of a list and of an audience: counts, ids and file digests; never a value."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from spotify_pipeline.customer_list import IdentifiersReport, Manifest
from spotify_pipeline.mirror import MirrorOutcome
from spotify_pipeline.spotify import Audience

Metadata = dict[str, dg.MetadataValue]

WORDS = {
    "no_consent": "no consent",
    "no_identifier": "no usable identifier",
    "missing": "missing",
    "invalid": "not valid",
    "no_region": "phone without a country",
    "zeroed": "zeroed device id (ad tracking limited)",
    "other_hash": "another hash than SHA-256",
    "digest_of_nothing": "digest of the empty string",
}


def identifiers_metadata(report: IdentifiersReport) -> Metadata:
    """The people read and kept, and every identifier that was turned away, by reason."""
    people = [("people read", report.rows_read), *_dropped(report.rows_dropped), ("people kept", report.rows_kept)]
    rejected = [
        (f"{kind}: {WORDS.get(reason, reason)}", count)
        for kind, reasons in report.rejected.items()
        for reason, count in reasons.items()
        if count
    ]
    return {
        "dagster/row_count": dg.IntMetadataValue(report.rows_kept),
        "people": dg.MarkdownMetadataValue(_table("people", people)),
        "identifiers turned away": dg.MarkdownMetadataValue(_table("values", rejected) if rejected else "none"),
    }


def customer_list_metadata(manifest: Manifest) -> Metadata:
    """The funnel from the segment to the file, and the file's identity."""
    steps = [
        ("people read", manifest.rows_read),
        *_dropped(manifest.rows_dropped),
        ("people kept", manifest.rows_kept),
        ("rows added for people with several identifiers", manifest.rows_added_by_fan_out),
        ("equal rows removed", -manifest.duplicates_removed),
        ("rows in the list", manifest.list_rows),
    ]
    return {
        "dagster/row_count": dg.IntMetadataValue(manifest.list_rows),
        "funnel": dg.MarkdownMetadataValue(_table("rows", steps)),
        **_digest_counts(manifest),
        "columns": dg.TextMetadataValue(", ".join(manifest.columns)),
        "bytes": dg.IntMetadataValue(manifest.bytes),
        "file SHA-256": dg.TextMetadataValue(manifest.sha256),
        "membership fingerprint": dg.TextMetadataValue(manifest.fingerprint),
        "identity rules version": dg.IntMetadataValue(manifest.rules_version),
    }


def audience_metadata(outcome: MirrorOutcome, manifest: Manifest, ads_manager: str) -> Metadata:
    """What was done at Spotify and what Spotify says of the audience now."""
    return {
        "done": dg.TextMetadataValue(str(outcome.action)),
        **audience_state(outcome.audience),
        "in Ads Manager": dg.UrlMetadataValue(ads_manager),
        "people read": dg.IntMetadataValue(manifest.rows_read),
        "people kept": dg.IntMetadataValue(manifest.rows_kept),
        "rows in the list": dg.IntMetadataValue(manifest.list_rows),
        "rows sent": dg.IntMetadataValue(manifest.list_rows if outcome.proof is not None else 0),
        **_digest_counts(manifest),
        **_upload(outcome, manifest),
        "file SHA-256": dg.TextMetadataValue(manifest.sha256),
        "membership fingerprint": dg.TextMetadataValue(manifest.fingerprint),
        "identity rules version": dg.IntMetadataValue(manifest.rules_version),
        "snapshot before": dg.TextMetadataValue(outcome.previous_snapshot or "none"),
    }


def _upload(outcome: MirrorOutcome, manifest: Manifest) -> Metadata:
    """How the list got there; an upload's proof only where this run uploaded it."""
    shown: Metadata = {
        "bytes": dg.IntMetadataValue(manifest.bytes),
        "bytes sent": dg.IntMetadataValue(outcome.bytes_sent),
        "CRC32C": dg.TextMetadataValue(manifest.crc32c),
    }
    if outcome.proof is not None:
        shown["storage confirmed size and checksum"] = dg.BoolMetadataValue(outcome.proof.verified)
    if outcome.recovered is not None:
        shown["recovered"] = dg.TextMetadataValue(outcome.recovered)
    return shown


def audience_state(audience: Audience) -> Metadata:
    """An audience as Spotify shows it."""
    return {
        "audience id": dg.TextMetadataValue(audience.id),
        "name": dg.TextMetadataValue(audience.name or ""),
        "status": dg.TextMetadataValue(audience.status or "unknown"),
        "size": dg.TextMetadataValue(size_range(audience)),
    }


def size_range(audience: Audience) -> str:
    """Spotify's estimate of how many listeners matched; it only ever gives a range."""
    if not audience.size_max:
        return "not known yet"
    return f"{audience.size_min or 0:,} to {audience.size_max:,}"


def _digest_counts(manifest: Manifest) -> Metadata:
    return {f"digests: {kind}": dg.IntMetadataValue(count) for kind, count in manifest.digests.items()}


def _dropped(dropped: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(f"dropped: {WORDS.get(reason, reason)}", -count) for reason, count in dropped.items()]


def _table(unit: str, lines: list[tuple[str, int]]) -> str:
    body = "\n".join(f"| {label} | {count:,} |" for label, count in lines)
    return f"| | {unit} |\n|:--|--:|\n{body}"
