"""An upload that ended in the middle: what the next run does with what it left."""

from __future__ import annotations

import dataclasses

import pytest

from spotify_pipeline.mirror import MirrorAction, MirrorRefused, Phase
from spotify_pipeline.spotify import UploadDataLoss
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import (
    AD_ACCOUNT,
    QUANTUM,
    SESSION_SECRET,
    Crash,
    FakeSpotify,
    Fault,
    Made,
)
from spotify_pipeline_tests.mirror.machine import SPEC, THREE_CHUNKS, Listed, Machine
from spotify_pipeline_tests.state_edits import stored

PUT = "put_upload"


@pytest.fixture
def listed(build_list: BuildList) -> Listed:
    return build_list(THREE_CHUNKS, "2026-11-23")


@pytest.fixture(params=["new audience", "replacement"])
def broken(
    request: pytest.FixtureRequest, machine: Machine, spotify: FakeSpotify, build_list: BuildList, listed: Listed
) -> Machine:
    """A machine of which a run ended when the second of three chunks was stored."""
    if request.param == "replacement":
        machine.mirror(build_list(range(10), "2026-11-16"))
    break_off(machine, listed, Fault.CRASH_AFTER, skip=1)
    return machine


def break_off(machine: Machine, listed: Listed, fault: Fault, *, skip: int) -> None:
    machine.spotify.after(PUT, fault, skip=skip)
    with pytest.raises(Crash):
        machine.mirror(listed)
    machine.spotify.asked.clear()


def test_c01_c13_the_next_run_continues_where_the_storage_is(
    broken: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    left = listed[1].bytes - 2 * QUANTUM
    outcome = broken.mirror(listed)
    assert outcome.recovered == "An upload that was broken off was continued at byte 524,288."
    assert outcome.bytes_sent == left
    assert sum(each.list_bytes for each in spotify.asked) == left
    assert outcome.proof is not None
    assert outcome.proof.verified
    assert spotify.count("new_upload_url") + spotify.count("replacement_upload_url") == 0
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


@pytest.mark.parametrize("broken", ["new audience"], indirect=True)
def test_what_is_sent_twice_does_not_change_where_it_was_continued(
    broken: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.after(PUT, Fault.CUT_BEFORE, skip=1)  # the first asks how far it is, the second brings the last bytes
    outcome = broken.mirror(listed)
    assert outcome.recovered == "An upload that was broken off was continued at byte 524,288."
    assert outcome.bytes_sent == 2 * (listed[1].bytes - 2 * QUANTUM)


@pytest.mark.parametrize("situation", ["before", "midway"])
def test_an_upload_of_which_nothing_arrived_is_continued_at_its_beginning(
    machine: Machine, listed: Listed, situation: str
) -> None:
    break_off(machine, listed, {"before": Fault.CRASH_BEFORE, "midway": Fault.CRASH_MIDWAY}[situation], skip=0)
    assert machine.mirror(listed).recovered == "An upload that was broken off was continued at byte 0."


def test_the_session_is_private_and_goes_when_the_upload_is_over(broken: Machine, listed: Listed) -> None:
    assert broken.session is not None
    assert SESSION_SECRET in broken.session.uri.reveal()
    kept = b"".join(file.read_bytes() for file in broken.folder.glob("state.sqlite*"))
    assert SESSION_SECRET.encode() not in kept
    assert b"://" not in str(stored(broken.journal, "lapsed", AD_ACCOUNT)).encode()
    broken.mirror(listed)
    assert broken.session is None


@pytest.mark.parametrize("content", [None, b"", b"not sealed"])
def test_a_session_that_is_lost_or_damaged_costs_an_upload_and_nothing_else(
    broken: Machine, spotify: FakeSpotify, listed: Listed, content: bytes | None
) -> None:
    with broken.state.begin() as transaction:
        broken.journal.put_session(transaction, "lapsed", AD_ACCOUNT, content)
    outcome = broken.mirror(listed)
    assert outcome.recovered == "An upload was broken off and its session is not known any more; it was begun again."
    assert outcome.bytes_sent == listed[1].bytes
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


def test_u12_a_session_that_is_gone_is_begun_again(broken: Machine, spotify: FakeSpotify, listed: Listed) -> None:
    for session in spotify.sessions.values():
        session.gone = True
    outcome = broken.mirror(listed)
    assert outcome.recovered == "An upload that was broken off could not be continued, and was begun again."
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


def test_u22_another_list_drops_what_was_begun(broken: Machine, spotify: FakeSpotify, build_list: BuildList) -> None:
    other = build_list(range(20), "2026-11-30")
    outcome = broken.mirror(other)
    assert outcome.recovered == "An upload of another list was broken off, and dropped."
    assert outcome.bytes_sent == other[1].bytes
    assert spotify.content() == {outcome.audience.id: other[0].read_bytes()}
    assert broken.session is None


def test_c10_a_list_older_than_the_one_that_was_begun_is_refused(
    broken: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    with pytest.raises(
        MirrorRefused, match=r"2026-11-20 was built before another \(2026-11-23\) whose sending was begun"
    ):
        broken.mirror(build_list(range(20), "2026-11-20"))
    assert spotify.asked == []


@pytest.mark.parametrize("situation", ["new audience", "replacement"])
def test_c18_an_upload_that_had_arrived_whole_is_proven_and_only_then_accepted(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, listed: Listed, situation: str
) -> None:
    before = machine.mirror(build_list(range(10))).audience.id if situation == "replacement" else None
    break_off(machine, listed, Fault.CRASH_AFTER, skip=2)
    assert machine.entry.snapshot == (None if before is None else "2026-11-16")
    assert machine.entry.unfinished is not None
    assert machine.entry.unfinished.phase is Phase.FINISHING
    outcome = machine.mirror(listed)
    assert outcome.recovered == "An upload that was broken off had arrived whole; no byte was sent again."
    assert outcome.bytes_sent == 0
    assert sum(each.list_bytes for each in spotify.asked) == 0
    assert outcome.proof is not None
    assert outcome.proof.verified
    assert machine.entry.snapshot == "2026-11-23"
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


def test_a_replacement_that_is_to_go_to_another_audience_now_begins_anew(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, listed: Listed
) -> None:
    first = build_list(range(10), "2026-11-16")
    before = machine.mirror(first).audience.id
    break_off(machine, listed, Fault.CRASH_AFTER, skip=1)
    spotify.audiences["by-hand"] = Made("Made by hand", None, spotify.time.now)
    outcome = machine.mirror(listed, dataclasses.replace(SPEC, adopted_audience_id="by-hand"), approved=True)
    assert outcome.recovered == "An upload of this list to another audience was broken off, and dropped."
    assert outcome.bytes_sent == listed[1].bytes
    assert spotify.content() == {before: first[0].read_bytes(), "by-hand": listed[0].read_bytes()}


def test_a_replacement_of_an_audience_that_was_deleted_meanwhile_begins_anew(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, listed: Listed
) -> None:
    deleted = machine.mirror(build_list(range(10), "2026-11-16")).audience.id
    break_off(machine, listed, Fault.CRASH_AFTER, skip=1)
    spotify.audiences.clear()
    outcome = machine.mirror(listed)
    assert (outcome.action, outcome.bytes_sent) == (MirrorAction.RECREATED, listed[1].bytes)
    assert outcome.audience.id != deleted
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


def test_u11_a_list_that_arrived_as_something_else_makes_the_audience_suspect_until_it_is_whole(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    first = build_list(range(10), "2026-11-16")
    machine.mirror(first)
    spotify.stored_is_damaged = True
    with pytest.raises(UploadDataLoss, match=r"Treat the audience as suspect .* sent whole, even if it is the one"):
        machine.mirror(build_list(range(20), "2026-11-23"))
    assert machine.entry.suspect
    assert machine.entry.snapshot == "2026-11-16"
    spotify.stored_is_damaged = False
    again = build_list(range(10), "2026-11-30")  # the very list that was accepted last
    outcome = machine.mirror(again)
    assert outcome.action is MirrorAction.REPLACED
    assert spotify.content() == {outcome.audience.id: again[0].read_bytes()}
    assert not machine.entry.suspect
    assert machine.mirror(again).action is MirrorAction.UNCHANGED


def test_u11_a_new_audience_is_not_created_from_what_arrived_wrong(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.stored_is_damaged = True
    with pytest.raises(UploadDataLoss):
        machine.mirror(listed)
    assert spotify.count("create_audience") == 0
    assert machine.session is None
    spotify.stored_is_damaged = False
    outcome = machine.mirror(listed)
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}
