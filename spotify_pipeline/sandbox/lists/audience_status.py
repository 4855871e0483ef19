"""What an audience's status and size are at this moment of the sandbox's clock.

No timer changes a status: it is computed from the times at which things happened, so moving the clock is all it takes
to see an audience become targetable. Only the reading of a list runs in the background, from its arrival; who needs
its result earlier waits for it (:func:`settle`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool

from spotify_pipeline.sandbox.lists.judge import judge
from spotify_pipeline.sandbox.store import NOBODY, Audience, ReceivedList, SandboxState, SizeRange, size_range

KEPT_LISTS = 2
"""How many of an audience's lists stay on disk, the newest first."""

CUSTOMER_LIST = "CUSTOMER_LIST"
STATUSES = ("ARCHIVED", "PROCESSING", "EMPTY", "LEARNING", "BOOKABLE", "LIVE")

_judging = threading.Lock()


@dataclass(frozen=True)
class AudienceStatus:
    """Status and size now, the list that serves, and whether a newer one is being processed."""

    status: str
    size: SizeRange
    updated_at: datetime
    serving: ReceivedList | None = None
    processing: ReceivedList | None = None


def judge_list(state: SandboxState, list_id: str) -> None:
    """Judge a received list unless that is done or the list is gone; then drop lists nobody needs. Blocking."""
    with _judging:
        received = state.received_lists.get(list_id)
        if received is None or received.judgement is not None:
            return
        try:
            verdict = judge(state.list_file(list_id), received.list_format, state.listeners, state.config.minimum_rows)
        except FileNotFoundError:
            return  # its audience was deleted, or the sandbox reset
        if state.received_lists.get(list_id) is None:
            return
        # Before the verdict can be seen: who has waited for it finds no list that nobody needs.
        for old in state.received_lists.of(received.audience_id)[:-KEPT_LISTS]:
            if old.judgement is not None:
                state.list_file(old.id).unlink(missing_ok=True)
        state.received_lists.put(replace(received, judgement=verdict))


async def settle(state: SandboxState, audiences: list[Audience], *, wait_for_all: bool = False) -> None:
    """Judge those lists of ``audiences`` whose processing time is over, so that :func:`status_of` can tell.

    A list is judged in the background as soon as it has arrived, so there is rarely anything to wait for.
    ``wait_for_all`` also waits for lists that are still being processed by the clock.
    """
    now = state.clock.now()
    waiting = [
        received.id
        for audience in audiences
        for received in state.received_lists.of(audience.id)
        if received.judgement is None and (wait_for_all or _due(state, audience, received) <= now)
    ]
    for list_id in waiting:
        await run_in_threadpool(judge_list, state, list_id)


def _due(state: SandboxState, audience: Audience, received: ReceivedList) -> datetime:
    started = max(received.completed_at, audience.created_at)
    return started + timedelta(seconds=state.config.processing_seconds)


def status_of(state: SandboxState, audience: Audience) -> AudienceStatus:
    """The standing of ``audience`` now. :func:`settle` it first."""
    now = state.clock.now()
    if audience.subtype == CUSTOMER_LIST:
        computed = _list_status(state, audience, now)
    else:
        computed = _learned_status(state, audience, now)
    forced = audience.forced_status
    if forced is None:
        return computed
    if forced == "LIVE" and computed.serving is not None and computed.processing is not None:
        # An audience in use keeps being used: a replacement shows as PROCESSING, then it is LIVE again.
        return computed
    return replace(computed, status=forced)


def _list_status(state: SandboxState, audience: Audience, now: datetime) -> AudienceStatus:
    lists = state.received_lists.of(audience.id)
    updated_at = audience.updated_at
    serving: ReceivedList | None = None
    processing: ReceivedList | None = None
    for received in lists:
        due = _due(state, audience, received)
        if now < due:
            processing = received
            continue
        updated_at = max(updated_at, due)
        if received.judgement is not None and received.judgement.refusal is None:
            serving = received
    matched = serving.judgement.matched_rows if serving and serving.judgement else 0
    if processing is not None:
        status = "PROCESSING"
    elif not lists:
        timeout = audience.created_at + timedelta(seconds=state.config.upload_timeout_seconds)
        status = "PROCESSING" if now < timeout else "EMPTY"
    else:
        status = "BOOKABLE" if matched else "EMPTY"
    return AudienceStatus(status, size_range(matched), updated_at, serving, processing)


def _learned_status(state: SandboxState, audience: Audience, now: datetime) -> AudienceStatus:
    learning = audience.created_at + timedelta(seconds=state.config.processing_seconds)
    learned = learning + timedelta(seconds=state.config.learning_seconds)
    updated_at = max(
        [audience.updated_at, *(moment for moment in (learning, learned) if moment <= now)],
    )
    if now < learning:
        return AudienceStatus("PROCESSING", NOBODY, updated_at)
    if now < learned:
        return AudienceStatus("LEARNING", NOBODY, updated_at)
    members = 20_000 + state.listeners.steady_number(audience.id, 80_000)
    return AudienceStatus("BOOKABLE", size_range(members), updated_at)
