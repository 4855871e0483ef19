"""Nothing that would wipe a live audience reaches Spotify; what a company means and approves of does, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spotify_pipeline_tests.stress.wipes.bench import LiveLists, live_lists
from spotify_pipeline_tests.stress.wipes.changes import CHANGES, Change
from spotify_pipeline_tests.stress.wipes.judged import judged_change, judged_wipe
from spotify_pipeline_tests.stress.wipes.older_states import OLDER_STATES
from spotify_pipeline_tests.stress.wipes.scenarios import SCENARIOS, Scenario
from spotify_pipeline_tests.stress.wipes.year import simulated_year


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveLists]:
    with live_lists(tmp_path_factory.mktemp("wipes")) as opened:
        yield opened


def test_there_are_a_hundred_wipes_and_twenty_changes() -> None:
    assert len({(each.code, each.name) for each in SCENARIOS}) >= 100
    assert len({each.name for each in CHANGES}) >= 20


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: f"{each.code}-{each.name}")
def test_w01_w02_w03_w04_w05_w06_w07_w08_w09_w10_w11_w12_w13_w15_w16_w17_w18_w19_wipe_writes_nothing(
    live: LiveLists, scenario: Scenario
) -> None:
    ending = judged_wipe(live, scenario)
    assert ending.wrong == "", ending.sentence
    assert ending.writes == 0


@pytest.mark.parametrize("scenario", OLDER_STATES, ids=lambda each: each.name)
def test_w20_a_machine_that_knows_less_than_was_sent_writes_nothing(live: LiveLists, scenario: Scenario) -> None:
    ending = judged_wipe(live, scenario)
    assert ending.wrong == "", ending.sentence
    assert ending.writes == 0


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.name)
def test_w10_change_passes_once_with_an_approval(live: LiveLists, change: Change) -> None:
    ending = judged_change(live, change)
    assert ending.wrong == "", ending.sentence
    assert ending.writes > 0


@pytest.mark.slow
@pytest.mark.parametrize(("audience", "days"), [("carts", 65), ("vip", 35), ("newsletter", 35)])
def test_ordinary_days_are_not_blocked(tmp_path: Path, audience: str, days: int) -> None:
    year = simulated_year(tmp_path, audience, days=days)
    assert len(year.false_blocks) <= year.syncs / 100, year.false_blocks
    assert year.missed == []
    assert year.disasters >= 1
