"""`retire`: an audience whose YAML is gone goes too, or stays by a person's word."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from spotify_pipeline.mirror import Journal, JournalEntry
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.cli.mirrored import AUDIENCE, RETIRED, Mirrored
from spotify_pipeline_tests.customer_list.snapshots import materialize
from spotify_pipeline_tests.state_edits import keep

ACCOUNT = DEFAULTS.ad_account_id
ELSEWHERE = DEFAULTS.viewer_ad_account_id
WHY = ("--reason", "The campaign is over", "--by", "Kim")
DELETE, LEAVE = ("--policy", "delete", *WHY), ("--policy", "leave", *WHY)


@pytest.fixture
def sent(mirrored: Mirrored) -> Mirrored:
    """An audience at Spotify that no YAML defines."""
    mirrored.run_retired()
    return mirrored


def at_spotify(spotify: SandboxServer) -> int:
    return len(list(spotify.state.audiences.of(ACCOUNT)))


def waiting(mirrored: Mirrored) -> list[tuple[str, ...]]:
    return [each.waiting for each in ErasureLedger(StateStore.in_home(mirrored.home)).requests()]


def also_in_another_account(mirrored: Mirrored, **fields: object) -> None:
    journal = Journal(StateStore.in_home(mirrored.home))
    known = JournalEntry(ad_account_id=ELSEWHERE, audience_id="a2", snapshot="once", file_sha256="f" * 64)
    keep(journal, RETIRED, replace(known, **fields))


@pytest.mark.e2e
def test_p16_it_is_deleted_with_its_lists_and_nobody_waits_for_it_any_more(
    run: Run, sent: Mirrored, spotify: SandboxServer
) -> None:
    run("forget", stdin=b"person7@example.com")
    assert waiting(sent) == [(RETIRED,)]
    ran = run("retire", RETIRED, *DELETE)
    assert (ran.code, ran.err) == (0, "")
    assert "was deleted at Spotify; receipt 2 says so." in ran.out
    assert (at_spotify(spotify), sent.store.lists(RETIRED), waiting(sent)) == (0, [], [()])
    receipt = json.loads(run("receipts", "show", RETIRED, "2").out)
    assert (receipt["approval"]["by"], receipt["approval"]["why"]) == ("Kim", "The campaign is over")
    assert run("receipts", "verify").code == 0


@pytest.mark.e2e
def test_p16_it_is_left_with_its_people_and_so_are_those_who_wait(
    run: Run, sent: Mirrored, spotify: SandboxServer
) -> None:
    run("forget", stdin=b"person7@example.com")
    ran = run("retire", RETIRED, *LEAVE)
    assert "was left at Spotify as it is; receipt 2 says so." in ran.out
    assert f"1 erasure request still waits for {RETIRED}, due " in ran.out
    assert f"Delete it: spotify-pipeline retire {RETIRED} --policy delete" in ran.out
    assert (at_spotify(spotify), sent.store.lists(RETIRED), waiting(sent)) == (1, [], [(RETIRED,)])
    assert run("retire", RETIRED, *DELETE).code == 0
    assert (at_spotify(spotify), waiting(sent)) == (0, [()])


@pytest.mark.e2e
@pytest.mark.parametrize("policy", [DELETE, LEAVE])
def test_p08_what_an_interrupted_call_left_here_goes_with_the_next(
    run: Run, sent: Mirrored, policy: tuple[str, ...]
) -> None:
    """Killed after Spotify and the journal, before the lists and the ledger: both are as they were."""
    first = run("retire", RETIRED, *policy)
    assert (first.code, first.err) == (0, "")
    materialize(sent.store, RETIRED, "once")
    run("forget", stdin=b"a@example.com")
    ran = run("retire", RETIRED, *policy)
    assert ran.code == 0
    assert f"{RETIRED} was " in ran.out
    assert sent.store.lists(RETIRED) == []
    assert waiting(sent) == [() if policy is DELETE else (RETIRED,)]


@pytest.mark.e2e
def test_what_is_in_another_ad_account_too_keeps_its_lists_and_those_who_wait(run: Run, sent: Mirrored) -> None:
    also_in_another_account(sent)
    run("forget", stdin=b"person7@example.com")
    ran = run("retire", RETIRED, *DELETE)
    assert "Its lists stay here, for retired is in another ad account, too." in ran.out
    assert len(sent.store.lists(RETIRED)) == 1
    assert waiting(sent) == [(RETIRED,)]


@pytest.mark.e2e
def test_who_waits_for_what_was_left_in_another_ad_account_still_waits(run: Run, sent: Mirrored) -> None:
    also_in_another_account(sent, retired_at="2026-11-16T06:00:00+00:00", retired_policy="leave")
    run("forget", stdin=b"person7@example.com")
    assert run("retire", RETIRED, *DELETE).code == 0
    assert sent.store.lists(RETIRED) == []
    assert waiting(sent) == [(RETIRED,)]


@pytest.mark.e2e
def test_p16_an_audience_that_has_moved_can_be_retired_where_it_was(run: Run, mirrored: Mirrored) -> None:
    journal = Journal(StateStore.in_home(mirrored.home))
    keep(journal, AUDIENCE, JournalEntry(ad_account_id=ELSEWHERE, audience_id="a1", snapshot="2026-10"))
    materialize(mirrored.store, AUDIENCE, "2026-11")
    ran = run("retire", AUDIENCE, *LEAVE, "--ad-account", ELSEWHERE)
    assert ran.code == 0
    assert journal.read(AUDIENCE, ELSEWHERE).retired_policy == "leave"
    assert len(mirrored.store.lists(AUDIENCE)) == 1


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((AUDIENCE, *DELETE), "newsletter_readers still has a YAML file"),
        ((AUDIENCE, *DELETE, "--ad-account", ACCOUNT), "newsletter_readers still has a YAML file"),
        (("nobody", *LEAVE), "There is no audience nobody"),
        ((RETIRED, "--policy", "leave", "--reason", "over"), "Give a reason of at least 10 characters"),
    ],
)
def test_what_may_not_be_retired_is_refused(
    run: Run, mirrored: Mirrored, arguments: tuple[str, ...], sentence: str
) -> None:
    materialize(mirrored.store, AUDIENCE, "2026-11")
    ran = run("retire", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: {sentence}")
    assert len(mirrored.store.lists(AUDIENCE)) == 1


def test_a_user_without_a_name_is_asked_for_one(run: Run, mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54_321)
    ran = run("retire", RETIRED, "--policy", "leave", "--reason", "The campaign is over")
    assert ran.err == "error: This machine has no name for your user. Say who decides with --by.\n"


@pytest.mark.e2e
def test_p21_a_part_is_not_given_up_while_its_list_needs_it(run: Run, mirrored: Mirrored) -> None:
    assert mirrored.run(1200).success
    ran = run("retire", f"{AUDIENCE}.2", *DELETE)
    assert ran.code == 1
    assert f"There is no audience {AUDIENCE}.2" in ran.err
    ran = run("retire", "nobody.2", *DELETE)
    assert "nobody has no YAML file, so nothing is sent to its parts. Nothing was changed." in ran.err
    assert "is not an audience or a part of one" in run("retire", f"{AUDIENCE}.2.2", *DELETE).err
