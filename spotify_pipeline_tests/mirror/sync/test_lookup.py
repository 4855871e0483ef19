"""Which audience is taken for ours when no id leads to it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from spotify_pipeline.mirror import MirrorRefused, Phase, Unfinished, WriteKind
from spotify_pipeline.mirror.writes.lookup import find_audience
from spotify_pipeline.spotify import Audience
from spotify_pipeline_tests.mirror.machine import SPEC

BEGUN = datetime(2026, 11, 16, 5, tzinfo=UTC)
ASKED_FOR = Unfinished(
    kind=WriteKind.CREATE,
    phase=Phase.CREATING,
    audience_id="asked-for",
    name=SPEC.name,
    description=SPEC.full_description,
    begun_at=BEGUN.isoformat(),
    asked_at=(BEGUN + timedelta(hours=1)).isoformat(),
)
NAMESAKE = Audience(id="namesake", name=SPEC.name, subtype="CUSTOMER_LIST", created_at=BEGUN)


def test_a_namesake_is_somebody_elses_unless_we_asked_for_one() -> None:
    with pytest.raises(
        MirrorRefused, match=r"already has an audience named .* put its id as audience_id into the YAML"
    ):
        find_audience(SPEC, [NAMESAKE])
    assert find_audience(SPEC, [NAMESAKE], ASKED_FOR) == NAMESAKE


@pytest.mark.parametrize(("minutes", "ours"), [(-11, False), (-10, True), (0, True), (70, True), (71, False)])
def test_a_namesake_made_before_we_asked_or_after_we_asked_last_is_somebody_elses(minutes: int, ours: bool) -> None:
    namesake = dataclasses.replace(NAMESAKE, created_at=BEGUN + timedelta(minutes=minutes))
    if ours:
        assert find_audience(SPEC, [namesake], ASKED_FOR) == namesake
    else:
        with pytest.raises(MirrorRefused):
            find_audience(SPEC, [namesake], ASKED_FOR)


def test_a_namesake_of_unknown_age_is_ours_by_its_description_only() -> None:
    wordless = dataclasses.replace(ASKED_FOR, description="As it was then")
    ageless = dataclasses.replace(NAMESAKE, created_at=None, description="As it was then")
    assert find_audience(SPEC, [ageless], wordless) == ageless
    with pytest.raises(MirrorRefused):
        find_audience(SPEC, [dataclasses.replace(ageless, description="Another")], wordless)


def test_a_namesake_with_the_key_of_another_audience_is_never_ours() -> None:
    other = dataclasses.replace(SPEC, audience="other").full_description
    with pytest.raises(MirrorRefused):
        find_audience(SPEC, [dataclasses.replace(NAMESAKE, description=other)], ASKED_FOR)


def test_a_namesake_of_another_kind_is_never_ours() -> None:
    with pytest.raises(MirrorRefused, match="not made of a customer list, so it cannot be taken over: choose another"):
        find_audience(SPEC, [dataclasses.replace(NAMESAKE, subtype="WEB_EVENT")], ASKED_FOR)


def test_a_lookalike_is_never_ours_whatever_it_says_of_itself() -> None:
    lookalike = Audience(id="like", name=SPEC.name, type="LOOKALIKE", description=SPEC.full_description)
    with pytest.raises(MirrorRefused):
        find_audience(SPEC, [lookalike], ASKED_FOR)


def test_a_namesake_that_is_another_audience_of_this_project_is_not_to_be_adopted() -> None:
    other = dataclasses.replace(SPEC, audience="other").full_description
    with pytest.raises(MirrorRefused, match=r"mirrors another audience of this project.*: namesake") as refused:
        find_audience(SPEC, [dataclasses.replace(NAMESAKE, description=other)])
    assert "audience_id" not in str(refused.value)


def test_the_name_counts_that_the_audience_had_when_we_asked() -> None:
    renamed = dataclasses.replace(SPEC, name="Renamed in the YAML since")
    assert find_audience(renamed, [NAMESAKE], ASKED_FOR) == NAMESAKE


def test_c05_an_audience_with_our_key_and_one_we_asked_for_are_two() -> None:
    keyed = Audience(id="keyed", name="Another name", subtype="CUSTOMER_LIST", description=SPEC.key)
    with pytest.raises(MirrorRefused, match=r"2 audiences .* keyed, namesake"):
        find_audience(SPEC, [keyed, NAMESAKE], ASKED_FOR)
