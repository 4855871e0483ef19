"""`receipts`: what was changed at Spotify, and whether somebody changed the record."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from spotify_pipeline.mirror import Receipt, ReceiptBook
from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline.state import StateStore, tables
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.cli.mirrored import RETIRED, Mirrored
from spotify_pipeline_tests.state_edits import add, tampering

ACCOUNT = DEFAULTS.ad_account_id


@pytest.fixture
def sent(mirrored: Mirrored) -> Mirrored:
    """An audience that was created, so that it has one receipt."""
    mirrored.run_retired()
    return mirrored


@pytest.mark.e2e
def test_receipts_are_listed_shown_and_found_whole(run: Run, sent: Mirrored) -> None:
    listed = run("receipts", "list", RETIRED)
    assert (listed.code, listed.err) == (0, "")
    (line,) = listed.out.splitlines()[1:]
    assert [ACCOUNT, "1", "created", "once", "1,200", sent.sha256(RETIRED)[:12]] == [
        each for each in line.split() if ":" not in each and each.count("-") != 2
    ][:6]
    shown = json.loads(run("receipts", "show", RETIRED, "1").out)
    assert (shown["kind"], shown["file"]["sha256"]) == ("created", sent.sha256(RETIRED))
    verified = run("receipts", "verify")
    assert verified.code == 0
    assert verified.out.startswith(f"ok    {RETIRED} in ad account {ACCOUNT}: 1 receipts, all there")


@pytest.mark.e2e
def test_a_receipt_that_was_tampered_with_fails_and_is_not_passed_over(run: Run, sent: Mirrored) -> None:
    with tampering(StateStore.in_home(sent.home)) as transaction:
        content = transaction.execute(sa.select(tables.receipt.c.content)).scalar_one()
        transaction.execute(tables.receipt.update().values(content=content.replace(b"1200", b"1201")))
    verified = run("receipts", "verify")
    assert verified.code == 1
    assert verified.out.startswith(f"FAIL  {RETIRED} in ad account {ACCOUNT}: ")
    assert "does not match its own digest" in verified.out
    listed = run("receipts", "list", RETIRED)
    assert listed.out == "No receipts that can be read.\n"
    assert listed.err.startswith(f"error: {RETIRED} in ad account {ACCOUNT}: ")
    shown = run("receipts", "show", RETIRED, "1")
    assert shown.code == 1
    assert f"{RETIRED} has no receipt 1 that can be read." in shown.err


@pytest.mark.e2e
def test_a_receipt_that_was_removed_fails(run: Run, sent: Mirrored) -> None:
    with tampering(StateStore.in_home(sent.home)) as transaction:
        transaction.execute(tables.receipt.delete())
    assert run("receipts", "verify").code == 1


@pytest.mark.e2e
def test_a_row_that_somebody_put_in_moves_no_terminal_and_hides_no_chain(run: Run, sent: Mirrored) -> None:
    state = StateStore.in_home(sent.home)
    (receipt,) = ReceiptBook(state).read(RETIRED, ACCOUNT)
    add(state, Receipt(body={**receipt.body, "audience": "\x1b]0;x\x07"}))
    verified = run("receipts", "verify")
    assert (verified.code, verified.out[:4]) == (1, "FAIL")
    assert r"\x1b]0;x\x07 in ad account" in verified.out
    assert verified.out.replace("\n", "").isprintable()
    assert "created" in run("receipts", "list", RETIRED).out


def test_where_nothing_was_sent_there_are_none(run: Run) -> None:
    assert (run("receipts", "verify").out, run("receipts", "verify").code) == ("No receipts.\n", 0)
    assert run("receipts", "list", "../journal").out == "No receipts that can be read.\n"
    ran = run("receipts", "show", "nobody", "1")
    assert (ran.code, ran.out) == (1, "")
