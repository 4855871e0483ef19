"""The comparison itself: that it can tell a false success, and that ours has none."""

from __future__ import annotations

import pytest

from spotify_pipeline_tests.stress.faults.google_comparison import compared, shared_cases, verdict
from spotify_pipeline_tests.stress.faults.upload_cases import CASES
from spotify_pipeline_tests.stress.faults.upload_matrix import bench

TRUNCATED = "200 before the last chunk, object ends there"


def test_a_truncated_object_is_noticed_by_us_and_not_by_the_reference() -> None:
    case = next(each for each in CASES if each.title == TRUNCATED)
    with bench() as opened:
        row = compared(opened, case)
    assert (row.ours, row.theirs) == ("R", "!")


def test_both_recover_what_both_claim_to_recover() -> None:
    case = next(each for each in CASES if each.title == "half is acknowledged")
    with bench() as opened:
        row = compared(opened, case)
    assert (row.ours, row.theirs) == ("=", "=")


@pytest.mark.parametrize(
    ("finished", "identical", "refused", "mark"),
    [
        (True, True, False, "="),
        (True, True, True, "+"),
        (True, False, False, "!"),
        (True, False, True, "!"),
        (False, False, False, "E"),
        (False, False, True, "R"),
    ],
)
def test_verdicts(finished: bool, identical: bool, refused: bool, mark: str) -> None:
    case = next(each for each in CASES if each.refused is refused)
    assert verdict(case, finished, identical) == mark


def test_the_shared_faults_are_many() -> None:
    assert len(shared_cases()) > 40
