"""Events of a person that wait in the outboxes: what `forget` settles at once, and what `explain` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from spotify_pipeline.cli.project import project_state
from spotify_pipeline.conversions import (
    OutboxBusy,
    OutboxError,
    kept_outboxes,
    open_outbox,
    view_outbox,
)
from spotify_pipeline.home import HomeError
from spotify_pipeline.privacy import GivenIdentifier
from spotify_pipeline.retries import OUTBOX_ERASE
from spotify_pipeline.rows import DigestSet


@dataclass(kw_only=True)
class ErasedEvents:
    """The outcome of events that waited.

    Attributes:
        erased: how many events of each feed were filtered, where there were any.
        busy: feeds whose outbox a run holds.
        problems: what could not be done, in sentences.
    """

    erased: dict[str, int] = field(default_factory=dict[str, int])
    busy: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])


def erase_waiting(digests: DigestSet, *, wait: float = OUTBOX_ERASE.within) -> ErasedEvents:
    """Filter the events of these people in every outbox, and delete their bodies. They count as erased from then on.

    Args:
        digests: of the people.
        wait: seconds to wait for a run of a feed to end. That run asks the ledger before each batch that it sends.
    """
    done = ErasedEvents()
    try:
        state = project_state()
        feeds = kept_outboxes(state)
    except HomeError as error:
        done.problems.append(f"Events that wait to be sent: {error}")
        return done
    for feed in feeds:
        try:
            with open_outbox(feed, state, wait=wait) as outbox:
                events = outbox.erase(digests, at=datetime.now(UTC))
        except OutboxBusy:
            done.busy.append(feed)
        except (OutboxError, HomeError) as error:
            done.problems.append(f"Events of {feed} that wait to be sent: {error}")
        else:
            if events:
                done.erased[feed] = events
    return done


def waiting_rows(people: Sequence[GivenIdentifier]) -> tuple[dict[int, list[tuple[str, ...]]], list[str]]:
    """Where events of each line's person wait, and what could not be looked into, in sentences.

    Returns:
        For each line that has any: rows of feed, day, and the type of identifier by which it is known.
    """
    found: dict[int, list[tuple[str, ...]]] = {}
    problems: list[str] = []
    try:
        state = project_state()
        feeds = kept_outboxes(state)
    except HomeError as error:
        return found, [f"Events that wait to be sent: {error}"]
    for feed in feeds:
        try:
            with view_outbox(feed, state) as outbox:
                frames = [_held(frame, people) for frame in outbox.waiting_people()]
        except (OutboxError, HomeError) as error:
            problems.append(f"Events of {feed} that wait to be sent: {error}")
            continue
        for frame in frames:
            for line, day, kind in frame.unique().sort("line", "day", "kind").iter_rows():
                row = (feed, f"{day}", kind)
                if row not in found.setdefault(line, []):
                    found[line].append(row)
    return found, problems


def _held(frame: pl.DataFrame, people: Sequence[GivenIdentifier]) -> pl.DataFrame:
    given = [(each.line, digest) for each in people for digest in each.digests]
    lines = pl.DataFrame(given, schema={"line": pl.Int64, "hashed": pl.String}, orient="row")
    return frame.join(lines, on="hashed").select("line", "day", "kind")
