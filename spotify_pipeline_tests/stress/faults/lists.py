"""Customer lists of any length and their manifests, made without the rooms that normalize and hash."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import google_crc32c

from spotify_pipeline.customer_list import Layout, Manifest

HEADER = b"EMAIL_ID_SHA256\n"
FIRST_BUILD = datetime(2025, 11, 17, 5, tzinfo=UTC)


def made_list(folder: Path, *, number: int, rows: int, audience: str = "lapsed") -> tuple[Path, Manifest]:
    """List ``number`` of an audience: its people are others than those of every other number, and it is built later."""
    digests = sorted(hashlib.sha256(f"{number}-{row}@example.com".encode()).hexdigest() for row in range(rows))
    content = HEADER + "".join(f"{digest}\n" for digest in digests).encode()
    built_at = FIRST_BUILD + timedelta(weeks=number)
    file = folder / f"{audience}-{number}.csv"
    file.write_bytes(content)
    manifest = Manifest(
        audience=audience,
        snapshot=f"{built_at:%Y-%m-%d}",
        built_at=built_at,
        rules_version=1,
        layout=Layout.WIDE,
        columns=("email",),
        rows_read=rows,
        rows_dropped={},
        rows_kept=rows,
        rejected={},
        rows_added_by_fan_out=0,
        duplicates_removed=0,
        list_rows=rows,
        digests={"email": rows},
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        crc32c=base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode(),
        md5=base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode(),
        fingerprint=hashlib.sha256(f"people of {number}".encode()).hexdigest(),
    )
    return file, manifest
