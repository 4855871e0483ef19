"""One lookalike of an audience, whatever becomes of Spotify's answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.mirror import (
    AudienceSpec,
    EventBasedAction,
    EventBasedOutcome,
    Journal,
    Lookalike,
    MirrorRefused,
    ReceiptBook,
    sync_event_based,
)
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.spotify import NotFound, SpotifyAdsClient, SpotifyError
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.deployment import Mirroring, at_spotify
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, Machine
from spotify_pipeline_tests.state_edits import lose

KEY = "lapsed.lookalike"
NAME, DESCRIPTION = "Like the lapsed", "People like those who cancelled"


@pytest.fixture
def machine(tmp_path: Path, spotify: FakeSpotify, build_list: BuildList) -> Machine:
    machine = Machine(tmp_path, spotify)
    machine.mirror(build_list(range(10)))
    spotify.asked.clear()
    return machine


def seed(machine: Machine) -> str:
    return str(machine.entry.audience_id)


def kept(machine: Machine, *, name: str = NAME, of: str | None = None) -> EventBasedOutcome:
    time = machine.spotify.time
    return sync_event_based(
        machine.client,
        machine.journal,
        SPEC.lookalike(name, DESCRIPTION),
        Lookalike(seed_audience_id=of or seed(machine)),
        trace_ids=lambda: ["trace-1"],
        evidence={"run_id": "run-1"},
        clock=time,
        sleep=time.sleep,
        wait=0,
    )


def lookalikes(spotify: FakeSpotify) -> list[str]:
    return [audience_id for audience_id, made in spotify.audiences.items() if made.type == "LOOKALIKE"]


def receipts(machine: Machine) -> list[str]:
    assert all(each.whole for each in machine.receipts.verify())
    return [str(each.kind) for each in machine.receipts.read(KEY, AD_ACCOUNT)]


def test_it_is_created_once_of_the_audience_and_has_a_receipt(machine: Machine, spotify: FakeSpotify) -> None:
    outcome = kept(machine)
    made = spotify.audiences[outcome.audience.id]
    assert (outcome.action, made.seed_audience_id, made.name) == (EventBasedAction.CREATED, seed(machine), NAME)
    assert str(made.description).startswith(f"{DESCRIPTION} [sp:")
    (receipt,) = outcome.receipts
    said = receipt.to_json()
    assert (said["kind"], said["audience_id"], said["name"]) == ("lookalike created", outcome.audience.id, NAME)
    assert (said["seed_audience_id"], said["sp_trace_ids"]) == (seed(machine), ["trace-1"])
    assert said["evidence"] == {"run_id": "run-1"}
    again = kept(machine)
    assert (again.action, again.audience.id, again.receipts) == (EventBasedAction.UNCHANGED, outcome.audience.id, ())
    assert spotify.count("create_audience") == 1
    assert receipts(machine) == ["lookalike created"]


def test_a_name_that_the_yaml_changes_is_changed(machine: Machine, spotify: FakeSpotify) -> None:
    made = kept(machine).audience.id
    outcome = kept(machine, name="Another name")
    assert (outcome.action, spotify.audiences[made].name) == (EventBasedAction.RENAMED, "Another name")
    assert receipts(machine) == ["lookalike created", "renamed"]


def test_without_its_journal_it_is_found_by_its_mark(machine: Machine, spotify: FakeSpotify) -> None:
    made = kept(machine).audience.id
    lose(machine.journal, KEY, AD_ACCOUNT)
    outcome = kept(machine)
    assert (outcome.action, outcome.audience.id) == (EventBasedAction.UNCHANGED, made)
    assert machine.journal.read(KEY, AD_ACCOUNT).audience_id == made
    assert lookalikes(spotify) == [made]


def test_c02_a_creation_whose_answer_was_lost_is_found_and_not_repeated(machine: Machine, spotify: FakeSpotify) -> None:
    spotify.after("create_audience", Fault.CUT_AFTER)
    outcome = kept(machine)
    assert outcome.action is EventBasedAction.CREATED
    assert "was lost; it was found at Spotify" in str(outcome.recovered)
    assert lookalikes(spotify) == [outcome.audience.id]
    assert receipts(machine) == ["lookalike created"]


@pytest.mark.parametrize("shows_after", [0.0, 60.0])
def test_c03_a_run_that_ended_after_asking_leaves_one_lookalike_and_one_receipt(
    machine: Machine, spotify: FakeSpotify, shows_after: float
) -> None:
    spotify.new_audiences_show_after = shows_after
    spotify.after("create_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        kept(machine)
    spotify.faults = no_fault
    if shows_after:
        with pytest.raises(MirrorRefused, match=r"less than 15 minutes ago and not answered.*Run again later"):
            kept(machine)
        spotify.time.now += shows_after
    outcome = kept(machine)
    assert "whose creation was begun by a run before, was found" in str(outcome.recovered)
    assert lookalikes(spotify) == [outcome.audience.id]
    assert receipts(machine) == ["lookalike created"]


def test_c04_a_creation_that_never_arrived_is_asked_for_again_when_it_cannot_come_any_more(
    machine: Machine, spotify: FakeSpotify
) -> None:
    spotify.after("create_audience", Fault.CUT_BEFORE)
    with pytest.raises(SpotifyError, match=r"It is not known whether it was created\. Run again in 15 minutes"):
        kept(machine)
    spotify.faults = no_fault
    with pytest.raises(MirrorRefused):
        kept(machine)
    assert lookalikes(spotify) == []
    spotify.time.now += 15 * 60
    assert kept(machine).action is EventBasedAction.CREATED
    assert len(lookalikes(spotify)) == 1


def test_a_creation_that_was_refused_is_asked_for_again_at_once(machine: Machine, spotify: FakeSpotify) -> None:
    spotify.refused = {"create_audience": 404}
    with pytest.raises(NotFound):
        kept(machine)
    spotify.refused = {}
    assert kept(machine).action is EventBasedAction.CREATED


def test_a_lookalike_of_another_seed_is_told_and_left_alone(machine: Machine, spotify: FakeSpotify) -> None:
    made = kept(machine).audience.id
    asked = len(spotify.asked)
    with pytest.raises(MirrorRefused, match=rf"Lookalike {made} .* is like audience {seed(machine)}.*Delete {made} in"):
        kept(machine, of="another")
    assert {each.operation for each in spotify.asked[asked:]} == {"get_audience"}
    del spotify.audiences[made]  # what it says to do
    assert kept(machine, of="another").action is EventBasedAction.CREATED


def test_two_that_could_be_it_are_listed_and_left_alone(machine: Machine, spotify: FakeSpotify) -> None:
    made = kept(machine).audience.id
    spotify.audiences["like-too"] = spotify.audiences[made]
    lose(machine.journal, KEY, AD_ACCOUNT)
    with pytest.raises(MirrorRefused, match=rf"2 audiences of ad account .* could be {KEY}: like-1, like-too"):
        kept(machine)


def test_the_mirror_takes_no_lookalike_for_its_audience(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    kept(machine)
    machine.lose_journal()
    machine.mirror(build_list(range(20), "2026-11-23"), approved=True)
    assert len(spotify.audiences) == 2


def test_the_sandbox_takes_a_lookalike_as_spotify_documents_it(
    client: SpotifyAdsClient, journal: Journal, sandbox: SandboxServer, spec: AudienceSpec, build_list: BuildList
) -> None:
    mirrored = Mirroring(client, journal, build_list).mirror(spec, range(10)).audience.id
    definition = Lookalike(seed_audience_id=mirrored)
    made = [
        sync_event_based(client, journal, spec.lookalike(name, DESCRIPTION), definition).audience
        for name in (NAME, "Renamed")
    ]
    assert made[0].id == made[1].id
    (found,) = [each for each in at_spotify(client, spec) if each.type == "LOOKALIKE"]
    assert (found.name, found.seed_audience_id) == ("Renamed", mirrored)
    book = ReceiptBook(journal.state)
    assert [str(each.kind) for each in book.read(KEY, spec.ad_account_id)] == ["lookalike created", "renamed"]
