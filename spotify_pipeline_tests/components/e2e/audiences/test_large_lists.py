"""Lists beyond the largest file, and lookalikes, as Dagster runs them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.checks.guards import GUARDS
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.mirror import RemovalPolicy, parts_in_use, retire
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.spotify import SpotifyAdsClient, TokenStore
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.runs import (
    ASSETS,
    PEOPLE,
    Deployment,
    change_people,
    digest,
    digests_at_spotify,
    evaluations,
    metadata,
)
from spotify_pipeline_tests.home.here import home_here
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.spotify.from_variables import spotify_settings_of

SMALL = PEOPLE.replace("guards: {min_rows: 3}", "guards: {min_rows: 3, max_bytes: 1500}")


def test_a_list_beyond_the_largest_file_is_held_back_by_default(
    load: Callable[..., dg.Definitions], environment: Path
) -> None:
    result = Deployment(load({"people": SMALL})).run()
    assert not result.success
    assert "[oversize]" in str(evaluations(result, GUARDS)["customer_list"].description)


def test_a_list_may_be_sent_in_parts(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    deployment = Deployment(load({"people": SMALL + "  oversize: split\n"}))
    result = deployment.run()
    assert result.success
    names = {each.name for each in sandbox.state.audiences.of(DEFAULTS.ad_account_id)}
    assert names == {"People (1/2)", "People (2/2)"}
    both = [digests_at_spotify(sandbox, name=name) for name in sorted(names)]
    assert both[0].isdisjoint(both[1])
    assert len(both[0] | both[1]) == 30
    assert "| 2 | People (2/2) |" in str(metadata(result, "spotify_audience")["parts"])
    again = deployment.run()
    assert metadata(again, "spotify_audience")["done"] == "unchanged"


def test_a_list_may_be_cut_to_those_ranked_first(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    change_people(environment, "ALTER TABLE crm.people ADD COLUMN score INTEGER")
    change_people(environment, "UPDATE crm.people SET score = CAST(regexp_extract(email, '[0-9]+') AS INTEGER)")
    cut = SMALL + "  oversize: {truncate: {order_by: score, keep: highest}}\n"
    assert Deployment(load({"people": cut})).run().success
    sent = digests_at_spotify(sandbox)
    assert digest("person39@example.com") in sent
    assert digest("person1@example.com") not in sent
    assert PipelineHome().snapshots.manifest("people", "once").truncated_by == "highest score"


def test_a_lookalike_is_made_once_of_the_audience(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    deployment = Deployment(load({"people": PEOPLE + "  lookalike: People like them\n"}))
    first = deployment.run(*ASSETS, "lookalike")
    assert first.success
    assert metadata(first, "lookalike")["done"] == "created"
    assert metadata(deployment.run("lookalike"), "lookalike")["done"] == "unchanged"
    assert {each.name for each in sandbox.state.audiences.of(DEFAULTS.ad_account_id)} == {"People", "People like them"}


def test_p21_a_list_that_fits_again_goes_back_to_one_audience_once_its_part_is_given_up(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert Deployment(load({"people": SMALL + "  oversize: split\n"})).run().success
    roomy = Deployment(load({"people": PEOPLE + "  oversize: split\n"}))
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    assert roomy.run().success
    said = capfd.readouterr().err
    assert "The list needs 1 of the 2 parts in which it was sent" in said
    assert "To give up people.2, run: spotify-pipeline retire people.2 --policy delete" in said
    home = PipelineHome()
    with SpotifyAdsClient.open(spotify_settings_of(os.environ), TokenStore(StateStore.in_home(home_here()))) as client:
        retire(
            client,
            home.journal,
            audience="people.2",
            ad_account_id=DEFAULTS.ad_account_id,
            policy=RemovalPolicy.DELETE,
            reason="It fits again.",
            by="Kim",
        )
    result = roomy.run()
    assert result.success
    assert {each.name for each in sandbox.state.audiences.of(DEFAULTS.ad_account_id)} == {"People"}
    assert len(digests_at_spotify(sandbox)) == 31
    assert "parts in which it was sent" not in capfd.readouterr().err


def test_w17_p21_a_list_that_is_held_back_does_not_say_that_a_part_is_needed_no_more(
    load: Callable[..., dg.Definitions], environment: Path
) -> None:
    deployment = Deployment(load({"people": SMALL + "  oversize: split\n"}))

    def in_use() -> int | None:
        home = PipelineHome()
        return parts_in_use(home.snapshots, home.journal, "people", DEFAULTS.ad_account_id, 1500)

    assert deployment.run().success
    assert in_use() == 2
    change_people(environment, "UPDATE crm.people SET agreed = false WHERE length(email) > 19")
    assert not deployment.run("spotify_audience").success
    assert in_use() == 2
    assert not deployment.run().success
    assert PipelineHome().snapshots.lists("people")[0][1].bytes < 1500
    assert in_use() == 2
    change_people(environment, "UPDATE crm.people SET agreed = true WHERE email > 'person2'")
    assert deployment.run().success
    for path, _ in PipelineHome().snapshots.lists("people"):
        on_disk(path).unlink()
    assert in_use() is None
