"""Carries the scenarios and the changes out, and says how each ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spotify_pipeline.errors import ExpectedError
from spotify_pipeline.mirror.guards import GuardBlocked
from spotify_pipeline_tests.stress.wipes.bench import Bench, Listed, LiveLists
from spotify_pipeline_tests.stress.wipes.changes import CHANGES, Change
from spotify_pipeline_tests.stress.wipes.older_states import OLDER_STATES
from spotify_pipeline_tests.stress.wipes.scenarios import SCENARIOS, Scenario


@dataclass(frozen=True)
class Ending:
    """How one of them ended: ``wrong`` is what should not be, or empty."""

    code: str
    name: str
    by: str
    sentence: str
    writes: int
    wrong: str = ""


def wipes(live: LiveLists) -> Iterator[Ending]:
    return (judged_wipe(live, each) for each in (*SCENARIOS, *OLDER_STATES))


def changes(live: LiveLists) -> Iterator[Ending]:
    return (judged_change(live, each) for each in CHANGES)


def judged_wipe(live: LiveLists, scenario: Scenario) -> Ending:
    """The scenario's ending; it is wrong unless it was refused in words, by the right guard, with no write."""
    bench = live.nothing_yet() if scenario.first else live.next_day()
    scenario.after(bench)
    before = bench.writes()
    try:
        scenario.happen(bench)
    except ExpectedError as refusal:
        by, sentence = _guards(refusal), str(refusal)
    else:
        by, sentence = "", "it was sent"
    written = bench.writes() - before
    wrong = ""
    if written or sentence == "it was sent":
        wrong = f"{written} writes"
    elif scenario.says and scenario.says not in by.split(", ") and scenario.says not in sentence:
        wrong = f"not by {scenario.says!r}"
    return Ending(scenario.code, scenario.name, by, sentence, written, wrong)


def judged_change(live: LiveLists, change: Change) -> Ending:
    """The change's ending; it is wrong unless it was blocked, then sent with an approval, which then is used up."""
    bench = live.next_day()
    listed = change.prepare(bench)
    before = bench.writes()
    first = _blocked(bench, listed)
    if first is None or bench.writes() != before:
        return Ending("", change.name, "", "sent without an approval", bench.writes() - before, "not blocked")
    by = _guards(first)
    if change.guard not in by.split(", "):
        return Ending("", change.name, by, str(first), 0, f"not by {change.guard!r}")
    bench.approve(listed)
    outcome = bench.send(listed)
    sent = bench.writes() - before
    standing = bench.approvals.standing("lapsed", bench.account, listed[1].sha256, bench.now, going_on=False)
    received = _received(bench, outcome.audience.id)
    if received != listed[0].read_bytes():
        return Ending("", change.name, by, "", sent, "Spotify has another list")
    return Ending("", change.name, by, str(outcome.action), sent, "the approval still stands" if standing else "")


def _blocked(bench: Bench, listed: Listed) -> GuardBlocked | None:
    try:
        bench.send(listed)
    except GuardBlocked as blocked:
        return blocked
    return None


def _guards(refusal: Exception) -> str:
    decision = getattr(refusal, "decision", None)
    return ", ".join(each.guard for each in decision.blocked_by) if decision is not None else type(refusal).__name__


def _received(bench: Bench, audience_id: str) -> bytes:
    state = bench.sandbox.state
    newest = max(state.received_lists.of(audience_id), key=lambda each: each.completed_at)
    return state.list_file(newest.id).read_bytes()
