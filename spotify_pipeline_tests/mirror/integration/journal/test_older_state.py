"""A machine that knows less than was sent, and audiences whose list it never knew: nothing is replaced unasked."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spotify_pipeline.mirror import AudienceMirror, Checkpoint, GuardBlocked, MirrorAction, MirrorOutcome, RunEvidence
from spotify_pipeline.privacy import ErasureLedger, GivenIdentifier
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine
from spotify_pipeline_tests.privacy.older_ledger import lose

WRITES = {"new_upload_url", "replacement_upload_url", "create_audience", "edit_audience", "put_upload", "start_upload"}


@pytest.fixture
def machine(tmp_path: Path, spotify: FakeSpotify) -> Machine:
    """Three lists were sent, and ``kept`` holds its directory as it was after the first."""
    return Machine(tmp_path / "one", spotify)


@pytest.fixture
def lists(build_list: BuildList) -> list[Listed]:
    return [build_list(range(10 + number), f"2026-11-{16 + number}") for number in range(6)]


@pytest.fixture
def ledger(tmp_path: Path) -> ErasureLedger:
    return ErasureLedger(StateStore.in_home(tmp_path / "one"))


def ask_to_forget(ledger: ErasureLedger, text: str) -> None:
    now = datetime.now(UTC)
    ledger.record(
        [GivenIdentifier(line=1, given_as="email", digests=(text * 64,))],
        requested_at=now,
        deadline=now + timedelta(days=30),
        waiting=[],
    )


def mirror(
    machine: Machine,
    listed: Listed,
    *,
    checkpoint: Checkpoint | None = None,
    ledger: ErasureLedger | None = None,
    approved: bool = False,
    adopted: str | None = None,
) -> MirrorOutcome:
    time = machine.spotify.time
    mirroring = AudienceMirror(
        machine.client, machine.journal, ledger=ledger, checkpoint=checkpoint, clock=time, sleep=time.sleep, wait=0
    )
    evidence: RunEvidence = {}
    if ledger is not None:
        evidence = {"erasures": {"requests": 0, "rows": 0, "newest": ledger.newest()}}
    guard = Allow(listed[1], AD_ACCOUNT, min_rows=ENOUGH, approved=approved)
    spec = dataclasses.replace(SPEC, adopted_audience_id=adopted)
    return mirroring.mirror(spec, *listed, guard=guard, evidence=evidence)


def held_back(machine: Machine, listed: Listed, says: str, **asked: object) -> None:
    """It is refused with that sentence and nothing is written; once approved, it is sent."""
    before = len(machine.spotify.asked)
    with pytest.raises(GuardBlocked, match=says) as blocked:
        mirror(machine, listed, **asked)  # pyright: ignore[reportArgumentType]
    assert "[history]" in str(blocked.value)
    assert WRITES.isdisjoint(each.operation for each in machine.spotify.asked[before:])
    outcome = mirror(machine, listed, approved=True, **asked)  # pyright: ignore[reportArgumentType]
    assert outcome.action is MirrorAction.REPLACED
    assert outcome.decision.overridden


def checkpoint_of(machine: Machine, ledger: ErasureLedger | None = None) -> Checkpoint:
    entry = machine.entry
    assert entry.receipt_head is not None
    return Checkpoint(
        name="Dagster's storage",
        receipts={"lapsed": (entry.receipts, entry.receipt_head)},
        newest_erasure=ledger.newest() if ledger is not None else None,
    )


@pytest.mark.e2e
@pytest.mark.parametrize("older", range(1, 3))
def test_w20_a_journal_older_than_its_receipts_holds_lists_back_until_one_is_approved(
    machine: Machine, lists: list[Listed], older: int
) -> None:
    for number, listed in enumerate(lists[:3], start=1):
        machine.mirror(listed)
        if number == older:
            backup = machine.entry
    machine.keep(backup)
    held_back(machine, lists[3], f"the journal of lapsed knows {older} receipts, and there is receipt 3")
    assert machine.mirror(lists[4]).action is MirrorAction.REPLACED
    (report,) = machine.receipts.verify()
    assert (report.faults, report.receipts) == ((), 5)


def test_w20_of_an_older_journal_the_list_it_names_is_not_called_unchanged(
    machine: Machine, lists: list[Listed]
) -> None:
    machine.mirror(lists[0])
    backup = machine.entry
    machine.mirror(lists[1])
    machine.keep(backup)
    held_back(machine, lists[0], "is older than what was sent")
    assert list(machine.spotify.content().values()) == [lists[0][0].read_bytes()]


def restored(machine: Machine, backup: Path) -> None:
    shutil.rmtree(machine.folder)
    shutil.copytree(backup, machine.folder)


@pytest.mark.e2e
@pytest.mark.parametrize("age", [1, 2])
def test_w20_a_whole_directory_that_is_older_than_the_witness_knows_is_held_back(
    machine: Machine, lists: list[Listed], tmp_path: Path, age: int
) -> None:
    for number, listed in enumerate(lists[:3], start=1):
        machine.mirror(listed)
        if number == 3 - age:
            shutil.copytree(machine.folder, tmp_path / "backup")
    checkpoint = checkpoint_of(machine)
    restored(machine, tmp_path / "backup")
    says = f"Dagster's storage knows receipt 3 of lapsed, and the journal {3 - age} receipts"
    held_back(machine, lists[3], says, checkpoint=checkpoint)
    assert machine.entry.receipts == 4, "numbered behind what the checkpoint knows"
    assert mirror(machine, lists[4], checkpoint=checkpoint_of(machine)).action is MirrorAction.REPLACED
    (report,) = machine.receipts.verify()
    assert report.faults == ()
    assert ("Receipt 3 is missing." if age == 1 else "Receipts 2 to 3 are missing.") in report.sentence


def test_w20_a_directory_that_went_another_way_than_the_witness_knows_is_held_back(
    machine: Machine, lists: list[Listed]
) -> None:
    machine.mirror(lists[0])
    other = Checkpoint(name="Dagster's storage", receipts={"lapsed": (1, "0" * 64)})
    held_back(machine, lists[1], "receipt 1 of lapsed is another one than Dagster's storage knows", checkpoint=other)


def test_w20_a_lost_directory_is_held_back_by_what_the_witness_knows(machine: Machine, lists: list[Listed]) -> None:
    machine.mirror(lists[0])
    checkpoint = checkpoint_of(machine)
    for file in machine.folder.glob("state*"):
        file.unlink()
    machine = Machine(machine.folder, machine.spotify)
    held_back(machine, lists[1], "knows receipt 1 of lapsed, and the journal 0 receipts", checkpoint=checkpoint)


def knows_nothing(_: Checkpoint) -> Checkpoint:
    return Checkpoint(name="Dagster's storage")


def knows_less(_: Checkpoint) -> Checkpoint:
    return Checkpoint(name="Dagster's storage", receipts={"lapsed": (1, "0" * 64)})


def knows_the_same(checkpoint: Checkpoint) -> Checkpoint:
    return checkpoint


@pytest.mark.e2e
@pytest.mark.parametrize("known", [knows_nothing, knows_less, knows_the_same])
def test_w20_a_witness_that_knows_no_more_than_the_journal_holds_nothing_back(
    machine: Machine, lists: list[Listed], known: Callable[[Checkpoint], Checkpoint]
) -> None:
    for listed in lists[:2]:
        machine.mirror(listed)
    outcome = mirror(machine, lists[2], checkpoint=known(checkpoint_of(machine)))
    assert outcome.action is MirrorAction.REPLACED
    assert (outcome.unproven is None) is (known is not knows_nothing)


def test_w20_where_the_witness_knows_nothing_what_spotify_says_is_compared(
    machine: Machine, spotify: FakeSpotify, lists: list[Listed]
) -> None:
    nothing = Checkpoint(name="Dagster's storage")
    first = mirror(machine, lists[0], checkpoint=nothing)
    assert first.unproven is None, "there is nothing to prove"
    spotify.time.now += timedelta(days=4).total_seconds()
    said = str(mirror(machine, lists[1], checkpoint=nothing).unproven)
    assert said.startswith("Dagster's storage knows of no receipt of lapsed, so it does not prove")


def test_w20_p13_an_older_ledger_of_erasures_holds_lists_back(
    machine: Machine, ledger: ErasureLedger, lists: list[Listed]
) -> None:
    ask_to_forget(ledger, "a")
    mirror(machine, lists[0], ledger=ledger)
    ask_to_forget(ledger, "b")
    lacking = ledger.newest()
    mirror(machine, lists[1], ledger=ledger)
    checkpoint = checkpoint_of(machine, ledger)
    lose(StateStore.in_home(machine.folder), lacking)
    says = f"the ledger of erasures lacks {lacking}, which was in it when a list was sent, so people who asked"
    with pytest.raises(GuardBlocked, match=says):
        mirror(machine, lists[2], ledger=ledger, checkpoint=checkpoint)
    held_back(machine, lists[2], says, ledger=ledger)  # by the receipts alone
    assert mirror(machine, lists[3], ledger=ledger).action is MirrorAction.REPLACED


def test_w20_p13_a_lost_ledger_holds_lists_back(machine: Machine, ledger: ErasureLedger, lists: list[Listed]) -> None:
    ask_to_forget(ledger, "a")
    mirror(machine, lists[0], ledger=ledger)
    lose(StateStore.in_home(machine.folder))
    held_back(machine, lists[1], "the ledger of erasures lacks erasure-", ledger=ledger)


def test_w20_a_first_adoption_needs_an_approval(
    machine: Machine, spotify: FakeSpotify, lists: list[Listed], build_list: BuildList
) -> None:
    stranger = Machine(machine.folder.parent / "stranger", spotify)
    theirs = stranger.mirror(
        build_list(range(30), audience="theirs"), dataclasses.replace(SPEC, audience="theirs", name="Theirs")
    ).audience.id
    says = f"audience {theirs}, which the YAML of lapsed adopts, was filled by somebody else; whom it holds now"
    held_back(machine, lists[0], says, adopted=theirs)
    assert mirror(machine, lists[1], adopted=theirs).action is MirrorAction.REPLACED


def test_w20_another_id_to_adopt_later_needs_an_approval(
    machine: Machine, spotify: FakeSpotify, lists: list[Listed], build_list: BuildList
) -> None:
    own = machine.mirror(lists[0]).audience.id
    stranger = Machine(machine.folder.parent / "stranger", spotify)
    theirs = stranger.mirror(
        build_list(range(30), audience="theirs"), dataclasses.replace(SPEC, audience="theirs", name="Theirs")
    ).audience.id
    held_back(machine, lists[1], f"and the journal knows audience {own} as its own", adopted=theirs)
    assert mirror(machine, lists[2], adopted=theirs).action is MirrorAction.REPLACED
    held_back(machine, lists[3], f"and the journal knows audience {theirs} as its own", adopted=own)


def test_w20_an_adoption_that_was_approved_and_broken_off_goes_on(
    machine: Machine, spotify: FakeSpotify, lists: list[Listed], build_list: BuildList
) -> None:
    stranger = Machine(machine.folder.parent / "stranger", spotify)
    theirs = stranger.mirror(
        build_list(range(30), audience="theirs"), dataclasses.replace(SPEC, audience="theirs", name="Theirs")
    ).audience.id
    spotify.after("put_upload", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        mirror(machine, lists[0], adopted=theirs, approved=True)
    spotify.faults = no_fault
    with pytest.raises(GuardBlocked):
        mirror(machine, lists[1], adopted=theirs)
    assert mirror(machine, lists[1], adopted=theirs, approved=True).action is MirrorAction.REPLACED
