"""Answers about another audience, on their way through a mirror: nothing is written to it, no journal names it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from spotify_pipeline.mirror import (
    AudienceSpec,
    Journal,
    JournalEntry,
    Lookalike,
    MirrorRefused,
    RemovalPolicy,
    WebEvents,
    retire,
    sync_event_based,
)
from spotify_pipeline.spotify import SpotifyError, UnexpectedResponse
from spotify_pipeline.state import StateConflict
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, FakeSpotify, Fault, Made, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, Machine
from spotify_pipeline_tests.state_edits import keep

OTHER = "bbbbbbbb-0000-4000-8000-00000000000b"
THEIR_LIST = b"somebody else's list"
RENAMED = replace(SPEC, name="Lapsed, renamed")
BOUGHT = AudienceSpec(audience="bought", name="Bought", description="Bought lately", ad_account_id=AD_ACCOUNT)
EVENTS = WebEvents(dataset_ids=("d0000000-0000-4000-8000-00000000000a",), included_events=("LEAD",), lookback_days=30)

MixUp = Callable[[str, str | None, httpx.Response], httpx.Response]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    spotify = FakeSpotify()
    spotify.audiences[OTHER] = Made("Somebody else's", "Not ours", spotify.time.now - 1e6, subtype="CUSTOMER_LIST")
    spotify.lists[OTHER] = [THEIR_LIST]
    return Machine(tmp_path, spotify)


def once(machine: Machine, operation: str, status: int | None = None) -> None:
    """The next answer to ``operation`` is the JSON of another audience."""
    left = [operation]

    def mixed_up(asked: str, audience_id: str | None, answer: httpx.Response) -> httpx.Response:
        del audience_id
        if asked not in left or not answer.is_success:
            return answer
        left.clear()
        shown = {"id": OTHER, "name": "Somebody else's", "description": "Not ours", "type": "CUSTOM"}
        ticket = {"upload_url": f"https://storage.googleapis.com/lists/{OTHER}?X-Goog-Signature=00"}
        return httpx.Response(status or answer.status_code, json={**shown, **ticket})

    machine.spotify.mixed_up = mixed_up


def untouched(machine: Machine) -> bool:
    """Whether the other is as it was, and stands nowhere in what this machine remembers."""
    theirs = machine.spotify.audiences[OTHER]
    files = [file for file in machine.folder.rglob("*") if file.is_file()]
    named = [file for file in files if OTHER.encode() in file.read_bytes()]
    written = [each for each in machine.spotify.asked if each.audience_id == OTHER and each.operation != "get_audience"]
    as_it_was = (theirs.name, theirs.description, machine.spotify.lists[OTHER]) == (
        "Somebody else's", "Not ours", [THEIR_LIST],
    )  # fmt: skip
    return as_it_was and named == [] and written == []


def test_c20_another_audience_shown_for_ours_is_neither_renamed_nor_replaced(machine: Machine, build_list: BuildList):
    machine.mirror(build_list(range(20), "2026-11-09"))
    once(machine, "get_audience")
    with pytest.raises(UnexpectedResponse, match=f"another audience \\({OTHER}\\)"):
        machine.mirror(build_list(range(21), "2026-11-16"), RENAMED)
    assert untouched(machine)
    assert machine.mirror(build_list(range(21), "2026-11-16"), RENAMED).audience.id == machine.entry.audience_id


def test_c20_an_edit_answered_with_another_is_looked_up_and_was_made(machine: Machine, build_list: BuildList):
    machine.mirror(build_list(range(20), "2026-11-09"))
    once(machine, "edit_audience")
    outcome = machine.mirror(build_list(range(20), "2026-11-16"), RENAMED)
    assert (outcome.audience.name, outcome.audience.id) == (RENAMED.name, machine.entry.audience_id)
    assert "The answer to the change of name or description" in str(outcome.recovered)
    assert [str(each.kind) for each in machine.receipts.read("lapsed", AD_ACCOUNT)] == ["created", "renamed"]
    assert untouched(machine)


@pytest.mark.parametrize("status", [200, 201])
def test_c20_a_creation_answered_with_another_is_looked_for(machine: Machine, build_list: BuildList, status: int):
    once(machine, "create_audience", status)
    outcome = machine.mirror(build_list(range(20)))
    assert machine.spotify.count("create_audience") == 1
    assert outcome.audience.id == machine.entry.audience_id != OTHER
    assert untouched(machine)


@pytest.mark.parametrize("known", [False, True])
def test_c20_a_ticket_for_another_sends_nothing(machine: Machine, build_list: BuildList, known: bool):
    if known:
        machine.mirror(build_list(range(20), "2026-11-09"))
    once(machine, "replacement_upload_url" if known else "new_upload_url")
    with pytest.raises((UnexpectedResponse, MirrorRefused), match=OTHER):
        machine.mirror(build_list(range(21), "2026-11-16"))
    assert untouched(machine)
    machine.mirror(build_list(range(21), "2026-11-16"))
    assert untouched(machine)


def test_an_id_that_is_shown_before_it_is_created_can_be_uploaded_to(machine: Machine, build_list: BuildList):
    def early(asked: str, audience_id: str | None, answer: httpx.Response) -> httpx.Response:
        if asked == "get_audience" and answer.status_code == 404:
            return httpx.Response(200, json={"id": audience_id, "status": "PROCESSING"})
        return answer

    machine.spotify.mixed_up = early
    assert machine.mirror(build_list(range(20))).audience.name == SPEC.name


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_id_that_may_not_be_looked_at_before_it_is_created_can_be_uploaded_to(
    machine: Machine, build_list: BuildList, status: int
):
    machine.spotify.refused = {"get_audience": status}
    assert machine.mirror(build_list(range(20))).audience.name == SPEC.name


@pytest.mark.parametrize("operation", ["get_audience", "delete_audience"])
def test_c20_retiring_deletes_no_other(machine: Machine, build_list: BuildList, operation: str):
    machine.mirror(build_list(range(20)))
    ours = machine.entry.audience_id
    once(machine, operation)
    if operation == "get_audience":
        with pytest.raises(UnexpectedResponse):
            retired(machine, "lapsed", RemovalPolicy.DELETE)
        assert machine.spotify.count("delete_audience") == 0
    else:
        retired(machine, "lapsed", RemovalPolicy.DELETE)
        assert ours not in machine.spotify.audiences
    assert untouched(machine)


@pytest.mark.parametrize("kind", ["web events", "lookalike"])
@pytest.mark.parametrize("operation", ["create_audience", "get_audience", "edit_audience"])
def test_c20_what_spotify_fills_is_no_other(machine: Machine, kind: str, operation: str):
    def kept(spec: AudienceSpec) -> object:
        time = machine.spotify.time
        given = {"clock": time, "sleep": time.sleep, "wait": 0.0}
        if kind == "lookalike":
            like = spec.lookalike(f"Like {spec.name}", "Those like them")
            definition = Lookalike(seed_audience_id="aaaaaaaa-0000-4000-8000-00000000000a")
            return sync_event_based(machine.client, machine.journal, like, definition, **given)
        return sync_event_based(machine.client, machine.journal, spec, EVENTS, **given)

    if operation != "create_audience":
        kept(BOUGHT)
    once(machine, operation)
    try:
        kept(replace(BOUGHT, name="Bought, renamed"))
    except SpotifyError:
        assert untouched(machine)
    kept(replace(BOUGHT, name="Bought, renamed"))
    assert len(machine.spotify.audiences) == 2
    assert untouched(machine)


def test_c20_what_is_listed_for_another_ad_account_is_not_taken_for_ours(machine: Machine, build_list: BuildList):
    theirs = {"id": OTHER, "name": SPEC.name, "description": SPEC.full_description, "type": "CUSTOM"}

    def mixed_up(asked: str, audience_id: str | None, answer: httpx.Response) -> httpx.Response:
        del audience_id
        page = {"audiences": [theirs], "paging": {"total_results": 1}}
        return httpx.Response(200, json=page) if asked == "list_audiences" else answer

    machine.spotify.mixed_up = mixed_up
    with pytest.raises(MirrorRefused, match=f"lists audience {OTHER} .* shows another in ad account"):
        machine.mirror(build_list(range(20)), approved=True)
    del machine.spotify.audiences[OTHER]
    with pytest.raises(MirrorRefused, match="shows none in ad account"):
        machine.mirror(build_list(range(20)), approved=True)
    assert machine.spotify.count("new_upload_url") == 0


# Two journals


def held(journal: Journal, audience: str, audience_id: str | None, account: str = AD_ACCOUNT) -> None:
    keep(journal, audience, JournalEntry(ad_account_id=account, audience_id=audience_id))


@pytest.mark.e2e
@pytest.mark.parametrize("holder", ["other", "other.2", "other.lookalike", "lapsed.2", "lapsed.lookalike"])
@pytest.mark.parametrize("account", [AD_ACCOUNT, "a0000000-0000-4000-8000-000000000009"])
def test_c20_two_journals_never_hold_one_audience(machine: Machine, build_list: BuildList, holder: str, account: str):
    machine.mirror(build_list(range(20), "2026-11-09"))
    mine = machine.entry
    with pytest.raises(StateConflict):
        held(machine.journal, holder, str(mine.audience_id).upper(), account)
    machine.lose_journal()
    held(machine.journal, holder, str(mine.audience_id).upper(), account)
    before = len(machine.spotify.asked)
    with pytest.raises(MirrorRefused, match=f"is the one of {holder} in this project.* retire"):
        machine.mirror(build_list(range(21), "2026-11-16"), approved=True)
    assert {each.operation for each in machine.spotify.asked[before:]} <= {"get_audience", "list_audiences"}
    with pytest.raises(StateConflict):
        machine.keep(mine)


def test_c20_a_ticket_for_an_audience_of_this_project_sends_nothing(machine: Machine, build_list: BuildList):
    held(machine.journal, "other", OTHER)
    machine.spotify.audiences[OTHER].shown_from = machine.spotify.time.now + 60  # not here: in another ad account
    once(machine, "new_upload_url")
    with pytest.raises(MirrorRefused, match="is the one of other"):
        machine.mirror(build_list(range(20)))
    assert machine.entry.audience_id is None
    assert machine.spotify.lists[OTHER] == [THEIR_LIST]


def test_c20_an_audience_that_spotify_fills_is_not_the_one_of_another(machine: Machine):
    time = machine.spotify.time
    machine.spotify.audiences["filled-9"] = Made(BOUGHT.name, BOUGHT.full_description, time.now, subtype="WEB_EVENT")
    held(machine.journal, "other", "filled-9")
    with pytest.raises(MirrorRefused, match="the one of other"):
        sync_event_based(machine.client, machine.journal, BOUGHT, EVENTS, clock=time, sleep=time.sleep, wait=0)
    assert machine.spotify.count("edit_audience") == 0


# Edits that come to nothing


@pytest.mark.e2e
@pytest.mark.parametrize("echoed", [False, True])
def test_c20_an_edit_that_spotify_ignores_is_reported_once_and_not_repeated(
    machine: Machine, build_list: BuildList, caplog: pytest.LogCaptureFixture, echoed: bool
):
    machine.mirror(build_list(range(20), "2026-11-09"))
    machine.spotify.edits_are_ignored = True
    if echoed:
        machine.spotify.mixed_up = echo_of(RENAMED)
    with caplog.at_level(logging.WARNING):
        outcomes = [machine.mirror(build_list(range(21 + day), f"2026-11-{16 + day}"), RENAMED) for day in range(4)]
    assert machine.spotify.count("edit_audience") == 1
    assert ["shows the old ones all the same" in str(each.recovered) for each in outcomes] == [True, *[False] * 3]
    assert caplog.text.count("shows the old ones all the same") == 1
    assert machine.spotify.content()[str(machine.entry.audience_id)] is not None
    assert [str(each.kind) for each in machine.receipts.read("lapsed", AD_ACCOUNT)] == ["created"] + ["replaced"] * 4


def test_an_ignored_edit_is_asked_for_again_once_the_yaml_says_otherwise(machine: Machine, build_list: BuildList):
    machine.mirror(build_list(range(20), "2026-11-09"))
    machine.spotify.edits_are_ignored = True
    machine.mirror(build_list(range(20), "2026-11-16"), RENAMED)
    machine.mirror(build_list(range(20), "2026-11-17"), SPEC)
    assert machine.spotify.count("edit_audience") == 1  # what the YAML says now is what Spotify shows
    machine.spotify.edits_are_ignored = False
    outcome = machine.mirror(build_list(range(20), "2026-11-18"), replace(SPEC, name="Another name"))
    assert outcome.audience.name == "Another name"
    assert machine.entry.edit_asked is None


def test_an_edit_that_shows_late_is_waited_for(machine: Machine, build_list: BuildList):
    machine.mirror(build_list(range(20), "2026-11-09"))
    looks = iter([SPEC.name, SPEC.name])
    after_edit: list[bool] = []

    def late(asked: str, audience_id: str | None, answer: httpx.Response) -> httpx.Response:
        del audience_id
        after_edit.extend([True] if asked == "edit_audience" else [])
        shown = next(looks, None) if asked == "get_audience" and after_edit else None
        return answer if shown is None else httpx.Response(200, json={**json.loads(answer.content), "name": shown})

    machine.spotify.mixed_up = late
    slept = len(machine.spotify.time.slept)
    assert machine.mirror(build_list(range(20), "2026-11-16"), RENAMED).audience.name == RENAMED.name
    assert machine.spotify.time.slept[slept:] == [2.0, 5.0]


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.ERROR_AFTER, Fault.GARBLED])
def test_an_edit_whose_answer_is_lost_was_made(machine: Machine, build_list: BuildList, fault: Fault):
    machine.mirror(build_list(range(20), "2026-11-09"))
    machine.spotify.after("edit_audience", fault)
    assert machine.mirror(build_list(range(20), "2026-11-16"), RENAMED).audience.name == RENAMED.name
    machine.spotify.faults = no_fault


def test_an_edit_that_was_not_made_is_an_error_and_is_asked_for_again(machine: Machine, build_list: BuildList):
    machine.mirror(build_list(range(20), "2026-11-09"))
    machine.spotify.after("edit_audience", Fault.ERROR_BEFORE)
    with pytest.raises(SpotifyError):
        machine.mirror(build_list(range(20), "2026-11-16"), RENAMED)
    machine.spotify.faults = no_fault
    assert machine.mirror(build_list(range(20), "2026-11-16"), RENAMED).audience.name == RENAMED.name


def echo_of(spec: AudienceSpec) -> MixUp:
    def echo(asked: str, audience_id: str | None, answer: httpx.Response) -> httpx.Response:
        del audience_id
        if asked != "edit_audience":
            return answer
        shown = {**json.loads(answer.content), "name": spec.name, "description": spec.full_description}
        return httpx.Response(200, json=shown)

    return echo


def retired(machine: Machine, audience: str, policy: RemovalPolicy) -> None:
    time = machine.spotify.time
    retire(
        machine.client, machine.journal, audience=audience, ad_account_id=AD_ACCOUNT, policy=policy,
        reason="The campaign is over.", by="Kim", clock=time, sleep=time.sleep, wait=0,
    )  # fmt: skip
