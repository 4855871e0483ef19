"""The whole job, twice: a messy table becomes audiences, digest for digest, and the second run reuses them."""

from __future__ import annotations

import socket

import pytest

from spotify_pipeline.cli.project import load_definitions
from spotify_pipeline.demo.run import DemoOutcome, run_demo
from spotify_pipeline.demo.table import outcome_table
from spotify_pipeline.demo.workspace import DemoWorkspace
from spotify_pipeline_tests.demo import recount

pytestmark = pytest.mark.slow
PEOPLE = (20_000, 20_500)
"""Of the first demo and the second, whose lists therefore differ."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[DemoWorkspace]:
    """The same demo at two ports, one after the other."""
    project = tmp_path_factory.mktemp("project")
    ports: list[int] = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(int(probe.getsockname()[1]))
    return [DemoWorkspace(project, port) for port in ports]


@pytest.fixture(scope="module")
def outcomes(places: list[DemoWorkspace]) -> list[DemoOutcome]:
    """What two demos in a row came to."""
    came_to: list[DemoOutcome] = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        for place, people in zip(places, PEOPLE, strict=True):
            for name, value in place.environment().items():
                monkeypatch.setenv(name, value)
            came_to.append(run_demo(place, people=people, load_definitions=load_definitions, say=lambda _: None))
    return came_to


def test_every_audience_is_sent_or_held_back_for_its_size(outcomes: list[DemoOutcome]) -> None:
    for outcome, done in zip(outcomes, ("created", "replaced"), strict=True):
        assert outcome.failed == []
        states = {each.chain.folder: (each.done, each.audience and each.audience.status) for each in outcome.audiences}
        assert states.pop("vip_customers") == (None, None)
        assert set(states.values()) == {(done, "BOOKABLE")}
        assert len(states) == 4


def test_the_second_run_reuses_the_audiences_of_the_first(outcomes: list[DemoOutcome]) -> None:
    first, second = ([each.audience and each.audience.id for each in outcome.audiences] for outcome in outcomes)
    assert first == second
    assert len(set(first)) == 5  # four audiences, and None for the one held back


def test_the_lists_are_those_of_a_recount_in_plain_python(
    outcomes: list[DemoOutcome], places: list[DemoWorkspace], capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcomes
    place = places[-1]
    assert recount.main(["--warehouse", str(place.warehouse), "--sandbox", str(place.sandbox_state)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.endswith("equal") for line in lines) == 4
    counted = recount.recount(place.warehouse)
    for each in outcomes[-1].audiences:
        assert each.manifest is not None
        by_hand = counted[each.chain.folder]
        assert (each.manifest.rows_read, each.manifest.rows_kept) == (by_hand.people_read, by_hand.people_kept)
        assert (each.manifest.list_rows, dict(each.manifest.digests)) == (len(by_hand.rows), by_hand.digests())


def test_the_table_shows_each_audience_on_a_line(
    outcomes: list[DemoOutcome], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome_table(outcomes[-1]).print()
    printed = capsys.readouterr().out
    (line,) = [line for line in printed.splitlines() if line.startswith("segments.app_only_listeners")]
    assert "BOOKABLE (replaced)" in line
    assert "about 4" in line
    assert "vip_customers: The list of vip_customers for once is held back. [minimum] The list has" in printed
