"""How often a run opens the list that it sends, and the one before it, counted where the process opens files."""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.insights.plan import PlannedAction, plan_all
from spotify_pipeline.components.connection import audience_definitions
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.privacy import forget, read_identifiers
from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, change_people, metadata

WARY = PEOPLE.replace("{min_rows: 3}", "{min_rows: 3, max_shrink: 0.9, max_churn: 0.9}")
SOME_LEFT = "DELETE FROM crm.people WHERE email IN ('person1@example.com', 'person2@example.com')"
ONE_DECLINED = "UPDATE crm.people SET agreed = false WHERE email = 'person3@example.com'"
ONE_CAME = "INSERT INTO crm.people VALUES ('new@example.com', true)"


class Opened:
    """Counts what this process opens, by the file itself: a list may have another name later."""

    def __init__(self) -> None:
        self.times: Counter[str] | None = None
        sys.addaudithook(self._heard)  # for as long as the process lives; it hears nothing unless files are counted

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.times is not None and event == "open":
            self.times[str(arguments[0])] += 1

    @contextmanager
    def counted(self) -> Generator[Counter[str]]:
        self.times = Counter()
        try:
            yield self.times
        finally:
            self.times = None


OPENED = Opened()


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    return Deployment(load({"people": WARY}))


def somebody_was_forgotten(email: str) -> None:
    home = PipelineHome()
    people = read_identifiers(io.BytesIO(f"email:{email}\n".encode()))
    forget(people, home.snapshots, home.ledger, now=lambda: datetime.now(UTC), live={})


def reads(opened: Counter[str]) -> tuple[int, int]:
    """Of the new list, and of the one that Spotify had before."""
    lists = {Path(name): times for name, times in opened.items() if name.endswith("customer_list.csv")}
    new = sum(times for path, times in lists.items() if path.parent.name == "once")
    return new, sum(lists.values()) - new


@pytest.mark.e2e
def test_an_ordinary_run_reads_its_list_to_verify_and_to_upload_it_and_the_one_before_once(
    deployment: Deployment, environment: Path
) -> None:
    somebody_was_forgotten("stranger@example.com")
    assert deployment.run().success
    for change in (SOME_LEFT, ONE_DECLINED, ONE_CAME):
        change_people(environment, change)
    with OPENED.counted() as opened:
        result = deployment.run()
    assert metadata(result, "spotify_audience")["done"] == "replaced"
    assert reads(opened) == (2, 1)
    assert metadata(result, "customer_list")["since the list before"].splitlines()[2:] == [
        "| rows in the list before | 30 |",
        "| erased | 0 |",
        "| suppressed | 0 |",
        "| no consent any more | fewer than 20 |",
        "| left the segment, or changed | fewer than 20 |",
        "| rows more or fewer of people who stay | 0 |",
        "| added | fewer than 20 |",
        "| rows in the new list | 28 |",
    ]


@pytest.mark.e2e
def test_each_list_of_the_window_is_read_once_and_by_a_plan_once_more(
    deployment: Deployment, environment: Path
) -> None:
    """The largest and the oldest are compared exactly, each once for a new list; a plan's own list is another."""
    for change in (ONE_CAME, SOME_LEFT, ONE_DECLINED):
        assert deployment.run().success
        change_people(environment, change)
    with OPENED.counted() as opened:
        planned = plan_all(
            audience_definitions(deployment.definitions),
            [],
            home=PipelineHome(),
            warehouse=WarehouseResource(),
            ad_account_of=lambda _: DEFAULTS.ad_account_id,
        )
    assert planned[0].action is PlannedAction.REPLACE
    lists = {name: times for name, times in opened.items() if name.endswith("customer_list.csv")}
    assert sorted(lists.values()) == [1, 1, 1]  # what Spotify has, the largest and the oldest: not the plan's own
    with OPENED.counted() as opened:
        assert deployment.run().success
    lists = {name: times for name, times in opened.items() if name.endswith("customer_list.csv")}
    assert sorted(lists.values()) == [1, 1, 1, 2]


@pytest.mark.e2e
def test_who_declined_is_kept_no_longer_than_until_the_list_is_built(deployment: Deployment, environment: Path) -> None:
    assert deployment.run("identifiers").success
    assert [file.name for file in environment.rglob("*.declined")] == ["once.declined"]
    assert deployment.run("customer_list").success
    assert list(environment.rglob("*.declined")) == []
