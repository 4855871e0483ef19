"""What each guard tells a person, word for word: in ``sentences.json``."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from spotify_pipeline.mirror.guards import GuardFacts, History, Twin, guard_limits
from spotify_pipeline_tests.mirror.guards.facts import NOW, compared, facts, finding, manifest
from spotify_pipeline_tests.mirror.guards.names import GuardName
from spotify_pipeline_tests.mirror.guards.test_decide import STOPPED

FILE = Path(__file__).with_name("sentences.json")
AGED = guard_limits(max_source_age=timedelta(hours=36, minutes=20))
TWO = {"email": 10_000, "phone": 8_000}

CASES: dict[str, tuple[GuardName, GuardFacts]] = {
    **{f"{guard}: blocked": (guard, about) for guard, about in STOPPED.items() if guard is not GuardName.STALE_SOURCE},
    **{f"{guard}: good first list": (guard, facts()) for guard in GuardName},
    **{f"{guard}: good list": (guard, compared(10_500, 10_000)) for guard in GuardName},
    "minimum: few": (GuardName.MINIMUM, facts(19)),
    "minimum: twenty": (GuardName.MINIMUM, facts(20)),
    "empty: all dropped": (GuardName.EMPTY, facts(manifest(0, rows_dropped={"no_consent": 4_321}))),
    "shrink: just beyond": (GuardName.SHRINK, compared(699_999, 1_000_000)),
    "shrink: grew": (GuardName.SHRINK, compared(20_000, 10_000)),
    "growth: shrank": (GuardName.GROWTH, compared(9_000, 10_000)),
    "growth: after an empty list": (GuardName.GROWTH, compared(2_000, 0)),
    "churn: other rules": (
        GuardName.CHURN,
        compared(manifest(rules_version=2), manifest(), added=10_000, removed=10_000),
    ),
    "invalid: several types": (
        GuardName.INVALID,
        facts(
            manifest(digests=TWO, rejected={"email": {"invalid": 3_000}, "phone": {"no_region": 9_000, "missing": 4}})
        ),
    ),
    "invalid: no values": (GuardName.INVALID, facts(0)),
    "invalid: hardly any values": (GuardName.INVALID, facts(manifest(99, rejected={}))),
    "invalid: one of a hundred": (GuardName.INVALID, facts(manifest(99, rejected={"email": {"invalid": 1}}))),
    "invalid: a type of which none is kept": (
        GuardName.INVALID,
        facts(manifest(rejected={"phone": {"no_region": 150}}, values_kept={"email": 150})),
    ),
    "invalid: a type with nothing rejected": (
        GuardName.INVALID,
        facts(manifest(digests=TWO, rejected={"email": {"invalid": 1_000}})),
    ),
    "column gone: two": (
        GuardName.COLUMN_GONE,
        compared(
            manifest(digests={"email": 10_000, "phone": 3}),
            manifest(digests={"email": 10_000, "phone": 8_000, "device_id": 700}),
        ),
    ),
    "column constant: two": (
        GuardName.COLUMN_CONSTANT,
        facts(manifest(digests={"email": 1, "phone": 2, "device_id": 9_997}, cells={"email": 900, "phone": 10_000})),
    ),
    "column constant: most people suppressed": (
        GuardName.COLUMN_CONSTANT,
        facts(manifest(100, rows_dropped={"suppressed": 9_900}, values_kept={"email": 10_000}, cells={})),
    ),
    "partial read: counted": (GuardName.PARTIAL_READ, facts(manifest(source_rows=10_000))),
    "partial read: few": (GuardName.PARTIAL_READ, facts(manifest(7, source_rows=8))),
    "stale source: fresh": (GuardName.STALE_SOURCE, facts(manifest(source_updated_at=NOW - timedelta(hours=1)))),
    "stale source: old": (GuardName.STALE_SOURCE, facts(manifest(source_updated_at=NOW - timedelta(hours=36.5)))),
    "stale source: unknown": (GuardName.STALE_SOURCE, facts()),
    "stale source: just now": (GuardName.STALE_SOURCE, facts(manifest(source_updated_at=NOW))),
    "stale source: a little ahead": (GuardName.STALE_SOURCE, facts(manifest(source_updated_at=NOW + timedelta(0, 9)))),
    "stale source: over six minutes": (
        GuardName.STALE_SOURCE,
        facts(manifest(source_updated_at=NOW - timedelta(minutes=6, microseconds=1))),
    ),
    "stale source: ahead": (GuardName.STALE_SOURCE, facts(manifest(source_updated_at=NOW + timedelta(days=60)))),
    "swapped segments: twin": (
        GuardName.SWAPPED,
        compared(9_000, 9_000, twin=Twin(audience="students", likeness=0.501, own_likeness=0.0)),
    ),
    "ad account: two": (GuardName.AD_ACCOUNT, facts(other_accounts=("acme", "globex"))),
    "history: said why": (
        GuardName.HISTORY,
        facts(history=History.MISSING, history_problem="that list (2026-11-09) is no longer kept here"),
    ),
    "suppressions: several": (
        GuardName.SUPPRESSIONS,
        compared(
            manifest(suppressions={"unsubscribed": 100, "erasure": 12}),
            manifest(suppressions={"unsubscribed": 1_300, "erasure": 12, "staff": 40}),
        ),
    ),
    "erased people: many": (GuardName.ERASED, facts(erased_rows=1_234)),
    "oversize: parts": (GuardName.OVERSIZE, facts(manifest(bytes=3 << 30), split=True)),
}


def told(case: str) -> dict[str, str]:
    guard, about = CASES[case]
    limits = AGED if case.startswith("stale source: ") and "list" not in case else guard_limits()
    said = finding(about, guard, limits)
    return {"outcome": said.outcome, "figure": said.figure, "limit": said.limit, "sentence": said.sentence}


@pytest.mark.parametrize("case", CASES)
def test_p18_p20_the_words_of_a_guard(case: str):
    assert told(case) == json.loads(FILE.read_text())[case]


def test_p20_no_small_count_is_shown():
    for case in ("minimum: few", "partial read: few", "erased people: blocked"):
        assert "fewer than 20" in told(case)["figure"]
    assert "12" not in told("suppressions: several")["figure"]
