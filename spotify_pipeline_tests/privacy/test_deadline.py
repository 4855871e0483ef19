"""An erasure that waits is said in time, and once for each step."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from spotify_pipeline.mirror.alerts import AlertKind, Alerts
from spotify_pipeline.privacy import ErasureRequest, erasure_alert
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.privacy.test_ledger import DAY, NOW, ask, ledger_in


@pytest.fixture
def requests(tmp_path: Path) -> list[ErasureRequest]:
    """Two that wait for `lapsed`; the earliest is due 30 days from NOW."""
    ledger = ledger_in(StateStore.in_home(tmp_path))
    ask(ledger, "a", waiting=("lapsed",))
    ask(ledger, "b", at=NOW + 5 * DAY, waiting=("lapsed",))
    return ledger.waiting("lapsed")


@pytest.mark.parametrize(
    ("days", "blocked", "codes"),
    [
        (0, True, ("blocked",)),
        (0, False, ()),
        (22.9, False, ()),
        (23, False, ("soon",)),
        (23, True, ("blocked", "soon")),
        (29.9, False, ("soon",)),
        (30, False, ("overdue",)),
        (31, True, ("blocked", "overdue")),
    ],
)
def test_p15_an_alert_comes_before_the_deadline(
    requests: list[ErasureRequest], days: float, *, blocked: bool, codes: tuple[str, ...]
) -> None:
    assert erasure_alert("lapsed", requests, blocked=blocked, now=NOW + days * DAY)[0] == codes


def test_p15_the_sentence_names_the_deadline_and_the_days_left(requests: list[ErasureRequest]) -> None:
    _, blocked = erasure_alert("lapsed", requests, blocked=True, now=NOW + 2 * DAY)
    assert blocked == (
        f"2 erasure requests wait for audience lapsed, and its last run was blocked; {requests[0].id} is due on "
        "2026-12-16, 28 days from now. Look at what blocked it, and fix it or approve that list."
    )
    _, overdue = erasure_alert("lapsed", requests[:1], blocked=False, now=NOW + 31 * DAY)
    assert overdue == (
        f"Overdue: 1 erasure request waits for audience lapsed; {requests[0].id} was due on 2026-12-16, 1 day ago. "
        "Materialize lapsed/spotify_audience, or look why its schedule does not."
    )
    _, last_day = erasure_alert("lapsed", requests, blocked=False, now=NOW + 30 * DAY - timedelta(hours=1))
    assert "less than a day from now" in last_day


def test_nothing_waits() -> None:
    assert erasure_alert("lapsed", [], blocked=True, now=NOW) == ((), "No erasure waits for audience lapsed.")


def test_p15_w14_a_month_of_blocked_runs_is_three_alerts_and_then_the_end(
    tmp_path: Path, requests: list[ErasureRequest]
) -> None:
    alerts = Alerts(StateStore.in_home(tmp_path))
    told = []
    for day in range(36):
        waiting = requests if day < 35 else []
        now = NOW + day * DAY
        alerts.state("lapsed", AlertKind.ERASURE_DUE, *erasure_alert("lapsed", waiting, blocked=True, now=now), now)
        for alert in alerts.due():
            told.append((day, alert.codes))
            alerts.told(alert)
    assert told == [(0, ("blocked",)), (23, ("blocked", "soon")), (30, ("blocked", "overdue")), (35, ())]
