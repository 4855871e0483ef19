"""Composes what receipts say of a list, of the decision to send it, and of its proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC
from typing import Any

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.guards import Decision
from spotify_pipeline.mirror.receipts import ListEvidence, RunEvidence, plain
from spotify_pipeline.spotify import UploadProof

_FOUND_OUT = "An earlier run uploaded the list and had the storage's proof; this one found the audience at Spotify."


def list_evidence(manifest: Manifest, decision: Decision, evidence: RunEvidence) -> ListEvidence:
    """What the receipt of a list will say of it, fixed before the first write, so that a crash cannot lose it.

    Raises:
        TypeError, ValueError: ``evidence`` cannot be written as JSON.
    """
    content = plain(
        {
            "snapshot": manifest.snapshot,
            "built_at": manifest.built_at.astimezone(UTC).isoformat(),
            "file": {
                "sha256": manifest.sha256,
                "bytes": manifest.bytes,
                "crc32c": manifest.crc32c,
                "md5": manifest.md5,
                "rows": manifest.list_rows,
            },
            "layout": str(manifest.layout),
            "digests": dict(manifest.digests),
            "rows_read": manifest.rows_read,
            "rows_kept": manifest.rows_kept,
            "rows_dropped": dict(manifest.rows_dropped),
            "rows_withdrawn": manifest.rows_withdrawn,
            "former_sha256": manifest.former_sha256,
            "issued_from": asdict(manifest.issued_from) if manifest.issued_from is not None else None,
            "rules_version": manifest.rules_version,
            "suppressions": dict(manifest.suppressions),
            "part": asdict(manifest.part) if manifest.part is not None else None,
            "truncated_by": manifest.truncated_by,
            "decision": decision.to_json(),
            "approval": _approval(decision),
            "evidence": dict(evidence),
        }
    )
    return ListEvidence(file_sha256=manifest.sha256, content=content)


def list_content(fixed: Mapping[str, Any], proof: UploadProof | None) -> dict[str, Any]:
    """What the receipt of a list says: what was fixed when its sending was begun, and how it is proven."""
    content = dict(fixed)
    if proof is None:
        return {**content, "proof": None, "no_proof": _FOUND_OUT}
    return {
        **content,
        "proof": {
            "verified": proof.verified,
            "bytes": proof.bytes,
            "bytes_sent": proof.bytes_sent,
            "crc32c": proof.crc32c,
            "md5": proof.md5,
        },
    }


def _approval(decision: Decision) -> dict[str, str] | None:
    """Who let the list be sent, why and when, where it took a person."""
    given = decision.approval
    if given is None or not decision.overridden:
        return None
    how = {"how": str(given.source), "for": given.words}
    return {"by": given.approved_by, "why": given.reason, "at": given.approved_at, **how}
