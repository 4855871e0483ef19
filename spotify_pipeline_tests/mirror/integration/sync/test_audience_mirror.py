"""What Spotify ends up with, and what it is never asked for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from spotify_pipeline.customer_list import CustomerListError
from spotify_pipeline.mirror import AudienceMirror, AudienceSpec, GuardBlocked, Journal, MirrorAction, MirrorRefused
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.spotify import Audience, SpotifyAdsClient, SpotifyUnavailable
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList
from spotify_pipeline_tests.mirror.deployment import Mirroring, at_spotify, calls, no_pause, received, writes


class Unlucky:
    """A client of which one call fails before it is carried out."""

    def __init__(self, client: SpotifyAdsClient, call: str, *, lucky_times: int = 0) -> None:
        self._client, self._call, self._lucky_times = client, call, lucky_times

    def __getattr__(self, name: str):
        if name == self._call and self._lucky_times == 0:
            return self._fail
        self._lucky_times -= name == self._call
        return getattr(self._client, name)

    def _fail(self, *arguments, **named):
        del arguments, named
        raise SpotifyUnavailable("The connection was cut.", may_have_happened=True)


@pytest.fixture
def mirroring(client: SpotifyAdsClient, journal: Journal, build_list: BuildList) -> Mirroring:
    return Mirroring(client, journal, build_list)


def test_a_new_audience_is_uploaded_first_and_created_with_the_id_of_the_upload(
    mirroring: Mirroring, sandbox: SandboxServer, spec: AudienceSpec
) -> None:
    outcome = mirroring.mirror(spec, range(10))
    assert outcome.action is MirrorAction.CREATED
    assert outcome.proof is not None
    assert outcome.proof.verified
    (audience,) = at_spotify(mirroring.client, spec)
    assert (audience.id, audience.name) == (outcome.audience.id, "Lapsed subscribers")
    assert audience.description == f"Cancelled in the last 90 days {spec.key}"
    file, _ = mirroring.build_list(range(10))
    assert received(sandbox, audience.id) == file.read_bytes()
    routes = writes(sandbox)
    assert len(routes) == 4
    assert routes[0].endswith("/audiences/upload_url")
    assert routes[-1].endswith("/audiences")


def test_the_second_list_replaces_the_first_without_a_create_call(
    mirroring: Mirroring, sandbox: SandboxServer, spec: AudienceSpec
) -> None:
    first = mirroring.mirror(spec, range(10))
    second = mirroring.mirror(spec, range(5, 30), "2026-11-23")
    assert second.action is MirrorAction.REPLACED
    assert second.previous_snapshot == "2026-11-16"
    assert [each.id for each in at_spotify(mirroring.client, spec)] == [first.audience.id]
    file, _ = mirroring.build_list(range(5, 30), "2026-11-23")
    assert received(sandbox, first.audience.id) == file.read_bytes()
    assert sum(route.endswith("/audiences") for route in writes(sandbox)) == 1


@pytest.mark.e2e
@pytest.mark.parametrize("people", [range(0), range(ENOUGH - 1)])
def test_w01_w12_a_list_below_the_minimum_asks_nothing_of_spotify(
    mirroring: Mirroring, sandbox: SandboxServer, spec: AudienceSpec, people: range
) -> None:
    with pytest.raises(GuardBlocked, match=rf"\[minimum\] .* rows and at least {ENOUGH} are needed.*Nothing was sent"):
        mirroring.mirror(spec, people)
    assert calls(sandbox) == []


@pytest.mark.e2e
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.replace(b"a", b"A", 1),
        lambda content: content[:-1],
        lambda content: content + b"person@example.com\n",
        lambda content: content.replace(b"\n", b"\r\n"),
    ],
)
def test_p10_a_file_that_is_not_its_manifests_asks_nothing_of_spotify(
    mirroring: Mirroring, sandbox: SandboxServer, spec: AudienceSpec, damage
) -> None:
    file, manifest = mirroring.build_list(range(10))
    file.write_bytes(damage(file.read_bytes()))
    guard = Allow(manifest, spec.ad_account_id, min_rows=ENOUGH)
    with pytest.raises(CustomerListError):
        AudienceMirror(mirroring.client, mirroring.journal).mirror(spec, file, manifest, guard=guard)
    assert calls(sandbox) == []


def test_c10_an_older_snapshot_never_lands_after_a_newer_one(
    mirroring: Mirroring, sandbox: SandboxServer, spec: AudienceSpec
) -> None:
    mirroring.mirror(spec, range(10), "2026-11-23")
    before = writes(sandbox)
    with pytest.raises(MirrorRefused, match=r"2026-11-16 was built before the one Spotify has \(2026-11-23\)"):
        mirroring.mirror(spec, range(20), "2026-11-16")
    assert writes(sandbox) == before


@pytest.mark.e2e
@pytest.mark.parametrize(("before", "now"), [("once", "2026-11-23"), ("2026-11-23", "2026-11-01")])
def test_a_new_cadence_is_not_taken_for_an_older_snapshot(
    mirroring: Mirroring, spec: AudienceSpec, before: str, now: str
) -> None:
    mirroring.mirror(spec, range(10), before, built_on="2026-11-23")
    outcome = mirroring.mirror(spec, range(20), now, built_on="2026-11-24")
    assert (outcome.action, outcome.previous_snapshot) == (MirrorAction.REPLACED, before)


def test_c07_an_audience_deleted_at_spotify_is_created_again(mirroring: Mirroring, spec: AudienceSpec) -> None:
    first = mirroring.mirror(spec, range(10))
    mirroring.client.delete_audience(spec.ad_account_id, first.audience.id)
    second = mirroring.mirror(spec, range(10), "2026-11-23")
    assert second.action is MirrorAction.RECREATED
    assert [each.id for each in at_spotify(mirroring.client, spec)] == [second.audience.id] != [first.audience.id]


def test_c08_without_its_journal_the_audience_is_found_by_its_key(
    mirroring: Mirroring, spec: AudienceSpec, tmp_path: Path
) -> None:
    first = mirroring.mirror(spec, range(10))
    mirroring.journal = Journal(StateStore.in_home(tmp_path / "another machine"))
    renamed = dataclasses.replace(spec, name="Lapsed, renamed")
    with pytest.raises(GuardBlocked, match=r"\[history\] .*Nothing was sent.* run: spotify-pipeline approve lapsed"):
        mirroring.mirror(renamed, range(10), "2026-11-23")
    second = mirroring.mirror(renamed, range(10), "2026-11-23", approved=True)
    assert (second.action, second.audience.id) == (MirrorAction.REPLACED, first.audience.id)
    assert [each.name for each in at_spotify(mirroring.client, spec)] == ["Lapsed, renamed"]


def test_where_the_key_does_not_fit_name_and_description_find_the_audience(
    mirroring: Mirroring, spec: AudienceSpec, tmp_path: Path
) -> None:
    wordy = dataclasses.replace(spec, description="x" * 80)
    first = mirroring.mirror(wordy, range(10))
    assert first.audience.description == "x" * 80
    mirroring.journal = Journal(StateStore.in_home(tmp_path / "another machine"))
    assert mirroring.mirror(wordy, range(10), approved=True).audience.id == first.audience.id


def test_somebody_elses_audience_of_the_same_name_is_neither_replaced_nor_doubled(
    mirroring: Mirroring, sandbox: SandboxServer, spec: AudienceSpec
) -> None:
    theirs = mirroring.mirror(dataclasses.replace(spec, audience="theirs"), range(10)).audience
    before = writes(sandbox)
    with pytest.raises(MirrorRefused, match=rf'named "Lapsed subscribers" that mirrors another.*{theirs.id}'):
        mirroring.mirror(spec, range(20))
    assert writes(sandbox) == before


def made_by_hand(mirroring: Mirroring, spec: AudienceSpec, tmp_path: Path) -> Audience:
    somebody = Mirroring(mirroring.client, Journal(StateStore.in_home(tmp_path / "somebody's")), mirroring.build_list)
    return somebody.mirror(dataclasses.replace(spec, audience="theirs", name="Made by hand"), range(10)).audience


def test_an_existing_audience_can_be_adopted(mirroring: Mirroring, spec: AudienceSpec, tmp_path: Path) -> None:
    theirs = made_by_hand(mirroring, spec, tmp_path)
    adopting = dataclasses.replace(spec, adopted_audience_id=theirs.id)
    outcome = mirroring.mirror(adopting, range(20), approved=True)
    assert (outcome.action, outcome.audience.id) == (MirrorAction.REPLACED, theirs.id)
    assert (outcome.audience.name, outcome.audience.description) == ("Lapsed subscribers", spec.description)


def test_an_adopted_audience_keeps_the_texts_that_the_yaml_does_not_state(
    mirroring: Mirroring, spec: AudienceSpec, tmp_path: Path
) -> None:
    theirs = made_by_hand(mirroring, spec, tmp_path)
    silent = dataclasses.replace(
        spec, name="folder", name_is_stated=False, description=None, adopted_audience_id=theirs.id
    )
    outcome = mirroring.mirror(silent, range(20), approved=True)
    assert (outcome.audience.name, outcome.audience.description) == (theirs.name, theirs.description)


def test_a_refused_rename_sends_no_list(mirroring: Mirroring, sandbox: SandboxServer, spec: AudienceSpec) -> None:
    first = mirroring.mirror(spec, range(10)).audience
    before = received(sandbox, first.id)
    working, mirroring.client = mirroring.client, Unlucky(mirroring.client, "edit_audience")
    with pytest.raises(SpotifyUnavailable):
        mirroring.mirror(dataclasses.replace(spec, name="Win back"), range(20), "2026-11-23")
    assert received(sandbox, first.id) == before
    mirroring.client = working


def test_a_list_that_was_sent_is_no_failure_when_spotify_cannot_be_asked_afterwards(
    mirroring: Mirroring, sandbox: SandboxServer, spec: AudienceSpec, journal: Journal
) -> None:
    adopting = dataclasses.replace(spec, adopted_audience_id=mirroring.mirror(spec, range(10)).audience.id)
    mirroring.client = Unlucky(mirroring.client, "audience", lucky_times=1)
    assert mirroring.mirror(adopting, range(20), "2026-11-23").action is MirrorAction.REPLACED
    assert journal.read(spec.audience, spec.ad_account_id).snapshot == "2026-11-23"


def test_c09_two_runs_of_one_audience_never_overlap(
    mirroring: Mirroring, sandbox: SandboxServer, journal: Journal, spec: AudienceSpec
) -> None:
    other_run = journal.lease(spec.audience, spec.ad_account_id, wait=0, sleep=no_pause)
    with other_run, pytest.raises(MirrorRefused, match=r"Another run is mirroring lapsed right now\. Nothing was sent"):
        mirroring.mirror(spec, range(10))
    assert calls(sandbox) == []
    assert mirroring.mirror(spec, range(10)).action is MirrorAction.CREATED


def test_an_adopted_id_that_spotify_does_not_know_is_refused_not_created(
    mirroring: Mirroring, sandbox: SandboxServer, spec: AudienceSpec
) -> None:
    nobody = "11111111-1111-4111-8111-111111111111"
    with pytest.raises(MirrorRefused, match=f"has no audience {nobody}, which the YAML of lapsed adopts"):
        mirroring.mirror(dataclasses.replace(spec, adopted_audience_id=nobody), range(10))
    assert writes(sandbox) == []


def test_a_text_changed_in_the_yaml_reaches_spotify_with_the_next_list(
    mirroring: Mirroring, spec: AudienceSpec
) -> None:
    mirroring.mirror(spec, range(10))
    changed = dataclasses.replace(spec, name="Win back", description="Another text")
    outcome = mirroring.mirror(changed, range(11), "2026-11-23")
    assert (outcome.audience.name, outcome.audience.description) == ("Win back", f"Another text {spec.key}")
