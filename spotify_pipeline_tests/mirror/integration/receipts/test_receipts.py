"""What a receipt says, and when there is one."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import timedelta
from typing import cast

import pytest
import sqlalchemy as sa

from spotify_pipeline.mirror import AudienceSpec, MirrorAction, MirrorOutcome, RunEvidence
from spotify_pipeline.state import tables
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, SESSION_SECRET, Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine
from spotify_pipeline_tests.state_edits import keep

RENAMED = dataclasses.replace(SPEC, name="Win back")
DAY = timedelta(days=1)


@pytest.fixture
def listed(build_list: BuildList) -> Listed:
    return build_list(range(10))


@pytest.fixture
def newer(build_list: BuildList) -> Listed:
    return build_list(range(20), "2026-11-23")


def kinds(machine: Machine) -> list[str]:
    return [str(each.kind) for each in machine.receipts.read("lapsed", AD_ACCOUNT)]


def written(machine: Machine) -> list[bytes]:
    """The receipts as they are stored, in order."""
    contents = sa.select(tables.receipt.c.content).order_by(tables.receipt.c.number)
    with machine.state.read() as transaction:
        return [*transaction.execute(contents).scalars()]


def test_a_receipt_says_what_was_sent_where_and_on_whose_decision(machine: Machine, listed: Listed) -> None:
    guard = Allow(listed[1], AD_ACCOUNT, min_rows=ENOUGH)
    outcome = machine.mirroring.mirror(
        SPEC, *listed, guard=guard, evidence={"run_id": "run-1"}, trace_ids=lambda: ["trace-1", "trace-2"]
    )
    (receipt,) = outcome.receipts
    said, manifest = receipt.to_json(), listed[1]
    assert (receipt.number, receipt.previous, receipt.kind) == (1, "", "created")
    assert said["file"] == {
        "sha256": manifest.sha256,
        "bytes": manifest.bytes,
        "crc32c": manifest.crc32c,
        "md5": manifest.md5,
        "rows": 10,
    }
    assert (said["audience"], said["name"], said["audience_id"]) == ("lapsed", SPEC.name, outcome.audience.id)
    assert (said["snapshot"], said["rows_read"], said["rows_kept"]) == ("2026-11-16", 10, 10)
    assert (said["rules_version"], said["layout"], said["digests"]) == (manifest.rules_version, "wide", {"email": 10})
    assert said["decision"]["limits"]["min_rows"] == ENOUGH
    assert {each["outcome"] for each in said["decision"]["findings"]} <= {"passed", "not applicable"}
    assert said["approval"] is None
    assert said["proof"]["verified"] is True
    assert said["proof"]["bytes_sent"] == manifest.bytes
    assert (said["sp_trace_ids"], said["evidence"]) == (["trace-1", "trace-2"], {"run_id": "run-1"})
    assert said["at"].endswith("+00:00")
    assert outcome.receipts == tuple(machine.receipts.read("lapsed", AD_ACCOUNT))


def test_w09_a_receipt_names_the_limits_and_who_approved(machine: Machine, listed: Listed, newer: Listed) -> None:
    machine.mirror(listed)
    machine.lose_journal()
    said = machine.mirror(newer, approved=True).receipts[0].to_json()
    assert said["approval"]["by"] == "somebody"
    assert said["approval"]["why"] == "The journal was lost with its disk."
    assert {each["guard"]: each["outcome"] for each in said["decision"]["findings"]}["history"] == "overridden"
    assert set(said["decision"]["limits"]) >= {"min_rows", "max_shrink", "max_growth", "max_churn", "max_invalid"}


def test_p01_no_receipt_holds_a_digest_of_a_person_a_url_or_a_session(
    machine: Machine, listed: Listed, newer: Listed
) -> None:
    people = set(re.findall(r"[0-9a-f]{64}", listed[0].read_text() + newer[0].read_text()))
    machine.mirror(listed)
    machine.mirror(newer, RENAMED)
    contents = written(machine)
    assert len(contents) == 3
    for content in contents:
        text = content.decode()
        assert people.isdisjoint(re.findall(r"[0-9a-f]{64}", text))
        assert "example.com" not in text
        assert "://" not in text
        assert SESSION_SECRET not in text


def test_a_receipt_is_canonical_json_that_names_the_one_before(machine: Machine, listed: Listed, newer: Listed) -> None:
    machine.mirror(listed)
    machine.mirror(newer, RENAMED)
    first, second, third = machine.receipts.read("lapsed", AD_ACCOUNT)
    assert kinds(machine) == ["created", "renamed", "replaced"]
    assert (second.previous, third.previous) == (first.digest, second.digest)
    assert (machine.entry.receipts, machine.entry.receipt_head) == (3, third.digest)
    content = written(machine)[2]
    assert content == third.to_bytes()
    assert content.decode() == json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"))
    assert (second.to_json()["name_before"], second.to_json()["name"]) == (SPEC.name, "Win back")


def test_an_unchanged_list_has_no_receipt_and_was_accepted_when_it_was_sent(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    machine.mirror(listed)
    accepted = machine.entry.accepted_at
    spotify.time.now += 86_400
    outcome = machine.mirror(listed)
    assert (outcome.action, outcome.receipts) == (MirrorAction.UNCHANGED, ())
    assert machine.entry.accepted_at == accepted
    assert kinds(machine) == ["created"]


def mirror_of_age(machine: Machine, listed: Listed, max_age: timedelta | None) -> MirrorOutcome:
    guard = Allow(listed[1], AD_ACCOUNT, min_rows=ENOUGH)
    return machine.mirroring.mirror(SPEC, *listed, guard=guard, max_age=max_age)


@pytest.mark.parametrize(
    ("days", "max_age", "action"),
    [(2, None, "unchanged"), (2, 3 * DAY, "unchanged"), (3, 3 * DAY, "unchanged"), (4, 3 * DAY, "replaced")],
)
def test_a_list_that_was_proven_too_long_ago_is_sent_again(
    machine: Machine, spotify: FakeSpotify, listed: Listed, days: int, max_age: timedelta | None, action: str
) -> None:
    machine.mirror(listed)
    spotify.time.now += days * 86_400
    assert mirror_of_age(machine, listed, max_age).action == action


def test_a_list_of_which_it_is_not_known_when_it_was_accepted_is_old(machine: Machine, listed: Listed) -> None:
    machine.mirror(listed)
    keep(machine.journal, "lapsed", dataclasses.replace(machine.entry, accepted_at=None))
    assert mirror_of_age(machine, listed, None).action is MirrorAction.UNCHANGED
    assert mirror_of_age(machine, listed, 30 * DAY).action is MirrorAction.REPLACED


@pytest.mark.parametrize("fault", [Fault.CRASH_AFTER, Fault.CRASH_BEFORE])
def test_a_creation_that_a_later_run_finds_out_has_the_receipt_of_its_own_list(
    machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed, fault: Fault
) -> None:
    spotify.after("create_audience", fault)
    with pytest.raises(Crash):
        machine.mirror(listed)
    spotify.faults = no_fault
    machine.mirror(newer)
    first, second = machine.receipts.read("lapsed", AD_ACCOUNT)
    assert (first.kind, first.file_sha256) == ("created", listed[1].sha256)
    assert first.to_json()["decision"]["file_sha256"] == listed[1].sha256
    assert first.to_json()["proof"] is None
    assert "An earlier run uploaded the list" in first.to_json()["no_proof"]
    assert (second.kind, second.file_sha256) == ("replaced", newer[1].sha256)


def test_a_change_of_texts_whose_answer_was_lost_has_one_receipt(
    machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed
) -> None:
    machine.mirror(listed)
    spotify.after("edit_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        machine.mirror(newer, RENAMED)
    spotify.faults = no_fault
    machine.mirror(newer, RENAMED)
    assert kinds(machine) == ["created", "renamed", "replaced"]


def test_a_change_of_texts_that_was_not_made_has_none(
    machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed
) -> None:
    machine.mirror(listed)
    spotify.after("edit_audience", Fault.CRASH_BEFORE)
    with pytest.raises(Crash):
        machine.mirror(newer, RENAMED)
    spotify.faults = no_fault
    machine.mirror(newer, SPEC)
    assert kinds(machine) == ["created", "replaced"]


def test_evidence_that_is_no_json_is_refused_before_anything_is_written(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    guard = Allow(listed[1], AD_ACCOUNT, min_rows=ENOUGH)
    with pytest.raises(TypeError):
        machine.mirroring.mirror(SPEC, *listed, guard=guard, evidence=cast("RunEvidence", {"when": object()}))
    assert spotify.lists == {}


def test_receipts_of_two_audiences_are_apart(machine: Machine, listed: Listed, build_list: BuildList) -> None:
    machine.mirror(listed)
    other: AudienceSpec = dataclasses.replace(SPEC, audience="churned", name="Churned")
    machine.mirror(build_list(range(7), audience="churned"), other)
    assert kinds(machine) == ["created"]
    assert [each.number for each in machine.receipts.read("churned", AD_ACCOUNT)] == [1]
