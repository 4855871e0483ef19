"""Whatever happens to whichever requests: two clean runs later there is one audience with the right list."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from spotify_pipeline.customer_list import Layout, build_customer_list, write_identifiers
from spotify_pipeline.identity import Email
from spotify_pipeline.mirror import MirrorRefused
from spotify_pipeline.rows import IdentifierColumns, IdentifierPlan
from spotify_pipeline.spotify import SpotifyError
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import Listed, Machine

SIZES = (10, 4_100, 10_000)
"""People in a list: one chunk, two, three."""

EQUALS_1 = 3
"""The number of the list that has the people of list 1, where it is as long."""

PLACES = (
    ("get_audience", 0),
    ("get_audience", 1),
    ("list_audiences", 0),
    ("list_audiences", 1),
    ("new_upload_url", 0),
    ("replacement_upload_url", 0),
    ("start_upload", 0),
    ("put_upload", 0),
    ("put_upload", 1),
    ("put_upload", 2),
    ("create_audience", 0),
    ("create_audience", 1),
)
"""Which request of which operation of a run, counted from 0."""


class Which(StrEnum):
    """Whose list a run mirrors."""

    NEW = "a list built just now"
    AGAIN = "the newest list again"
    OLDER = "the list before the newest, late"


class Event(StrEnum):
    """What happens between two runs."""

    NOTHING = "nothing"
    SESSIONS_END = "the storage forgets its sessions"
    DAYS_PASS = "a week passes"
    JOURNAL_LOST = "the journal is lost"
    AUDIENCE_DELETED = "somebody deletes the audience"


FAULTS = st.dictionaries(st.sampled_from(PLACES), st.sampled_from(list(Fault)), min_size=1, max_size=4)
LISTS = st.sampled_from([Which.NEW] * 3 + list(Which))
EVENTS = st.sampled_from([Event.NOTHING] * 6 + list(Event))


class Crashes(RuleBasedStateMachine):
    """Runs with faults, and what happens between them."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.spotify = FakeSpotify()
        self.machine = Machine(Path(self.place.name), self.spotify)
        self.lists: list[Listed] = [built(SIZES[0], 0)]
        self.landed = 0
        self.knows_newest = True
        """Whether the journal knows which list was the newest; lost with it until a list is accepted anew."""
        """The number of the newest list that was seen at Spotify; at least, where two lists are equal."""

    def teardown(self) -> None:
        """The promise: at most two runs without a fault, and all is right."""
        self.spotify.faults = no_fault
        for _ in range(2):
            self.machine.mirror(self.lists[-1], approved=True)
        assert list(self.spotify.content().values()) == [self.lists[-1][0].read_bytes()]
        assert self.machine.entry.unfinished is None
        assert self.machine.session is None
        assert self.breaks() == []
        self.machine.client.close()
        self.place.cleanup()

    @rule(which=LISTS, size=st.sampled_from(SIZES), faults=FAULTS, event=EVENTS)
    def a_run(self, which: Which, size: int, faults: dict[tuple[str, int], Fault], event: Event) -> None:
        self.happens(event)
        if which is Which.NEW:
            self.lists.append(built(size, len(self.lists)))
        listed = self.lists[-2] if which is Which.OLDER and len(self.lists) > 1 else self.lists[-1]
        too_old = self.newer_is_known(listed)
        before = self.spotify.content()
        self.befall(faults)
        try:
            self.machine.mirror(listed, approved=True)  # where the journal is lost, a list takes a person's word
        except (Crash, SpotifyError):
            assert not too_old
        except MirrorRefused:
            assert too_old
            assert self.spotify.content() == before
        else:
            assert not too_old
            assert list(self.spotify.content().values()) == [listed[0].read_bytes()]

    def befall(self, faults: dict[tuple[str, int], Fault]) -> None:
        seen: Counter[str] = Counter()

        def befalls(number: int, operation: str) -> Fault | None:
            del number
            seen[operation] += 1
            return faults.get((operation, seen[operation] - 1))

        self.spotify.faults = befalls

    def happens(self, event: Event) -> None:
        in_creation = self.machine.entry.in_creation is not None
        if event is Event.SESSIONS_END:
            for session in self.spotify.sessions.values():
                session.gone = True
        elif event is Event.DAYS_PASS:
            self.spotify.time.now += 7 * 86_400
        elif event is Event.JOURNAL_LOST and not in_creation:
            # What was asked for and not answered is known by the journal alone until it shows.
            self.machine.lose_journal()
            self.knows_newest, self.landed = False, 0  # which list was accepted last is lost with it
        elif event is Event.AUDIENCE_DELETED and not in_creation:
            self.spotify.audiences.clear()

    def newer_is_known(self, listed: Listed) -> bool:
        entry = self.machine.entry
        begun = entry.unfinished.list if entry.unfinished is not None else None
        known = [entry.built_at, begun.built_at if begun is not None else None]
        return any(each is not None and datetime.fromisoformat(each) > listed[1].built_at for each in known)

    def breaks(self) -> list[str]:
        """What is wrong with the receipts, but for the journal that this test loses."""
        reports = self.machine.receipts.verify()
        return [each for report in reports for each in report.faults if "There is no journal" not in each]

    @invariant()
    def receipts_are_a_chain_and_the_last_is_of_what_was_accepted_last(self) -> None:
        assert self.breaks() == []
        entry = self.machine.entry
        written = [each.body for each in self.machine.receipts.read("lapsed", AD_ACCOUNT) if each.file_sha256]
        stated = [(each["file"]["sha256"], each["audience_id"]) for each in written]
        if entry.file_sha256 is not None:
            assert stated[-1] == (entry.file_sha256, entry.audience_id)
        proofs = [each["file"]["sha256"] for each in written if each["proof"] is not None]
        assert Counter(proofs) <= self.arrived()

    def arrived(self) -> Counter[str]:
        """How often each list arrived whole."""
        sent = (each for lists in self.spotify.lists.values() for each in lists)
        return Counter(hashlib.sha256(each).hexdigest() for each in sent)

    @invariant()
    def nothing_is_doubled(self) -> None:
        assert len(self.spotify.audiences) <= 1

    @invariant()
    def the_audience_holds_a_whole_list_and_no_older_one_than_before(self) -> None:
        self.knows_newest = self.knows_newest or self.machine.entry.file_sha256 is not None
        if not self.knows_newest:
            self.landed = 0
        for content in self.spotify.content().values():
            numbers = [number for number, listed in enumerate(self.lists) if listed[0].read_bytes() == content]
            later = [number for number in numbers if number >= self.landed]
            assert later, f"{numbers} landed after {self.landed}"
            self.landed = later[0] if self.knows_newest else 0


@cache
def identifiers(size: int, first: int) -> tuple[Path, Any]:
    folder = Path(tempfile.mkdtemp(prefix="mirror-crashes-"))
    plan = IdentifierPlan(identifiers={"email": IdentifierColumns(kind=Email(), columns=("email",))})
    rows = pl.DataFrame({"email": [f"person{i}@example.com" for i in range(first, first + size)]})
    file = folder / "identifiers.parquet"
    return file, write_identifiers([rows], plan, file)


@cache
def built(size: int, number: int) -> Listed:
    """A list of ``size`` people, built ``number`` hours after the first. No two are equal but for one pair."""
    file, report = identifiers(size, 1 if number == EQUALS_1 else number)
    spec = file.with_name(f"{number}.csv")
    manifest = build_customer_list(
        file,
        report,
        spec,
        layout=Layout.WIDE,
        audience="lapsed",
        snapshot=f"list {number}",
        built_at=datetime(2026, 11, 16, tzinfo=UTC) + timedelta(hours=number),
    )
    return spec, manifest


def test_c01_any_faults_and_crashes_end_in_one_audience_with_the_newest_list() -> None:
    run_state_machine_as_test(
        Crashes,
        settings=settings(
            max_examples=25, stateful_step_count=6, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
