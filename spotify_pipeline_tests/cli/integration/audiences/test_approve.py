"""`approve`, `plan` and `changes`, around a list that guards hold back."""

from __future__ import annotations

import re

import pytest

from spotify_pipeline.identity import RULES_VERSION
from spotify_pipeline.mirror import Approval, ApprovalStore, ApprovedRules
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.cli.mirrored import AUDIENCE, Mirrored, newest_partition
from spotify_pipeline_tests.components.runs import digests_at_spotify, said_by
from spotify_pipeline_tests.customer_list.snapshots import materialize

WHY = ("--reason", "The trial users were moved to another list", "--by", "Kim")


def approvals(mirrored: Mirrored) -> list[Approval]:
    return ApprovalStore(StateStore.in_home(mirrored.home)).history(AUDIENCE, DEFAULTS.ad_account_id)


@pytest.mark.e2e
def test_w02_w10_a_list_that_is_held_back_goes_once_it_is_approved_of(
    run: Run, mirrored: Mirrored, spotify: SandboxServer
) -> None:
    assert mirrored.run(3000).success
    mirrored.segment(1500)
    planned = run("plan", AUDIENCE)
    assert planned.code == 1
    assert " ".join(planned.out.splitlines()[1].split()) == f"{AUDIENCE} blocked 0 1,500 1,500 1,500"
    assert f"{AUDIENCE}: " in planned.out
    assert "[shrink]" in planned.out
    assert "@example.com" not in planned.out + planned.err
    mirrored.run(1500)
    said = said_by(mirrored.run(1500, "spotify_audience"))
    assert f"spotify-pipeline approve {AUDIENCE} --file-digest {mirrored.sha256()[:12]}" in said
    ran = run("approve", AUDIENCE, "--file-digest", mirrored.sha256()[:12].upper(), *WHY)
    assert (ran.code, ran.err) == (0, "")
    assert f"Approved by Kim: the list of {AUDIENCE} for {newest_partition()} with 1,500 rows" in ran.out
    assert f"Now materialize {AUDIENCE}/spotify_audience for partition {newest_partition()}" in ran.out
    assert mirrored.run(1500, "spotify_audience").success
    assert len(digests_at_spotify(spotify, name="Newsletter readers")) == 1500
    (approval,) = approvals(mirrored)
    assert approval.used_at is not None
    listed = run("receipts", "list", AUDIENCE)
    assert [line.split()[-2] for line in listed.out.splitlines()][-1] == "Kim"
    compared = run("changes", AUDIENCE)
    assert compared.code == 0
    assert "1,500" in compared.out
    assert "@example.com" not in compared.out
    assert run("overlap").code == 0
    assert run("plan", AUDIENCE).code == 0


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody", "--file-digest", "a" * 64, *WHY), "The project defines no audience nobody."),
        (("../x", "--file-digest", "a" * 64, *WHY), "The project defines no audience ../x."),
        ((AUDIENCE, "--file-digest", "a" * 12, *WHY), "No list of newsletter_readers that is kept here has a digest"),
        ((AUDIENCE, "--file-digest", "a" * 11, *WHY), "--file-digest takes the first 12 to 64 hex digits"),
        ((AUDIENCE, "--file-digest", "x" * 64, *WHY), "--file-digest takes the first 12 to 64 hex digits"),
        ((AUDIENCE, "--file-digest", "a" * 64, "--reason", " it is ok  "), "Give a reason of at least 10 characters"),
    ],
)
def test_w10_w11_what_names_no_list_or_gives_no_reason_approves_of_nothing(
    run: Run, mirrored: Mirrored, arguments: tuple[str, ...], sentence: str
) -> None:
    materialize(mirrored.store, AUDIENCE, "2026-10")
    ran = run("approve", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: {sentence}")
    assert len(ran.err.splitlines()) == 1
    assert approvals(mirrored) == []


@pytest.mark.e2e
def test_w10_the_digests_that_there_are_are_shown(run: Run, mirrored: Mirrored) -> None:
    sha256 = materialize(mirrored.store, AUDIENCE, "2026-10").sha256
    assert f"Kept are: 2026-10 ({sha256[:12]})." in run("approve", AUDIENCE, "--file-digest", "a" * 64, *WHY).err


@pytest.mark.e2e
def test_one_list_of_two_snapshots_can_be_approved_of(run: Run, mirrored: Mirrored) -> None:
    for month in ("2026-10", "2026-11"):
        sha256 = materialize(mirrored.store, AUDIENCE, month).sha256
    assert run("approve", AUDIENCE, "--file-digest", sha256, *WHY).code == 0
    (approval,) = approvals(mirrored)
    assert (approval.file_sha256, approval.ad_account_id) == (sha256, DEFAULTS.ad_account_id)


@pytest.mark.e2e
def test_changes_need_two_lists_of_an_audience_that_there_is(run: Run, mirrored: Mirrored) -> None:
    materialize(mirrored.store, AUDIENCE, "2026-10")
    assert run("changes", AUDIENCE).err.startswith("error: Two lists are needed to compare, and 1 of")
    assert run("changes", "nobody").err.startswith("error: The project defines no audience nobody.")
    assert run("plan", "nobody").err.startswith("error: There is no audience nobody.")


@pytest.mark.e2e
def test_a_warehouse_that_is_not_there_is_said_without_a_trace(run: Run, mirrored: Mirrored) -> None:
    ran = run("plan", AUDIENCE)
    assert ran.code == 1
    assert "Traceback" not in ran.out + ran.err
    assert str(mirrored.warehouse) in ran.out + ran.err


@pytest.mark.e2e
def test_w10_a_change_that_is_approved_of_lets_the_next_list_pass_whatever_its_bytes(
    run: Run, mirrored: Mirrored, spotify: SandboxServer
) -> None:
    assert mirrored.run(3000).success
    held = mirrored.run(1500)
    assert not held.success
    ran = run("approve", AUDIENCE, "--change", *WHY)
    assert (ran.code, ran.err) == (0, "")
    assert "shrink: rows up to 55.0%" in ran.out
    assert "@example.com" not in ran.out
    assert not mirrored.run(1200).success
    assert mirrored.run(1480).success
    assert len(digests_at_spotify(spotify, name="Newsletter readers")) == 1480
    (approval,) = approvals(mirrored)
    assert approval.used_for == mirrored.sha256()
    assert mirrored.run(1470).success  # and nothing is held against the list of before the approval
    refused = run("approve", AUDIENCE, "--change", *WHY)
    assert (refused.code, refused.out) == (1, "")
    assert "nothing blocks. Nothing was approved." in " ".join(refused.err.split())


@pytest.mark.e2e
def test_w10_what_is_no_change_of_shares_is_approved_of_by_its_file_only(run: Run, mirrored: Mirrored) -> None:
    assert mirrored.run(3000).success
    mirrored.run(900)
    refused = run("approve", AUDIENCE, "--change", *WHY)
    assert refused.code == 1
    said = " ".join(refused.err.split())
    assert "not everything that blocks is a change that can be approved: minimum, shrink" in said
    assert f"--file-digest {mirrored.sha256()[:12]}. Nothing was approved." in said


@pytest.mark.e2e
def test_one_word_approves_in_all_audiences_of_what_other_identity_rules_change(run: Run, mirrored: Mirrored) -> None:
    assert mirrored.run(3000).success
    refused = run("approve", "--rules-changed", *WHY)
    assert refused.code == 1
    assert "was built by other identity rules" in " ".join(refused.err.split())
    (file,) = [each for each in mirrored.home.rglob("manifest.json") if AUDIENCE in str(each)]
    file.write_text(re.sub(r'"rules_version": \d+', '"rules_version": 1', file.read_text()))
    ran = run("approve", "--rules-changed", *WHY)
    assert (ran.code, ran.err) == (0, "")
    assert f"{AUDIENCE} (from version 1)" in ran.out
    (approval,) = approvals(mirrored)
    assert approval.rules == ApprovedRules(before=1, now=RULES_VERSION)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (AUDIENCE,),
        ("--change",),
        (AUDIENCE, "--change", "--rules-changed"),
        (AUDIENCE, "--change", "--file-digest", "a" * 64),
    ],
)
def test_an_approval_says_what_it_is_for(run: Run, arguments: tuple[str, ...]) -> None:
    refused = run("approve", *arguments, *WHY)
    assert refused.code == 1
    assert "Specify what to approve" in " ".join(refused.err.split())


@pytest.mark.e2e
def test_w10_the_change_of_a_list_that_was_thinned_and_held_back_can_be_approved_of(
    run: Run, mirrored: Mirrored, spotify: SandboxServer
) -> None:
    assert mirrored.run(3000).success
    mirrored.decline(1500)
    assert f"approve {AUDIENCE} --change" in said_by(mirrored.run(3000, "spotify_audience"))
    ran = run("approve", AUDIENCE, "--change", *WHY)
    assert (ran.code, ran.err) == (0, "")
    assert mirrored.run(3000, "spotify_audience").success
    assert len(digests_at_spotify(spotify, name="Newsletter readers")) == 1500
