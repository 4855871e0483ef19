"""One audience that Spotify fills by events or ads, whatever becomes of Spotify's answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spotify_pipeline.mirror import (
    AdEngagement,
    AudienceSpec,
    EventBasedAction,
    EventBasedDefinition,
    EventBasedOutcome,
    MirrorRefused,
    RemovalPolicy,
    WebEvents,
    orphans,
    retire,
    sync_event_based,
)
from spotify_pipeline.spotify import NotFound, SpotifyError
from spotify_pipeline.state import tables
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, Made, no_fault
from spotify_pipeline_tests.mirror.machine import Machine
from spotify_pipeline_tests.state_edits import lose, tampering

CAMPAIGN, AD_SET, DATASET = (f"{letter}0000000-0000-4000-8000-00000000000a" for letter in "cad")
BOUGHT = WebEvents(dataset_ids=(DATASET,), included_events=("PURCHASE", "ADDTOCART"), lookback_days=30)
HEARD = AdEngagement(campaign_ids=(CAMPAIGN,), exposure_type="IMPRESSIONS", lookback_days=90)
SPEC = AudienceSpec(
    audience="bought", name="Bought lately", description="Bought within a month", ad_account_id=AD_ACCOUNT
)
KINDS = {"WEB_EVENT": BOUGHT, "AD_ENGAGEMENT": HEARD}
of_each_kind = pytest.mark.parametrize("definition", [pytest.param(each, id=kind) for kind, each in KINDS.items()])


def kept(machine: Machine, definition: EventBasedDefinition, spec: AudienceSpec = SPEC) -> EventBasedOutcome:
    time = machine.spotify.time
    return sync_event_based(
        machine.client,
        machine.journal,
        spec,
        definition,
        evidence={"run_id": "run-1"},
        trace_ids=lambda: ["trace-1"],
        clock=time,
        sleep=time.sleep,
        wait=0,
    )


def receipts(machine: Machine) -> list[str]:
    assert all(each.whole for each in machine.receipts.verify())
    return [str(each.kind) for each in machine.receipts.read(SPEC.audience, AD_ACCOUNT)]


def forget_journal(machine: Machine) -> None:
    lose(machine.journal, SPEC.audience, AD_ACCOUNT)


def retire_it(machine: Machine, policy: RemovalPolicy) -> None:
    time = machine.spotify.time
    retire(
        machine.client,
        machine.journal,
        audience=SPEC.audience,
        ad_account_id=AD_ACCOUNT,
        policy=policy,
        reason="The campaign is over",
        by="Kim",
        clock=time,
        sleep=time.sleep,
        wait=0,
    )


@of_each_kind
def test_it_is_created_once_and_has_a_receipt_that_says_what_of(
    machine: Machine, spotify: FakeSpotify, definition: EventBasedDefinition
) -> None:
    outcome = kept(machine, definition)
    made = spotify.audiences[outcome.audience.id]
    assert (outcome.action, made.name, KINDS[str(made.subtype)]) == (
        EventBasedAction.CREATED,
        "Bought lately",
        definition,
    )
    assert str(made.description).startswith("Bought within a month [sp:")
    (receipt,) = outcome.receipts
    said = receipt.to_json()
    assert {name: said[name] for name in definition.settings} == definition.settings
    assert (said["audience_id"], said["evidence"], said["sp_trace_ids"]) == (
        outcome.audience.id,
        {"run_id": "run-1"},
        ["trace-1"],
    )
    again = kept(machine, definition)
    assert (again.action, again.audience.id, again.receipts) == (EventBasedAction.UNCHANGED, outcome.audience.id, ())
    assert (spotify.count("create_audience"), spotify.count("edit_audience")) == (1, 0)
    assert receipts(machine) == [f"{definition.word} created"]


@of_each_kind
def test_a_name_that_the_yaml_changes_is_changed(
    machine: Machine, spotify: FakeSpotify, definition: EventBasedDefinition
) -> None:
    made = kept(machine, definition).audience.id
    outcome = kept(machine, definition, replace(SPEC, name="Another name"))
    assert (outcome.action, spotify.audiences[made].name) == (EventBasedAction.RENAMED, "Another name")
    assert receipts(machine) == [f"{definition.word} created", "renamed"]


@of_each_kind
def test_c02_a_creation_whose_answer_was_lost_is_found_and_not_repeated(
    machine: Machine, spotify: FakeSpotify, definition: EventBasedDefinition
) -> None:
    spotify.after("create_audience", Fault.CUT_AFTER)
    outcome = kept(machine, definition)
    assert outcome.action is EventBasedAction.CREATED
    assert f"The answer to the creation of {definition.word}" in str(outcome.recovered)
    assert [*spotify.audiences] == [outcome.audience.id]
    assert receipts(machine) == [f"{definition.word} created"]


@of_each_kind
@pytest.mark.parametrize("shows_after", [0.0, 60.0])
def test_c03_a_run_that_ended_after_asking_leaves_one_audience_and_one_receipt(
    machine: Machine, spotify: FakeSpotify, definition: EventBasedDefinition, shows_after: float
) -> None:
    spotify.new_audiences_show_after = shows_after
    spotify.after("create_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        kept(machine, definition)
    spotify.faults = no_fault
    if shows_after:
        with pytest.raises(MirrorRefused, match=r"less than 15 minutes ago and not answered.*Run again later"):
            kept(machine, definition)
        spotify.time.now += shows_after
    outcome = kept(machine, definition)
    assert "whose creation was begun by a run before, was found" in str(outcome.recovered)
    assert [*spotify.audiences] == [outcome.audience.id]
    assert receipts(machine) == [f"{definition.word} created"]


def test_c04_a_creation_that_never_arrived_is_asked_for_again_when_it_cannot_come_any_more(
    machine: Machine, spotify: FakeSpotify
) -> None:
    spotify.after("create_audience", Fault.CUT_BEFORE)
    with pytest.raises(SpotifyError, match=r"It is not known whether it was created\. Run again in 15 minutes"):
        kept(machine, BOUGHT)
    assert machine.journal.read(SPEC.audience, AD_ACCOUNT).is_filled_by_spotify
    spotify.faults = no_fault
    spotify.time.now += 15 * 60
    assert kept(machine, BOUGHT).action is EventBasedAction.CREATED
    assert len(spotify.audiences) == 1


def test_a_wrong_data_set_or_campaign_is_refused_by_spotify_and_asked_for_again_at_once(
    machine: Machine, spotify: FakeSpotify
) -> None:
    spotify.refused = {"create_audience": 404}
    with pytest.raises(NotFound):
        kept(machine, BOUGHT)
    spotify.refused = {}
    assert kept(machine, BOUGHT).action is EventBasedAction.CREATED


CHANGES: list[tuple[EventBasedDefinition, EventBasedDefinition, str]] = [
    (BOUGHT, replace(BOUGHT, lookback_days=60), "its lookback days are 30, and by the YAML 60"),
    (BOUGHT, replace(BOUGHT, dataset_ids=(AD_SET,)), f"its data sets are {DATASET}, and by the YAML {AD_SET}"),
    (BOUGHT, replace(BOUGHT, included_events=("LEAD",)), "events are ADDTOCART, PURCHASE, and by the YAML LEAD"),
    (BOUGHT, replace(BOUGHT, excluded_events=("LEAD",)), "its excluded events are none, and by the YAML LEAD"),
    (replace(BOUGHT, excluded_events=("LEAD",)), BOUGHT, "its excluded events are LEAD, and by the YAML none"),
    (HEARD, replace(HEARD, exposure_type="CLICKS"), "its exposure is IMPRESSIONS, and by the YAML CLICKS"),
    (HEARD, replace(HEARD, campaign_ids=(AD_SET,)), f"its campaigns are {CAMPAIGN}, and by the YAML {AD_SET}"),
    (HEARD, replace(HEARD, campaign_ids=(), ad_set_ids=(AD_SET,)), f"ad sets are none, and by the YAML {AD_SET}"),
]


@pytest.mark.e2e
@pytest.mark.parametrize("known", ["shown", "journal", "receipt", "shown, all else lost"])
@pytest.mark.parametrize(("before", "after", "told"), CHANGES, ids=[told for *_, told in CHANGES])
def test_what_spotify_cannot_change_is_refused_wherever_it_is_known_from(
    machine: Machine,
    spotify: FakeSpotify,
    before: EventBasedDefinition,
    after: EventBasedDefinition,
    told: str,
    known: str,
) -> None:
    made = kept(machine, before).audience.id
    spotify.shows_settings = known.startswith("shown")
    if known in ("receipt", "shown, all else lost"):
        forget_journal(machine)
    if known == "shown, all else lost":
        with tampering(machine.state) as transaction:
            transaction.execute(tables.receipt.delete())
    asked = len(spotify.asked)
    with pytest.raises(MirrorRefused) as refused:
        kept(machine, after)
    assert told in str(refused.value)
    assert f"Nothing was changed. Put the YAML back; or take {made} out of its ad sets and delete it" in str(
        refused.value
    )
    assert {each.operation for each in spotify.asked[asked:]} <= {"get_audience", "list_audiences"}
    assert kept(machine, before).audience.id == made  # the one way out
    del spotify.audiences[made]  # and the other
    assert kept(machine, after).action is EventBasedAction.CREATED


def test_another_order_or_a_data_set_stated_twice_is_no_change(machine: Machine, spotify: FakeSpotify) -> None:
    kept(machine, BOUGHT)
    same = replace(BOUGHT, included_events=("ADDTOCART", "PURCHASE"), dataset_ids=(DATASET.upper(), DATASET))
    assert kept(machine, same).action is EventBasedAction.UNCHANGED
    assert spotify.count("create_audience") == 1


@of_each_kind
def test_without_its_journal_it_is_found_by_its_mark(
    machine: Machine, spotify: FakeSpotify, definition: EventBasedDefinition
) -> None:
    made = kept(machine, definition).audience.id
    forget_journal(machine)
    assert kept(machine, definition).action is EventBasedAction.UNCHANGED
    entry = machine.journal.read(SPEC.audience, AD_ACCOUNT)
    assert (entry.audience_id, entry.made_of) == (made, definition.settings)
    assert len(spotify.audiences) == 1


def test_two_that_could_be_it_are_listed_and_left_alone(machine: Machine, spotify: FakeSpotify) -> None:
    made = kept(machine, BOUGHT).audience.id
    spotify.audiences["filled-too"] = spotify.audiences[made]
    forget_journal(machine)
    with pytest.raises(MirrorRefused, match=rf"could be bought: {made}, filled-too\. .* all but one in Ads Manager\."):
        kept(machine, BOUGHT)


@pytest.mark.parametrize(
    "other", [{"name": SPEC.name}, {"name": "Other", "description": SPEC.full_description, "subtype": None}]
)
def test_no_second_one_is_created_beside_an_audience_that_could_be_mistaken_for_it(
    machine: Machine, spotify: FakeSpotify, other: dict[str, Any]
) -> None:
    stated: dict[str, Any] = {"description": None, "type": "LOOKALIKE", **other}
    spotify.audiences["somebodys"] = Made(**stated, created_at=spotify.time.now)
    with pytest.raises(MirrorRefused, match=r"and is another one: somebodys\. Nothing was created\. Choose another"):
        kept(machine, BOUGHT)
    assert [*spotify.audiences] == ["somebodys"]


@of_each_kind
def test_it_is_an_orphan_without_its_yaml_and_is_deleted_by_a_persons_word(
    machine: Machine, spotify: FakeSpotify, definition: EventBasedDefinition
) -> None:
    made = kept(machine, definition).audience.id
    (orphan,) = orphans(machine.journal, [])
    assert (orphan.audience, orphan.audience_ids) == (SPEC.audience, (made,))
    assert orphans(machine.journal, [SPEC.audience]) == []
    retire_it(machine, RemovalPolicy.DELETE)
    assert spotify.audiences == {}
    assert orphans(machine.journal, []) == []
    assert receipts(machine) == [f"{definition.word} created", "deleted"]
    assert kept(machine, definition).action is EventBasedAction.CREATED  # its YAML is put back
    assert receipts(machine)[2:] == [f"{definition.word} created"]


def test_c03_one_whose_creation_was_not_answered_is_found_and_deleted(machine: Machine, spotify: FakeSpotify) -> None:
    spotify.after("create_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        kept(machine, BOUGHT)
    spotify.faults = no_fault
    retire_it(machine, RemovalPolicy.DELETE)
    assert spotify.audiences == {}


def test_one_that_was_left_is_kept_again_when_its_yaml_is_back(machine: Machine, spotify: FakeSpotify) -> None:
    made = kept(machine, BOUGHT).audience.id
    retire_it(machine, RemovalPolicy.LEAVE)
    outcome = kept(machine, BOUGHT)
    assert (outcome.action, outcome.audience.id) == (EventBasedAction.UNCHANGED, made)
    assert machine.journal.read(SPEC.audience, AD_ACCOUNT).retired_at is None
    assert len(spotify.audiences) == 1


def test_what_it_writes_is_private(machine: Machine, tmp_path: Path) -> None:
    kept(machine, BOUGHT)
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert files
    assert {each.stat().st_mode & 0o077 for each in files} == {0}
