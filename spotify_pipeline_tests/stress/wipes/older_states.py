"""Machines that know less than was sent, and audiences whose list they never knew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from spotify_pipeline.mirror import Checkpoint, Journal, Receipt, ReceiptBook
from spotify_pipeline.privacy import ErasureLedger, GivenIdentifier
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.privacy.older_ledger import lose
from spotify_pipeline_tests.state_edits import add, keep
from spotify_pipeline_tests.state_edits import lose as lose_entry
from spotify_pipeline_tests.stress.wipes.bench import Bench, people
from spotify_pipeline_tests.stress.wipes.happenings import Happening, live, sent
from spotify_pipeline_tests.stress.wipes.scenarios import Scenario

DAGSTER = "Dagster's storage"


def newer_receipt(bench: Bench, **changes: object) -> None:
    """A list was sent after the journal was copied, and its receipt lies beside the copy."""
    state = bench.journal.state
    (first,) = ReceiptBook(state).read("lapsed", bench.account)
    add(state, Receipt(body={**first.body, "number": 2, "previous": first.digest, **changes}))


def older_journal(rows: Callable[[], object] = live) -> Happening:
    def happen(bench: Bench) -> None:
        newer_receipt(bench)
        sent(bench, bench.build(rows()))  # pyright: ignore[reportArgumentType]

    return happen


def other_journal(bench: Bench) -> None:
    entry = bench.journal.read("lapsed", bench.account)
    keep(bench.journal, "lapsed", replace(entry, receipt_head="0" * 64))
    sent(bench, bench.build(live()))


def known_to_dagster(number: int, digest: str = "1" * 64, *, homeless: bool = False) -> Happening:
    def happen(bench: Bench) -> None:
        if homeless:
            for file in bench.home.glob("state*"):
                file.unlink()
        bench.checkpoint = Checkpoint(name=DAGSTER, receipts={"lapsed": (number, digest)})
        sent(bench, bench.build(live()))

    return happen


def part_known_to_dagster(bench: Bench) -> None:
    (receipt,) = ReceiptBook(bench.journal.state).read("lapsed", bench.account)
    bench.checkpoint = Checkpoint(name=DAGSTER, receipts={"lapsed": (1, receipt.digest), "lapsed.2": (3, "1" * 64)})
    bench.keys = ("lapsed", "lapsed.2")
    sent(bench, bench.build(live()))


def ask_to_forget(bench: Bench, number: int) -> str:
    ledger = ErasureLedger(bench.state)
    given = GivenIdentifier(line=1, given_as="email", digests=(f"{number:064x}",))
    request = ledger.record(
        [given], requested_at=bench.now, deadline=bench.now + timedelta(days=30), waiting=["lapsed"]
    )
    bench.ledger = ledger
    return request.id


def ledger_older_than_the_receipts(bench: Bench) -> None:
    ask_to_forget(bench, 1)
    newer_receipt(bench, evidence={"erasures": {"newest": "erasure-2026-01-05-00000000"}})
    newest = ReceiptBook(bench.journal.state).last("lapsed", bench.account)
    assert newest is not None
    entry = bench.journal.read("lapsed", bench.account)
    keep(bench.journal, "lapsed", replace(entry, receipts=newest[0], receipt_head=newest[1]))
    sent(bench, bench.build(live()))


def ledger_older_than_dagster(*, lost: bool) -> Happening:
    def happen(bench: Bench) -> None:
        ask_to_forget(bench, 1)
        newest = ask_to_forget(bench, 2)
        bench.checkpoint = Checkpoint(name=DAGSTER, newest_erasure=newest)
        lose(bench.state, None if lost else newest)
        sent(bench, bench.build(live()))

    return happen


def live_audience(bench: Bench, audience: str) -> str:
    found = Journal(StateStore.in_home(bench.home.parent / "live")).read(audience, bench.account).audience_id
    assert found is not None
    return found


def adopts(audience: str, *, as_stranger: bool = True) -> Happening:
    """``audience_id`` names the live audience of that folder, which this machine never had, or still has."""

    def happen(bench: Bench) -> None:
        bench.adopted = live_audience(bench, audience)
        if as_stranger:
            lose_entry(bench.journal, audience)
        sent(bench, bench.build(live()))

    return happen


OLDER_STATES: tuple[Scenario, ...] = (
    Scenario(
        "W20", "journal older than a receipt, list 64 % shorter", older_journal(lambda: people(0, 720)), "history"
    ),
    Scenario("W20", "journal older than a receipt, an ordinary list", older_journal(), "history"),
    Scenario("W20", "journal older, and the list that it names", older_journal(lambda: people(0, 2_000)), "history"),
    Scenario("W20", "the journal of another machine", other_journal, "history"),
    Scenario("W20", "Dagster knows a newer receipt", known_to_dagster(2), "history"),
    Scenario("W20", "Dagster knows many newer receipts", known_to_dagster(40), "history"),
    Scenario("W20", "Dagster knows another receipt of that number", known_to_dagster(1), "history"),
    Scenario(
        "W20", "the directory is lost, and Dagster knows a receipt", known_to_dagster(1, homeless=True), "history"
    ),
    Scenario("W20", "Dagster knows a receipt of a part", part_known_to_dagster, "history"),
    Scenario("W20", "the ledger is older than the receipts", ledger_older_than_the_receipts, "history"),
    Scenario("W20", "the ledger is older than Dagster knows", ledger_older_than_dagster(lost=False), "history"),
    Scenario("W20", "the ledger is lost, and Dagster knows of it", ledger_older_than_dagster(lost=True), "history"),
    Scenario("W20", "a first list is sent to a stranger's audience", adopts("vip"), "history", first=True),
    Scenario("W20", "audience_id names another audience later", adopts("vip"), "history"),
    Scenario(
        "W20", "audience_id names the audience of another folder", adopts("vip", as_stranger=False), "the one of vip"
    ),
)
