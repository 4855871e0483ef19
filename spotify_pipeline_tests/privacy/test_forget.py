"""Who asks to be forgotten leaves every file, and the audiences they are in are known until they have left."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from spotify_pipeline.customer_list import (
    ComparedList,
    Layout,
    build_customer_list,
    verify_customer_list,
    write_identifiers,
)
from spotify_pipeline.identity import Email, Phone
from spotify_pipeline.privacy import Attribution, ErasureLedger, LedgerError, LiveLoss, RewrittenList, forget
from spotify_pipeline.privacy.losses import live_losses
from spotify_pipeline.rows import DigestSet, IdentifierColumns, IdentifierPlan
from spotify_pipeline.state import StateError, StateStore
from spotify_pipeline.state.tables import erasure_digest
from spotify_pipeline_tests.customer_list.making import emails
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.privacy.making import Machine, address, people, sha, three_audiences

ADA, BOB, EVE = address("ada"), address("bob"), address("eve")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return three_audiences(tmp_path)


def test_they_leave_every_list_and_the_others_stay(machine: Machine) -> None:
    before = on_disk(machine.store.list_path("loyal", "1")).stat().st_mtime_ns
    done = forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert done.rewritten == (
        RewrittenList(audience="lapsed", snapshot="1", rows=1),
        RewrittenList(audience="lapsed", snapshot="2", rows=1),
    )
    assert machine.files_with(sha(ADA)) == []
    assert machine.cells("lapsed", "1") == {sha(BOB)}
    assert machine.cells("lapsed", "2") == {sha(EVE)}
    assert on_disk(machine.store.list_path("loyal", "1")).stat().st_mtime_ns == before
    for audience, snapshot in [("lapsed", "1"), ("lapsed", "2"), ("loyal", "1")]:
        verify_customer_list(
            on_disk(machine.store.list_path(audience, snapshot)), machine.store.manifest(audience, snapshot)
        )
    assert done.problems == ()


def test_what_was_found_in_lists_goes_in_every_audience(machine: Machine) -> None:
    for audience, snapshot in [("lapsed", "1"), ("loyal", "1")]:
        stored = on_disk(machine.store.list_path(audience, snapshot)), machine.store.manifest(audience, snapshot)
        ComparedList(stored).rows_holding(DigestSet.of(pl.Series([sha(BOB)])))
    assert len(list(machine.home.rglob("found-*"))) == 2
    forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert list(machine.home.rglob("found-*")) == []


def test_the_request_waits_for_the_audience_until_it_is_mirrored_without_them(machine: Machine) -> None:
    request = forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live).request
    assert (request.waiting, request.identifiers) == (("lapsed",), 1)
    assert request.deadline - request.requested_at == timedelta(days=30)
    machine.build("lapsed", "3", ["ada", "eve"])
    machine.mirror("lapsed", "3")
    assert machine.at_spotify["lapsed"] == {sha(EVE)}
    assert machine.ledger.requests()[0].waiting == ()


def test_p13_they_stay_out_of_lists_that_are_built_later(machine: Machine) -> None:
    forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    manifest = machine.build("new", "2", ["ada", "bob"])
    assert manifest.rows_dropped["suppressed"] == 1
    assert machine.cells("new", "2") == {sha(BOB)}


def test_raw_identifiers_of_all_audiences_go(machine: Machine) -> None:
    done = forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert done.identifiers_deleted == 4
    assert [machine.store.identifier_snapshots(each) for each in ("lapsed", "loyal", "new")] == [[], [], []]


def test_an_audience_whose_list_at_spotify_is_not_kept_may_hold_them(machine: Machine) -> None:
    live = {**machine.live, "gone": {sha("a list of long ago")}, "loyal": {"", *machine.live["loyal"]}}
    request = forget(people(EVE), machine.store, machine.ledger, now=machine.clock, live=live).request
    assert request.waiting == ("gone", "lapsed", "loyal")
    nobody = forget(people("nobody@example.com"), machine.store, machine.ledger, now=machine.clock, live=live).request
    assert nobody.waiting == ("gone", "lapsed", "loyal")  # rewritten lists are not those that Spotify has


def test_who_is_nowhere_waits_for_nothing(machine: Machine) -> None:
    done = forget(people("nobody@example.com"), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert (done.request.waiting, done.rewritten) == ((), ())


def test_a_person_asked_for_by_a_digest_or_in_capitals_is_the_same(machine: Machine) -> None:
    forget(people(f"digest:{sha(ADA).upper()}"), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    forget(people(BOB.upper()), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert machine.files_with(sha(ADA)) == machine.files_with(sha(BOB)) == []


def test_long_lists_are_rewritten_too(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.build("lapsed", "1", ["ada", "bob"], Layout.LONG)
    forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live={})
    assert machine.cells("lapsed", "1") == {f"EMAIL_ID_SHA256,{sha(BOB)}"}


def test_w13_a_list_that_cannot_be_rewritten_is_named_and_its_audience_waits(machine: Machine) -> None:
    path = on_disk(machine.store.list_path("loyal", "1"))
    path.write_bytes(path.read_bytes() + b"x\n")
    on_disk(machine.store.list_path("new", "1")).with_name("manifest.json").write_text("{")
    done = forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert [problem.split(":")[0] for problem in done.problems] == [
        "List of loyal, snapshot 1",
        "List of new, snapshot 1",
    ]
    assert done.request.waiting == ("lapsed", "loyal")
    assert not any(part in str(done.problems) for part in (sha(BOB)[:12], "bob@"))
    assert machine.cells("lapsed", "1") == {sha(BOB)}


def test_p14_with_a_ledger_that_is_gone_nothing_is_changed(machine: Machine) -> None:
    forget(people(BOB), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    for file in machine.home.glob("state.sqlite*"):
        file.unlink()
    with pytest.raises(StateError, match="is gone"):
        forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert machine.files_with(sha(ADA)) != []


def test_p14_with_digests_of_an_earlier_request_lost_no_request_is_recorded(machine: Machine) -> None:
    earlier = forget(people(BOB), machine.store, machine.ledger, now=machine.clock, live=machine.live).request
    with machine.state.begin() as transaction:
        transaction.execute(erasure_digest.delete())
    with pytest.raises(LedgerError, match=f"digests of {earlier.id} are missing"):
        forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert machine.ledger.requests() == [earlier]
    assert machine.files_with(sha(ADA)) != []


def test_two_at_a_time_bring_nobody_back_and_both_wait(machine: Machine) -> None:
    def one(name: str) -> tuple[str, ...]:
        ledger = ErasureLedger(StateStore.in_home(machine.home), clock=machine.clock)
        lines = people(address(name))
        return forget(lines, machine.store, ledger, now=machine.clock, live=live).request.waiting

    live = {"new": {machine.store.manifest("new", "1").sha256}}
    names = [f"n{number}" for number in range(6)]
    machine.build("new", "2", [*names, "bob"])
    with ThreadPoolExecutor(max_workers=6) as threads:
        waiting = list(threads.map(one, names))
    assert waiting == [("new",)] * 6
    assert machine.cells("new", "2") == {sha(BOB)}


def test_a_list_built_from_what_was_read_before_holds_them_and_is_found_out_by_the_ledger(machine: Machine) -> None:
    """The run read its suppressions, then somebody was forgotten, then it wrote its list. It is not sent."""
    read_before = machine.ledger.digests()
    forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    machine.keep("lapsed", "3", [emails(ADA, EVE)], Layout.WIDE, read_before)
    rows = DigestSet.of()  # what the mirror's guard does
    rows |= machine.ledger.digests()
    held = sorted(machine.cells("lapsed", "3"))
    assert sum(rows.holds(emails(*held)["email"])) == 1
    forget(people(EVE), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert machine.files_with(sha(ADA)) == []


def test_w21_what_lists_at_spotify_would_lose_is_said_before_anything_is_changed(machine: Machine) -> None:
    told: list[LiveLoss] = []

    def refuse(losses: Sequence[LiveLoss]) -> None:
        told.extend(losses)
        raise RuntimeError

    before = machine.lists()
    live = {**machine.live, "gone": {sha("a list of long ago")}}
    with pytest.raises(RuntimeError):
        forget(people(ADA, EVE), machine.store, machine.ledger, now=machine.clock, live=live, review=refuse)
    assert told == [
        LiveLoss(audience="gone", rows=None),
        LiveLoss(audience="lapsed", rows=2, going=2),
        LiveLoss(audience="loyal", rows=2, going=1),
    ]
    assert machine.lists() == before
    assert machine.ledger.requests() == []


def test_w21_pieces_that_nobody_confirmed_count_beside_a_confirmed_request_that_waits(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.build("lapsed", "1", [f"n{number}" for number in range(10)])
    machine.mirror("lapsed", "1")

    def erase(*names: str, confirmed: bool) -> None:
        word = Attribution(by="Kim", at=machine.clock()) if confirmed else None
        given = people(*map(address, names))
        forget(given, machine.store, machine.ledger, now=machine.clock, live=machine.live, review=lambda _: word)

    erase("n0", "n1", confirmed=False)
    erase("n2", "n3", "n4", confirmed=True)
    (loss,) = live_losses(people(address("n5")), machine.store, machine.ledger, machine.live)
    assert (loss.rows, loss.going, loss.gone) == (10, 1, 2)


def test_w21_rows_that_go_with_a_person_count(tmp_path: Path) -> None:
    """As `redact_list` has it: a row that shares a digest with one of theirs."""
    machine = Machine(tmp_path)
    identifiers = on_disk(machine.store.identifiers_path("lapsed", "1"))
    both = IdentifierPlan(
        identifiers={
            "email": IdentifierColumns(kind=Email(), columns=("email",)),
            "phone": IdentifierColumns(kind=Phone(), columns=("phone", "other")),
        }
    )
    table = pl.DataFrame(
        {"email": [ADA, BOB], "phone": ["+46701740605", "+46701740606"], "other": ["+46701740607", None]}
    )
    manifest = build_customer_list(
        identifiers,
        write_identifiers([table], both, identifiers),
        on_disk(machine.store.list_path("lapsed", "1")),
        layout=Layout.WIDE,
        audience="lapsed",
        snapshot="1",
        built_at=machine.clock(),
    )
    machine.mirror("lapsed", "1")
    given = people("+46701740605")
    assert manifest.list_rows == 3
    assert [each.going for each in live_losses(given, machine.store, machine.ledger, machine.live)] == [2]


def test_an_audience_that_was_never_sent_is_not_waited_for(machine: Machine) -> None:
    done = forget(people(BOB), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert {each.audience for each in done.rewritten} == {"lapsed", "loyal", "new"}
    assert done.request.waiting == ("lapsed", "loyal")


def test_an_audience_that_is_created_while_lists_are_rewritten_is_waited_for(machine: Machine) -> None:
    now_live = {**machine.live, "new": {machine.store.manifest("new", "1").sha256}}
    done = forget(
        people(BOB), machine.store, machine.ledger, now=machine.clock, live=machine.live, live_now=lambda: now_live
    )
    assert done.request.waiting == ("lapsed", "loyal", "new")
