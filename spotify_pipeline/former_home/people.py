"""The ledger of erasures: `ledger.json`, and a file of digests for each request."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from spotify_pipeline.former_home.errors import damaged
from spotify_pipeline.privacy import Attribution, ErasureLedger, ErasureRequest
from spotify_pipeline.state import StateStore

_FORMAT = 2


@dataclass(frozen=True, kw_only=True)
class _Request:
    id: str
    requested_at: datetime
    deadline: datetime
    identifiers: int
    waiting: tuple[str, ...]
    digests_sha256: str
    rules_version: int
    in_force_at: datetime | None = None
    confirmed: Attribution | None = None
    taken_back: Attribution | None = None


@dataclass(frozen=True, kw_only=True)
class _Index:
    requests: tuple[_Request, ...]
    format: int


_INDEX = TypeAdapter(_Index)


def take_requests(home: Path, state: StateStore, transaction: sa.Connection) -> int:
    """Every request to be forgotten, with its digests; how many."""
    folder = home / "erasures"
    file = folder / "ledger.json"
    try:
        index = _INDEX.validate_json(file.read_bytes())
    except FileNotFoundError:
        if any(folder.glob("[!.]*.digests.json")):
            raise damaged(file) from None
        return 0
    except (OSError, ValidationError):
        raise damaged(file) from None
    if index.format != _FORMAT:
        raise damaged(file)
    ledger = ErasureLedger(state)
    for each in index.requests:
        said: dict[str, Any] = {field.name: getattr(each, field.name) for field in fields(ErasureRequest)}
        ledger.take_over(ErasureRequest(**said), _digests(folder, each), transaction)
    return len(index.requests)


def _digests(folder: Path, request: _Request) -> list[str]:
    if request.taken_back is not None:
        return []
    file = folder / f"{request.id}.digests.json"
    try:
        content = file.read_bytes()
    except OSError:
        raise damaged(file) from None
    if hashlib.sha256(content).hexdigest() != request.digests_sha256:
        raise damaged(file)
    by_type: dict[str, list[str]] = json.loads(content)
    return sorted({digest for digests in by_type.values() for digest in digests})
