"""What `spotify-pipeline doctor` says of feeds: whether their events arrive, and whether their accounts add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spotify_pipeline.cli.doctor.check_result import CheckResult, State
from spotify_pipeline.cli.doctor.feeds import connections, outboxes
from spotify_pipeline.cli.project import FeedConnection
from spotify_pipeline.conversions import Stop, open_outbox
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer, read_fault
from spotify_pipeline.sandbox.store.records import Share
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.cli.integration.doctor.test_doctor import lines
from spotify_pipeline_tests.home.here import home_here

UNKNOWN = "9f6b2d30-0000-4000-8000-00000000abcd"
USUAL = FeedConnection(None, "SPOTIFY_CAPI_TOKEN")


def checked(*targets: FeedConnection) -> CheckResult:
    return connections(lambda: {f"feed_{number}": target for number, target in enumerate(targets or (USUAL,))})


def altered(spotify: SandboxServer, **values: object) -> None:
    """The list of data sets shows these values of every one of them."""
    edit = {
        "do": "edit_json",
        "set": {f"datasets.*.{path.replace('__', '.')}": value for path, value in values.items()},
    }
    spotify.state.faults.script(
        read_fault({"name": "altered", "operation": "list_datasets", "times": "always", "after": [edit]})
    )


def put_pixel_into_the_shops_data_set(spotify: SandboxServer, *, late: bool) -> None:
    (pixel,) = spotify.state.pixels.all()
    spotify.state.pixels.put(replace(pixel, dataset_id=DEFAULTS.dataset_id, joined_late=late))


def test_events_that_arrive_and_are_shared_are_ok(spotify: SandboxServer) -> None:
    found = checked()
    assert found.state is State.OK, found.sentence
    assert DEFAULTS.dataset_id in found.sentence
    put_pixel_into_the_shops_data_set(spotify, late=False)
    assert checked().state is State.OK


def test_missing_token_is_named_by_its_variable(spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPOTIFY_CAPI_TOKEN")
    found = checked(USUAL, FeedConnection(None, "SHOP_TOKEN"))
    assert found.state is State.FAILED
    for variable in ("SPOTIFY_CAPI_TOKEN", "SHOP_TOKEN"):
        assert f"{variable} is not set" in found.sentence
    assert "conversions create-token" in found.sentence


def test_connection_that_nobody_states_is_asked_for(spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPOTIFY_CAPI_CONNECTION_ID")
    assert checked(FeedConnection(DEFAULTS.capi_connection_id, "SPOTIFY_CAPI_TOKEN")).state is State.OK
    found = checked()
    assert found.state is State.FAILED
    assert "SPOTIFY_CAPI_CONNECTION_ID is not set" in found.sentence


def test_unknown_connection_fails(spotify: SandboxServer) -> None:
    found = checked(FeedConnection(UNKNOWN, "SPOTIFY_CAPI_TOKEN"))
    assert found.state is State.FAILED
    assert f"No data set of yours has the connection {UNKNOWN}" in found.sentence


def test_archived_data_set_fails(spotify: SandboxServer) -> None:
    altered(spotify, is_archived=True)
    found = checked()
    assert found.state is State.FAILED
    assert "which is archived" in found.sentence


@pytest.mark.parametrize("named", [None, UNKNOWN])
def test_pixel_that_joined_late_fails(spotify: SandboxServer, named: str | None) -> None:
    put_pixel_into_the_shops_data_set(spotify, late=True)
    if named:
        altered(spotify, pixel__dataset_id=named)
    found = checked()
    assert found.state is State.FAILED
    assert f"whose pixel names {named or 'no data set'}" in found.sentence


@pytest.mark.parametrize("named", [None, UNKNOWN])
def test_connection_that_names_another_data_set_is_a_warning(spotify: SandboxServer, named: str | None) -> None:
    altered(spotify, capi_integration__dataset_id=named)
    found = checked()
    assert found.state is State.WARNING
    assert f"names {named or 'no data set'} itself" in found.sentence


def test_data_set_that_the_ad_account_may_not_use_is_a_warning(
    spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_AD_ACCOUNT_ID", DEFAULTS.ad_account_id.upper())
    assert checked().state is State.OK
    monkeypatch.setenv("SPOTIFY_AD_ACCOUNT_ID", DEFAULTS.viewer_ad_account_id)
    found = checked()
    assert found.state is State.WARNING
    assert f"ad account {DEFAULTS.viewer_ad_account_id} may not use" in found.sentence
    assert f"conversions share {DEFAULTS.dataset_id}`" in found.sentence
    monkeypatch.delenv("SPOTIFY_AD_ACCOUNT_ID")
    assert checked().state is State.OK
    spotify.state.shares.delete(Share.name_of(DEFAULTS.dataset_id, DEFAULTS.ad_account_id))
    found = checked()
    assert found.state is State.WARNING
    assert "no ad account may use" in found.sentence


def test_pixel_beside_that_may_send_the_same_events_is_a_warning(spotify: SandboxServer) -> None:
    spotify.state.shares.put(Share.of(DEFAULTS.pixel_dataset_id, DEFAULTS.ad_account_id))
    found = checked()
    assert found.state is State.WARNING
    assert f"connect NAME --dataset {DEFAULTS.pixel_dataset_id}`" in found.sentence


def test_no_feed_needs_nothing() -> None:
    assert connections(dict).state is outboxes(dict).state is State.OK


@pytest.mark.e2e
def test_doctor_tells_both_and_never_the_token(run: Run, spotify: SandboxServer, tmp_path: Path) -> None:
    ran = run("doctor")
    said = lines(ran.out)
    assert said["outboxes"] == ("ok", "web_shop: nothing was read yet.")
    assert said["conversions"][0] == "ok"
    assert DEFAULTS.capi_token not in ran.out + ran.err


def test_a21_feed_that_stopped_fails(run: Run) -> None:
    with open_outbox("shop", StateStore.in_home(home_here())) as outbox:
        outbox.stop(Stop(at=datetime(2026, 11, 15, 9, 30, tzinfo=UTC), answer='200 {"ok": false}', known=""))
    found = outboxes(lambda: {"shop": USUAL})
    assert found.state is State.FAILED
    assert 'on 2026-11-15 at 09:30 UTC Spotify answered 200 {"ok": false}' in found.sentence
    assert "spotify-pipeline conversions resume shop" in found.sentence


def test_an_outbox_that_a_run_holds_is_looked_at_all_the_same(run: Run) -> None:
    with open_outbox("shop", StateStore.in_home(home_here())):
        found = outboxes(lambda: {"shop": USUAL})
    assert found == CheckResult(State.OK, "shop: the accounts add up.")
