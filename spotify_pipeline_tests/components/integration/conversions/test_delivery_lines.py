"""A delivery's lines in the run's log: enough to see that it moves, and every call that went wrong."""

from __future__ import annotations

from spotify_pipeline.components.run_log.progress import DeliveryProgressLog
from spotify_pipeline.spotify import CallRecord


def call(status: int | None) -> CallRecord:
    return CallRecord(
        service="capi",
        method="POST",
        route="/capi-direct/events/",
        status=status,
        seconds=0.1,
        attempt=1,
        trace_id=None,
    )


def test_a_million_events_do_not_fill_the_log() -> None:
    said, warned, now = list[str](), list[str](), [0.0]
    lines = DeliveryProgressLog(said.append, warned.append, clock=lambda: now[0])
    for _ in range(10_000):
        lines(call(200))
        now[0] += 0.01
    assert len(said) == 10
    assert said[0].startswith("1 requests accepted.")
    assert warned == []


def test_every_call_that_went_wrong_is_a_warning() -> None:
    said, warned = list[str](), list[str]()
    lines = DeliveryProgressLog(said.append, warned.append, clock=lambda: 0.0)
    for status in (503, None, 400):
        lines(call(status))
    assert (len(warned), said) == (3, [])
