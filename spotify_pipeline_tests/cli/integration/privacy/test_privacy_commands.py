"""`forget` and `explain`, as somebody with a person's request runs them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from spotify_pipeline.cli.privacy.waiting_events import erase_waiting
from spotify_pipeline.conversions import open_outbox, view_outbox
from spotify_pipeline.mirror import Journal, JournalEntry, Phase, RemovalPolicy, SentList, Unfinished, WriteKind
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.state import StateStore
from spotify_pipeline.state.tables import erasure, erasure_digest, event_body
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.conversions.outbox_making import MONDAY, NOON, verdict, verdicts
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.privacy.making import Machine, address, sha
from spotify_pipeline_tests.state_edits import damage, keep

ACCOUNT = "00000000-0000-4000-8000-000000000001"
ADA, BOB = address("ada"), address("bob")
COMMAND = [sys.executable, "-c", "from spotify_pipeline.cli import main; main()"]


def sent(machine: Machine, audience: str, snapshot: str) -> SentList:
    return SentList.of(machine.store.manifest(audience, snapshot))


def journal_of(machine: Machine, audience: str, **fields: object) -> None:
    entry = replace(JournalEntry(ad_account_id=ACCOUNT), **fields)
    keep(Journal(StateStore.in_home(machine.home)), audience, entry)


@pytest.fixture
def machine(tmp_path: Path, run: Run) -> Machine:
    """`lapsed` has ada in both lists, and the newer is live; `loyal` has bob."""
    machine = Machine(tmp_path / "home")
    machine.build("lapsed", "2026-11-09", ["ada"])
    machine.build("lapsed", "2026-11-16", ["ada", "bob", "cat", "dan"])
    machine.build("loyal", "2026-11-16", ["bob"])
    live = sent(machine, "lapsed", "2026-11-16")
    journal_of(machine, "lapsed", audience_id="a1", snapshot="2026-11-16", file_sha256=live.file_sha256)
    return machine


@pytest.mark.e2e
def test_forget_says_what_was_done_and_what_comes_next(machine: Machine, run: Run) -> None:
    ran = run("forget", "--deadline-days", "10", stdin=f"{ADA}\nphone:+46701740605\n".encode())
    (request,) = machine.ledger.requests()
    assert ran.code == 0
    assert f"{request.id}: 2 identifiers, kept out of every list from now on." in ran.out
    assert f"Due {request.deadline:%Y-%m-%d}." in ran.out
    assert "lapsed fewer than 20 4 25 %" in " ".join(ran.out.split())
    assert "Deleted 3 files of normalized identifiers" in ran.out
    assert [line.split() for line in ran.out.splitlines() if line.startswith("lapsed  ") and "-11-" in line] == [
        ["lapsed", "2026-11-09", "1"],
        ["lapsed", "2026-11-16", "1"],
    ]
    assert "Spotify may still have them in: lapsed. Materialize the newest partition of lapsed, or wait" in ran.out
    assert (request.deadline - request.requested_at).days == 10
    assert machine.files_with(sha(ADA)) == []


def test_forgetting_somebody_who_is_nowhere_is_no_failure(machine: Machine, run: Run) -> None:
    ran = run("forget", stdin=b"nobody@example.com")
    assert (ran.code, ran.err) == (0, "")
    assert "No lists held them." in ran.out
    assert f"as far as the files below {machine.home} say. If that is where your Dagster keeps its files" in ran.out


def live_thirty(machine: Machine) -> list[str]:
    """`loyal` has thirty people at Spotify; their addresses."""
    names = [f"person{number}" for number in range(30)]
    machine.build("loyal", "2026-11-23", names)
    journal_of(machine, "loyal", audience_id="a2", file_sha256=sent(machine, "loyal", "2026-11-23").file_sha256)
    return [address(name) for name in names]


@pytest.mark.e2e
def test_w21_more_of_a_live_audience_than_its_max_shrink_needs_a_second_word(machine: Machine, run: Run) -> None:
    given = "\n".join(live_thirty(machine)[:20]).encode()
    before = machine.lists()
    ran = run("forget", stdin=given)
    assert ran.code == 1
    assert "loyal 20 30 66.7 %" in " ".join(ran.out.split())
    assert (
        "loyal (66.7 % of the list that Spotify has, at most 30 % by its max_shrink). Nothing was recorded" in ran.err
    )
    assert machine.lists() == before
    assert machine.ledger.requests() == []
    assert run("forget", "--yes", "--by", "Ada", stdin=given).code == 0
    (request,) = machine.ledger.requests()
    assert request.confirmed is not None
    assert request.confirmed.by == "Ada"
    assert len(machine.ledger.confirmed_digests()) == 20


@pytest.mark.e2e
def test_w21_a_wrong_file_in_pieces_is_seen_with_what_is_gone_already(machine: Machine, run: Run) -> None:
    given = live_thirty(machine)
    assert run("forget", stdin="\n".join(given[:8]).encode()).code == 0
    ran = run("forget", stdin="\n".join(given[8:16]).encode())
    assert ran.code == 1
    assert "loyal fewer than 20, and fewer than 20 before 30 53.4 %" in " ".join(ran.out.split())
    assert run("forget", "--yes", stdin="\n".join(given[8:16]).encode()).code == 0
    assert run("forget", stdin=given[16].encode()).code == 0  # what was confirmed is meant


@pytest.fixture
def waiting(machine: Machine) -> None:
    """An event of ada and one of bob wait in the outbox of `orders`."""
    rows = [
        {**verdict(name), "body": json.dumps({"event_id": name, "user_data": {"hashed_emails": [sha(address(name))]}})}
        for name in ("ada", "bob")
    ]
    with open_outbox("orders", StateStore.in_home(machine.home)) as outbox:
        outbox.record(MONDAY, [verdicts(*rows)], at=NOON)


@pytest.mark.e2e
@pytest.mark.usefixtures("waiting")
def test_p21_forget_and_explain_know_the_events_that_wait(machine: Machine, run: Run) -> None:
    asked = " ".join(run("explain", stdin=ADA.encode()).out.split())
    assert "line given as audience or feed snapshot or day place by" in asked
    assert "1 email orders 2026-11-02 event, waiting to be sent email" in asked
    ran = run("forget", stdin=ADA.encode())
    assert ran.code == 0
    assert "Of orders, fewer than 20 events that waited to be sent are filtered as erased." in ran.out
    assert "waiting to be sent" not in run("explain", stdin=ADA.encode()).out
    assert "waiting to be sent" in run("explain", stdin=BOB.encode()).out
    with view_outbox("orders", StateStore.in_home(machine.home)) as outbox:
        (account,) = outbox.accounts()
    assert (account.pending, account.filtered, account.adds_up) == (1, {"erased": 1}, True)


@pytest.mark.e2e
@pytest.mark.usefixtures("waiting")
def test_p21_of_an_outbox_that_a_run_holds_nothing_false_is_said(
    machine: Machine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase_at_once = partial(erase_waiting, wait=0.0)
    monkeypatch.setattr("spotify_pipeline.cli.privacy.people.erase_waiting", erase_at_once)
    with open_outbox("orders", StateStore.in_home(machine.home)):
        ran = run("forget", stdin=BOB.encode())
    assert ran.code == 0
    assert "A run holds the outbox of orders: from now on it sends nothing of them" in ran.out
    assert "there is nothing left to do" not in ran.out
    assert "Of orders, fewer than 20 events" in run("forget", stdin=b"nobody@example.com").out


@pytest.mark.usefixtures("waiting")
def test_p21_an_outbox_that_cannot_be_looked_into_is_said_and_fails(machine: Machine, run: Run) -> None:
    with StateStore.in_home(machine.home).begin() as transaction:
        transaction.execute(event_body.update().values(sealed=b"damaged"))
    for command in ("forget", "explain"):
        ran = run(command, stdin=b"nobody@example.com")
        assert ran.code == 1
        assert "error: Events of orders that wait to be sent: " in ran.err
        assert "there is nothing left to do" not in ran.out


@pytest.mark.e2e
def test_w21_a_list_at_spotify_that_is_not_kept_is_said(machine: Machine, run: Run) -> None:
    journal_of(machine, "gone", audience_id="a3", file_sha256=sha("a list of long ago"))
    ran = run("forget", stdin=ADA.encode())
    assert ran.code == 0
    assert "gone not known not kept here as it was sent" in " ".join(ran.out.split())


@pytest.mark.e2e
def test_w21_a_request_is_taken_back_and_listed(machine: Machine, run: Run) -> None:
    run("forget", stdin=ADA.encode())
    ledger = machine.ledger
    (request,) = ledger.requests()
    listed = " ".join(run("erasures").out.split())
    assert f"{request.id} {request.requested_at:%Y-%m-%d} {request.deadline:%Y-%m-%d} fewer than 20 waits for" in listed
    ran = run("forget", "--take-back", request.id, "--by", "Ada")
    assert (ran.code, ran.err) == (0, "")
    assert f"{request.id} is taken back, and its digests are deleted." in ran.out
    assert len(ledger.digests()) == 0
    assert "taken back by Ada" in run("erasures").out
    assert "was taken back before, by Ada" in run("forget", "--take-back", request.id, "--by", "Bob").out


def test_w21_what_is_no_request_is_not_shown(machine: Machine, run: Run) -> None:
    for given in (ADA, "erasure-2026-11-16-00000000"):
        ran = run("forget", "--take-back", given)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("error: The ledger of erasures has no such request. Nothing was changed.")
        assert given not in ran.err


def test_explain_is_a_table_of_lines(machine: Machine, run: Run) -> None:
    machine.store.keep_identifiers("lapsed", 0)
    machine.store.keep_identifiers("loyal", 0)
    ran = run("explain", stdin=f"{ADA}\n\nnobody@example.com\n{sha(BOB)}".encode())
    assert ran.code == 0
    assert [" ".join(line.split()) for line in ran.out.splitlines()] == [
        "line given as audience snapshot place by",
        "1 email lapsed 2026-11-09 list, kept here email",
        "1 email lapsed 2026-11-16 list, live at Spotify email",
        "3 email in none",
        "4 digest lapsed 2026-11-16 list, live at Spotify email",
        "4 digest loyal 2026-11-16 list, kept here email",
    ]


@pytest.mark.e2e
def test_explain_knows_of_the_erasure_and_of_what_cannot_be_told(machine: Machine, run: Run) -> None:
    run("forget", stdin=ADA.encode())
    ran = run("explain", stdin=ADA.encode())
    (request,) = machine.ledger.requests()
    sentence = f"Line 1 is to be forgotten by {request.id}: due {request.deadline:%Y-%m-%d}, waiting for lapsed."
    assert sentence in ran.out
    assert "list, taken out; marked as erased" in ran.out
    assert "not kept here" not in ran.out
    journal_of(machine, "gone", audience_id="a9", file_sha256=sha("a list of long ago"))
    said = "Spotify has a list of gone that is not kept here, so it cannot be searched."
    assert said in run("explain", stdin=ADA.encode()).out


def test_lists_that_spotify_may_have_are_looked_up_in_every_ad_account(machine: Machine, run: Run) -> None:
    """A list in parts, one whose upload did not end, a journal that is damaged, and a lookalike, which has no list."""
    whole = sent(machine, "loyal", "2026-11-16").file_sha256
    part = sha("part")
    journal_of(machine, "loyal.2", ad_account_id="other", audience_id="a2", file_sha256=part, whole_sha256=whole)
    begun = replace(sent(machine, "loyal", "2026-11-16"), file_sha256=sha("begun"))
    unfinished = Unfinished(kind=WriteKind.CREATE, phase=Phase.SENDING, list=begun)
    journal_of(machine, "begun", unfinished=unfinished)
    journal_of(machine, "loyal.lookalike", audience_id="a3", made_of={"seed_audience_id": "a1"})
    damage(Journal(StateStore.in_home(machine.home)), "damaged", ACCOUNT)
    assert "loyal 2026-11-16 list, live" in " ".join(run("explain", stdin=BOB.encode()).out.split())
    run("forget", stdin=b"nobody@example.com")
    (request,) = machine.ledger.requests()
    assert request.waiting == ("begun", "damaged")


@pytest.mark.e2e
def test_of_an_audience_left_behind_it_is_said_that_only_its_deletion_helps(machine: Machine, run: Run) -> None:
    left, moment = sent(machine, "loyal", "2026-11-16").file_sha256, "2026-11-16T06:00:00+00:00"
    journal_of(
        machine, "loyal", audience_id="a2", file_sha256=left, retired_at=moment, retired_policy=RemovalPolicy.LEAVE
    )
    ran = run("forget", "--yes", stdin=BOB.encode())
    assert "Spotify may still have them in: lapsed, loyal. Materialize the newest partition of lapsed, or" in ran.out
    assert "Nothing is mirrored to loyal any more: they leave it only when it is deleted at Spotify." in ran.out


@pytest.mark.parametrize("command", ["forget", "explain"])
def test_p11_bad_input_is_refused_whole_with_exit_code_2(machine: Machine, run: Run, command: str) -> None:
    before = machine.lists()
    ran = run(command, stdin=f"{ADA}\ncanary\n070-174 06 05\ncanary\x00@example.com".encode())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: line 2: not recognized as an e-mail address")
    assert "; line 3: a phone number without its country" in ran.err
    assert "; line 4: it holds a control character. Nothing was looked up or changed." in ran.err
    assert not any(part in ran.err for part in ("canary", "ada@", "174"))
    assert (machine.lists(), machine.ledger.requests()) == (before, [])
    assert run(command, stdin=b"").code == 2
    assert run(command, "--region", "Sweden", stdin=b"070-174 06 05").code == 2
    assert run(command, "--region", "se", stdin=b"070-174 06 05").code == 0


@pytest.mark.parametrize("command", ["forget", "explain"])
def test_an_identifier_as_an_argument_is_not_taken(machine: Machine, run: Run, command: str) -> None:
    ran = run(command, "--region", "SE", ADA, BOB)
    assert ran.code == 2
    assert "Identifiers come on standard input" in " ".join(ran.err.split())
    assert "example.com" not in ran.err + ran.out
    assert "ARGUMENTS" not in run(command, "--help").out
    assert machine.ledger.requests() == []


@pytest.mark.e2e
@pytest.mark.parametrize("command", ["forget", "explain"])
def test_p14_a_ledger_that_cannot_be_trusted_is_one_sentence(machine: Machine, run: Run, command: str) -> None:
    run("forget", stdin=BOB.encode())
    with machine.state.begin() as transaction:
        transaction.execute(erasure_digest.delete())
    ran = run(command, stdin=ADA.encode())
    assert ran.code == 1
    assert ran.err.startswith("error: The ledger of erasures cannot be trusted: ")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.e2e
@pytest.mark.parametrize("command", ["forget", "explain"])
def test_what_could_not_be_looked_into_is_said_and_fails(machine: Machine, run: Run, command: str) -> None:
    on_disk(machine.store.list_path("loyal", "2026-11-16")).write_text("canary\n")
    ran = run(command, stdin=ADA.encode())
    assert ran.code == 1
    assert ran.err.startswith("error: List of loyal, snapshot 2026-11-16: ")
    assert "canary" not in ran.err
    assert "lapsed" in ran.out


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("command", "damage"),
    [("forget", "UPDATE erasure_digest SET digest = :canary"), ("explain", "UPDATE erasure SET deadline = :canary")],
)
def test_p02_of_an_error_that_nobody_expected_no_message_is_shown(
    machine: Machine, run: Run, command: str, damage: str
) -> None:
    run("forget", stdin=BOB.encode())
    with machine.state.begin() as transaction:
        transaction.execute(sa.text(damage), {"canary": "canary@example.com"})
    ran = run(command, stdin=BOB.encode())
    assert ran.code == 1
    assert ran.err.startswith("error: Stopped by ")
    assert "its message is withheld" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "canary" not in ran.err + ran.out


def environment(machine: Machine) -> dict[str, str]:
    return {**os.environ, "SPOTIFY_PIPELINE_HOME": str(machine.home), "PYTHONFAULTHANDLER": "1"}


@pytest.mark.e2e
def test_p01_p02_no_identifier_is_printed_or_written_anywhere(machine: Machine) -> None:
    canaries = ["canary0", "canary1", "canary2"]
    machine.build("lapsed", "2026-11-23", [*canaries, "eve"])
    lines = [*map(address, canaries), "+46701740605", "6F9619FF-8B86-D011-B42D-00C04FC964FF"]
    good, bad = "\n".join(lines).encode(), "\n".join([*lines, "canary3 at example.com", "\x1bcanary4"]).encode()
    printed = b""
    for command, stdin in [("explain", good), ("forget", bad), ("forget", good), ("explain", good), ("explain", bad)]:
        ended = subprocess.run(
            [*COMMAND, command], input=stdin, capture_output=True, check=False, env=environment(machine)
        )
        assert ended.returncode == (2 if stdin is bad else 0)
        printed += ended.stdout + ended.stderr
    digests = [sha(line.lower()) for line in lines]
    for value in [b"canary", b"70174", b"6f9619", b"6F9619"]:
        assert value not in printed
        assert machine.files_with(value.decode()) == []
        assert not any(value in file.read_bytes() for file in machine.home.glob("state.*"))
    for digest in digests:
        assert digest[:12].encode() not in printed
        assert machine.files_with(digest) == []
    assert not any("canary" in str(path) for path in machine.home.rglob("*"))


@pytest.mark.e2e
def test_a_person_who_types_is_told_how_to_end(machine: Machine) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, f"{ADA}\n\x04".encode())
    ended = subprocess.run(
        [*COMMAND, "forget"], stdin=terminal, capture_output=True, check=False, env=environment(machine)
    )
    os.close(terminal)
    os.close(keyboard)
    assert ended.returncode == 0
    assert ended.stderr.startswith(b"Type one identifier a line. End with Ctrl-D")
    assert b"1 identifier, kept out" in ended.stdout


def test_requests_that_older_identity_rules_read_are_named(run: Run, tmp_path: Path) -> None:
    assert run("forget", stdin=b"+46701740605").code == 0
    assert "older version" not in run("erasures").out
    state = StateStore.in_home(tmp_path / "home")
    with state.begin() as transaction:
        transaction.execute(erasure.update().values(rules_version=1))
    (request,) = ErasureLedger(state).requests()
    assert f"Read by an older version of the identity rules: {request.id}." in run("erasures").out
