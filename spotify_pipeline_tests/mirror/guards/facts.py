"""Short ways for tests to make the facts about a list, which is one that no guard blocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from spotify_pipeline.customer_list import Layout, Manifest
from spotify_pipeline.identity import identifier_types
from spotify_pipeline.mirror.guards import (
    Approval,
    ApprovalSource,
    Decision,
    Finding,
    GuardFacts,
    GuardLimits,
    History,
    Outcome,
    PreviousList,
    decide,
    guard_limits,
)
from spotify_pipeline_tests.mirror.guards.names import GuardName

NOW = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
LIMITS = guard_limits()
AUDIENCE = "lapsed"
ACCOUNT = "00000000-0000-4000-8000-000000000001"
OURS, OTHER = "a1" * 32, "b2" * 32
TYPES = tuple(identifier_types())


def manifest(rows: int = 10_000, **changes: Any) -> Manifest:
    """Of a wide list in which everybody has an e-mail address, unless ``digests`` says otherwise."""
    digests = changes.pop("digests", {"email": rows})
    dropped = changes.pop("rows_dropped", {"no_identifier": 0})
    return Manifest(
        **{
            "audience": AUDIENCE,
            "snapshot": "2026-11-16",
            "built_at": NOW,
            "rules_version": 1,
            "layout": Layout.WIDE,
            "columns": tuple(each for each in TYPES if each in digests),
            "rows_read": rows + sum(dropped.values()),
            "rows_dropped": dropped,
            "rows_kept": rows,
            "rejected": {kind: {} for kind in digests},
            "rows_added_by_fan_out": 0,
            "duplicates_removed": 0,
            "list_rows": rows,
            "digests": digests,
            "bytes": 65 * rows + 16,
            "sha256": OURS,
            "crc32c": "AAAAAA==",
            "md5": "1B2M2Y8AsgTpgAmY7PhCfg==",
            "fingerprint": "f0" * 32,
            "values_kept": digests,
            "cells": digests,
        }
        | changes
    )


def facts(now: Manifest | int = 10_000, /, **changes: Any) -> GuardFacts:
    """About a first list."""
    list_now = manifest(now) if isinstance(now, int) else now
    return GuardFacts(**{"manifest": list_now, "now": NOW, "history": History.FIRST} | changes)


def compared(
    now: Manifest | int,
    before: Manifest | int,
    /,
    *,
    added: int | None = None,
    removed: int | None = None,
    **changes: Any,
) -> GuardFacts:
    """About a list after another. People are only added or only removed, unless told otherwise."""
    list_now = manifest(now) if isinstance(now, int) else now
    list_before = manifest(before, sha256=OTHER) if isinstance(before, int) else before
    more = list_now.list_rows - list_before.list_rows
    joined = max(more, 0) if added is None else added
    left = max(-more, 0) if removed is None else removed
    previous = PreviousList(
        manifest=list_before, staying=max(list_now.list_rows - joined, 0), added=joined, removed=left
    )
    return facts(list_now, history=History.KNOWN, previous=previous, **changes)


def approval(**changes: Any) -> Approval:
    """One that holds for the list of ``manifest``."""
    return Approval(
        **{
            "audience": AUDIENCE,
            "ad_account_id": ACCOUNT,
            "file_sha256": OURS,
            "reason": "The campaign was closed.",
            "approved_by": "Ann",
            "approved_at": NOW.isoformat(),
            "expires_at": (NOW + timedelta(hours=24)).isoformat(),
            "source": ApprovalSource.COMMAND,
        }
        | changes
    )


def decided(about: GuardFacts, limits: GuardLimits = LIMITS, *, given: Approval | None = None) -> Decision:
    """The decision about these facts."""
    return decide(about, limits, audience=AUDIENCE, ad_account_id=ACCOUNT, approval=given)


def finding(about: GuardFacts, guard: GuardName, limits: GuardLimits = LIMITS) -> Finding:
    """What one guard finds, without an approval."""
    return next(each for each in decided(about, limits).findings if each.guard == guard)


def blocks(about: GuardFacts, guard: GuardName, limits: GuardLimits = LIMITS) -> bool:
    """Whether one guard blocks."""
    return finding(about, guard, limits).outcome is Outcome.BLOCKED


def blocking(about: GuardFacts, limits: GuardLimits = LIMITS) -> set[str]:
    """The guards that block."""
    return {each.guard for each in decided(about, limits).blocked_by}
