"""`receipts`: what was changed at Spotify, and whether somebody changed the record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.cli.mirrored import RETIRED, Mirrored

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
    file = sent.home / "receipts" / ACCOUNT / RETIRED / "000001.json"
    file.write_text(file.read_text().replace("1200", "1201"))
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
    (sent.home / "receipts" / ACCOUNT / RETIRED / "000001.json").unlink()
    assert run("receipts", "verify").code == 1


@pytest.mark.e2e
def test_the_name_of_a_file_that_is_no_receipt_moves_no_terminal_and_hides_no_chain(run: Run, sent: Mirrored) -> None:
    folder = sent.home / "receipts" / ACCOUNT / RETIRED
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\x1b]0;x\x07.json")).write_text("{}")
    verified, listed = run("receipts", "verify"), run("receipts", "list", RETIRED)
    assert (verified.code, verified.out[:4]) == (1, "FAIL")
    for said in (verified.out, listed.err):
        assert r"\udcff\x1b]0;x\x07.json" in said
        assert said.removesuffix("\n").isprintable()
    assert "created" in listed.out


def test_where_nothing_was_sent_there_are_none(run: Run) -> None:
    assert (run("receipts", "verify").out, run("receipts", "verify").code) == ("No receipts.\n", 0)
    assert run("receipts", "list", "../journal").out == "No receipts that can be read.\n"
    ran = run("receipts", "show", "nobody", "1")
    assert (ran.code, ran.out) == (1, "")
