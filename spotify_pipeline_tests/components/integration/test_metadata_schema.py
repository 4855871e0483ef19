"""Everything that runs leave in Dagster's event log as metadata: names from a list, and values that can name nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.insights.plan import PLAN_JOB
from spotify_pipeline.components.audiences.schedules import WATCH_JOB
from spotify_pipeline.components.metadata import in_words, people, row_count, without_small_counts
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline_tests.components.runs import ASSETS, PEOPLE, Deployment, change_people, metadata
from spotify_pipeline_tests.mirror.guards.names import GuardName

COUNT = r"-?[\d,]+|fewer than 20"
SHA256 = r"[0-9a-f]{64}"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
WORDS = r"[A-Za-z][A-Za-z ,.'-]*"
TABLE = r"\|[^@]*"
GUARD_WORDS = "|".join(GuardName)
ALLOWED = {
    "dagster/row_count": r"\d+",
    "people": TABLE,
    "identifiers rejected": f"{TABLE}|none",
    "newest row": r"[\d.]+",
    "funnel": TABLE,
    "suppressions": TABLE,
    "since the list before": f"{TABLE}|{WORDS}",
    "digests: (email|phone|device_id)": COUNT,
    "columns": r"[a-z_, ]+",
    "bytes( sent)?": r"\d+",
    "(file|receipt) SHA-256": SHA256,
    "membership fingerprint": SHA256,
    "identity rules version": r"\d+",
    "done": WORDS,
    "(seed )?audience id": UUID,
    "name": "People|People like them",
    "status": r"[A-Z]+",
    "size": r"not known yet|[\d,]+ to [\d,]+",
    "in Ads Manager": r"http://127\.0\.0\.1:\d+/",
    "people (read|kept)": COUNT,
    "rows (in the list|sent)": COUNT,
    "CRC32C": r"[A-Za-z0-9+/]{6}==",
    "storage confirmed size and checksum": "True|False",
    "snapshot before": r"none|once",
    "receipt": r"\d+",
    "receipts": r"[^@]*",
    "spotify_calls": r"[^@]*",
    "spotify_calls_in_all": r"[^@]*",
    "guards": r"\| guard \| outcome \| found \| limit \|[^@]*",
    "list before": "first|known|missing",
    "files (deleted|kept)": r"\d+",
    "receipts kept": r"\d+",
    "requests waiting": r"\d+",
    "overlap": f"{TABLE}|{WORDS}",
    "audiences( left behind)?": r"\d+",
    "default: (state|days left|ends)": r"[a-z0-9._ ]+",
    "plan": TABLE,
    "state when sent": r"[^@]*",
}
DAGSTERS_OWN = re.compile(r"dagster[-_/].*|__.*|path|internal.*")


def left_in_log(instance: dg.DagsterInstance) -> Iterator[tuple[str, object]]:
    """Every entry of metadata of every event of every run."""
    for run in instance.get_runs():
        for entry in instance.all_logs(run.run_id):
            event = entry.dagster_event
            data = event.event_specific_data if event is not None else None
            if event is None or event.event_type_value.startswith(("ENGINE_", "RESOURCE_")):
                continue  # Dagster's own: process numbers, paths and times
            for holder in (data, getattr(data, "materialization", None), getattr(data, "user_failure_data", None)):
                stated: Mapping[str, dg.MetadataValue] = getattr(holder, "metadata", None) or {}
                for name, value in stated.items():
                    yield name, value.value


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    return Deployment(load({"people": PEOPLE + "  lookalike: People like them\n"}))


@pytest.mark.e2e
def test_p17_metadata_holds_counts_digests_of_files_and_words_of_ours_only(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run(*ASSETS, "lookalike", quiet=True).success
    change_people(environment, "UPDATE crm.people SET agreed = false WHERE email = 'person1@example.com'")
    assert deployment.run(*ASSETS, "lookalike", quiet=True).success
    change_people(environment, "DELETE FROM crm.people WHERE agreed")
    assert not deployment.run(quiet=True).success
    for job in (WATCH_JOB, PLAN_JOB):
        deployment.definitions.resolve_job_def(job).execute_in_process(instance=deployment.instance)
    seen: set[str] = set()
    for name, value in left_in_log(deployment.instance):
        if name not in ("dagster/row_count",) and DAGSTERS_OWN.fullmatch(name):
            continue
        patterns = [pattern for key, pattern in ALLOWED.items() if re.fullmatch(key, name)]
        assert patterns, f"{name} is no metadata that is allowed"
        text = (
            value
            if isinstance(value, str)
            else json.dumps(value, default=str)
            if isinstance(value, list | dict)
            else str(value)
        )
        assert any(re.fullmatch(pattern, text, re.DOTALL) for pattern in patterns), (name, text)
        assert "@" not in text
        assert "X-Goog" not in text
        seen.add(name)
    assert {"guards", "funnel", "receipts", "plan", "overlap", "since the list before"} <= seen


@pytest.mark.parametrize(("count", "shown"), [(0, "0"), (1, "fewer than 20"), (19, "fewer than 20"), (20, "20")])
def test_p20_counts_below_twenty_are_said_in_words(count: int, shown: str) -> None:
    assert in_words(count) == shown
    assert in_words(-count) in (shown, f"-{shown}")
    assert str(people(count).value) == shown
    assert row_count(count) == ({} if shown == "fewer than 20" else {"dagster/row_count": dg.IntMetadataValue(count)})


def test_p20_a_receipt_is_shown_without_small_counts_of_people() -> None:
    receipt = {
        "number": 3,
        "rows_dropped": {"no_consent": 4, "no_identifier": 40},
        "file": {"rows": 19, "bytes": 7},
        "digests": {"email": 19},
        "part": {"number": 1, "of": 2, "rows_elsewhere": 12},
    }
    assert without_small_counts(receipt) == {
        "number": 3,
        "rows_dropped": {"no_consent": "fewer than 20", "no_identifier": 40},
        "file": {"rows": "fewer than 20", "bytes": 7},
        "digests": {"email": "fewer than 20"},
        "part": {"number": 1, "of": 2, "rows_elsewhere": "fewer than 20"},
    }


@pytest.mark.e2e
def test_the_change_since_the_list_before_adds_up_by_reason(
    load: Callable[..., dg.Definitions], environment: Path
) -> None:
    many = "INSERT INTO crm.people SELECT 'many' || i || '@example.com', true FROM range(470) r(i)"
    change_people(environment, many)
    deployment = Deployment(load({"people": PEOPLE}))
    assert deployment.run(quiet=True).success
    change_people(environment, "UPDATE crm.people SET agreed = false WHERE email LIKE 'many1_@example.com'")
    change_people(environment, "UPDATE crm.people SET agreed = false WHERE email LIKE 'many2_@example.com'")
    change_people(environment, "DELETE FROM crm.people WHERE email LIKE 'many3__@example.com'")
    change_people(environment, "INSERT INTO crm.people SELECT 'new' || i || '@example.com', true FROM range(25) r(i)")
    shown = str(metadata(deployment.run(quiet=True), "customer_list")["since the list before"])
    for line in (
        "| rows in the list before | 500 |",
        "| no consent any more | -20 |",
        "| left the segment, or changed | -100 |",
        "| added | 25 |",
        "| rows in the new list | 405 |",
    ):
        assert line in shown
