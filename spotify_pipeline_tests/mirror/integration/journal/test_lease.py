"""One run at a time: who waits, for how long, and what a run that was overtaken may still write."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack

import pytest

from spotify_pipeline.mirror import Journal, JournalEntry, MirrorRefused
from spotify_pipeline.mirror.writes import WriteAheadLog
from spotify_pipeline.state import Fence, StateStore
from spotify_pipeline_tests.mirror.deployment import NOW, no_pause
from spotify_pipeline_tests.state_edits import overtake

ACCOUNT = "a0000000-0000-4000-8000-000000000001"


@pytest.fixture
def journal(state: StateStore) -> Journal:
    return Journal(state)


def page(journal: Journal, fence: Fence) -> WriteAheadLog:
    return WriteAheadLog(journal, fence, audience="lapsed", ad_account_id=ACCOUNT, clock=lambda: NOW)


def test_a_second_run_waits_for_the_first_and_says_once_for_whom(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "spotify_pipeline.mirror")
    with ExitStack() as first:
        first.enter_context(journal.lease("lapsed", ACCOUNT, wait=0, sleep=no_pause))
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                first.close()

        with journal.lease("lapsed", ACCOUNT, wait=60, sleep=sleep) as fence:
            page(journal, fence).write(JournalEntry(ad_account_id=ACCOUNT))
    assert len(slept) == 3
    (line,) = caplog.messages
    assert line.startswith(f"Another run is mirroring lapsed (process {os.getpid()} on ")


def test_it_gives_up_after_the_time_it_was_given(journal: Journal) -> None:
    slept: list[float] = []
    with (
        journal.lease("lapsed", ACCOUNT, wait=0, sleep=no_pause),
        pytest.raises(MirrorRefused, match=r"Another run is mirroring lapsed right now\. Nothing was sent by this one"),
        journal.lease("lapsed", ACCOUNT, wait=900, sleep=slept.append),
    ):
        pass
    assert sum(slept) == 900


def test_another_audience_or_ad_account_is_nobodys_to_wait_for(journal: Journal) -> None:
    with (
        journal.lease("lapsed", ACCOUNT, wait=0, sleep=no_pause),
        journal.lease("lapsed", "another-account", wait=0, sleep=no_pause),
        journal.lease("lapsed.2", ACCOUNT, wait=0, sleep=no_pause),
    ):
        pass


def test_c10_a_run_that_was_overtaken_writes_no_line(journal: Journal) -> None:
    with journal.lease("lapsed", ACCOUNT, wait=0, sleep=no_pause) as fence:
        wal = page(journal, fence)
        wal.write(JournalEntry(ad_account_id=ACCOUNT, snapshot="first"))
        overtake(journal.state)
        with pytest.raises(MirrorRefused, match=r"Another run has taken lapsed over since this one began\."):
            wal.write(JournalEntry(ad_account_id=ACCOUNT, snapshot="second"))
        wal.not_carried_out(JournalEntry(ad_account_id=ACCOUNT))
    assert wal.entry.snapshot == journal.read("lapsed", ACCOUNT).snapshot == "first"
