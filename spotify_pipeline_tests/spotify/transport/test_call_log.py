from __future__ import annotations

import pytest

from spotify_pipeline.spotify import CallLog, CallRecord, CallTotals


def record(number: int, status: int | None = 200, attempt: int = 1) -> CallRecord:
    return CallRecord(
        service="ads-api",
        method="GET",
        route=f"/{number}",
        status=status,
        seconds=0.5,
        attempt=attempt,
        trace_id=None,
        waited=0.25,
    )


def test_empty_log_has_no_records_and_totals_of_nothing():
    log = CallLog()
    assert (log.records, log.left_out, log.totals) == ([], 0, CallTotals())


@pytest.mark.parametrize(
    ("calls", "kept"),
    [(4, [0, 1, 2, 3]), (5, [0, 1, 2, 3, 4]), (6, [0, 1, 2, 4, 5]), (100, [0, 1, 2, 98, 99])],
)
def test_first_and_last_calls_are_kept_and_the_rest_is_counted(calls: int, kept: list[int]):
    log = CallLog(most=5)
    for number in range(calls):
        log(record(number))
    assert [each.route for each in log.records] == [f"/{number}" for number in kept]
    assert log.left_out == calls - len(kept)
    assert log.totals.calls == calls


def test_totals_are_of_all_calls():
    log = CallLog(most=1)
    for number, (status, attempt) in enumerate([(200, 1), (None, 1), (503, 2), (429, 3), (301, 1), (204, 4)]):
        log(record(number, status, attempt))
    assert log.totals == CallTotals(calls=6, repeated=3, refused=2, unanswered=1, seconds=3.0, waited=1.5)
    assert len(log.records) == 1
