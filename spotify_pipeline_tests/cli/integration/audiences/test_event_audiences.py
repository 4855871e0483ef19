"""Commands and audiences that Spotify fills: leave is taken of them, and nobody waits for them to be forgotten."""

from __future__ import annotations

import pytest

from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.cli.mirrored import Mirrored
from spotify_pipeline_tests.components.integration.audiences.test_event_audience_yaml import BOTH
from spotify_pipeline_tests.components.runs import QUIET, Deployment, definitions_of

WHY = ("--reason", "The campaign is over", "--by", "Kim")


def created(audience: str, *assets: str) -> None:
    """A run of an audience that the project itself has no YAML of."""
    job = Deployment(definitions_of(BOTH)).job(audience, assets)
    assert job.execute_in_process(run_config=QUIET).success


@pytest.mark.e2e
def test_retire_deletes_one_with_its_lookalike_and_its_receipts_verify(
    run: Run, mirrored: Mirrored, spotify: SandboxServer
) -> None:
    created("heard", "spotify_audience", "lookalike")
    ran = run("retire", "heard", "--policy", "delete", *WHY)
    assert (ran.code, ran.err) == (0, "")
    assert [line.split(":")[0] for line in ran.out.splitlines()[:2]] == ["heard.lookalike", "heard"]
    assert list(spotify.state.audiences.of(DEFAULTS.ad_account_id)) == []
    listed = run("receipts", "list", "heard").out
    assert "ad engagement audience created" in listed
    assert "deleted" in listed
    assert run("receipts", "verify").code == 0
    assert "was deleted at Spotify before." in run("retire", "heard", "--policy", "delete", *WHY).out


@pytest.mark.e2e
def test_p16_who_is_forgotten_does_not_wait_for_an_audience_that_spotify_fills(
    run: Run, mirrored: Mirrored, spotify: SandboxServer
) -> None:
    created("bought", "spotify_audience")
    assert len(list(spotify.state.audiences.of(DEFAULTS.ad_account_id))) == 1
    assert run("forget", stdin=b"person7@example.com").code == 0
    (request,) = ErasureLedger(StateStore.in_home(mirrored.home)).requests()
    assert request.waiting == ()
