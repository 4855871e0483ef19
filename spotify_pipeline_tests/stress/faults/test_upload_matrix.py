"""The upload matrix, without its largest files; `make faults` runs all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotify_pipeline_tests.stress.faults.upload_cases import CASES, Case
from spotify_pipeline_tests.stress.faults.upload_matrix import LARGE, SIZES, Bench, bench, row


@pytest.fixture(scope="module")
def bench_of_all() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_an_upload_ends_byte_identical_or_rightly_refused(case: Case, bench_of_all: Bench) -> None:
    sizes = tuple(name for name in SIZES if name != LARGE)
    cells = [cell for of_size in row(bench_of_all, case, sizes).values() for cell in of_size]
    assert not [(cell.layout, cell.wrong) for cell in cells if cell.wrong]
    assert any(cell.mark in "=R" for cell in cells)


def test_every_fault_of_the_list_has_a_case() -> None:
    elsewhere = {"F28", "F31"}  # a disk that fails, names and certificates: tests of the file and of the connection
    assert {case.code for case in CASES} | elsewhere == {f"F{number:02d}" for number in range(1, 35)}
