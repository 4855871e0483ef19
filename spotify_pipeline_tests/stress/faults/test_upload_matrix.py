"""The upload matrix, without its largest files; `make faults` runs all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotify_pipeline_tests.stress.faults.upload_cases import CASES, Case
from spotify_pipeline_tests.stress.faults.upload_matrix import CHUNKS, LARGE, MIB, SIZES, Bench, bench, size_of

LARGEST_HERE = 3 * MIB


@pytest.fixture(scope="module")
def bench_of_all() -> Iterator[Bench]:
    with bench() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_an_upload_ends_byte_identical_or_rightly_refused(case: Case, bench_of_all: Bench) -> None:
    sizes = ((size_of(name, chunk), chunk) for name in SIZES if name != LARGE for chunk in CHUNKS)
    cells = [bench_of_all.cell(case, size, chunk) for size, chunk in sizes if size <= LARGEST_HERE]
    assert not [(cell.layout, cell.wrong) for cell in cells if cell.wrong]
    assert any(cell.mark in "=R" for cell in cells)


def test_every_fault_of_the_list_has_a_case() -> None:
    elsewhere = {"F28", "F31"}  # a disk that fails, names and certificates: tests of the file and of the connection
    assert {case.code for case in CASES} | elsewhere == {f"F{number:02d}" for number in range(1, 35)}
