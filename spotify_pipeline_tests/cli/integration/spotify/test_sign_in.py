"""Signing in and out, and who is signed in, against a local Spotify."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spotify_pipeline.process import PASSED_ON
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.spotify import Authorization, Secret, TokenStore
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.cli import browser
from spotify_pipeline_tests.cli.conftest import Ran, Run


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_login_keeps_tokens_that_later_commands_use(
    run: Run, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SPOTIFY_REFRESH_TOKEN")
    monkeypatch.setenv("BROWSER", browser.command())
    ran = run("login", "--port", str(free_port()))
    assert (ran.code, ran.err) == (0, "")
    assert "Signed in as `default`. The tokens are in" in ran.out
    assert len(signed_in(tmp_path / "home")) == 1
    assert DEFAULTS.business_id in run("businesses").out


def test_login_goes_on_while_the_browsers_command_runs(
    run: Run, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a text browser, which ends when its user has seen the last page: the one that we show."""
    monkeypatch.setenv("BROWSER", browser.command())
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(5)
    try:
        ran = run("login", "--port", str(free_port()))
    finally:
        socket.setdefaulttimeout(before)
    assert (ran.code, ran.err) == (0, "")


def test_login_without_any_browser_shows_the_address_all_the_same(
    run: Run, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", browser.command("--fail"))
    monkeypatch.setenv("PATH", "")  # there is no other
    ran = run("login", "--port", str(free_port()))
    assert (ran.code, ran.err) == (0, "")
    assert f"{spotify.url}/authorize?" in ran.out


def test_p23_the_browser_is_told_no_secret(
    run: Run, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BROWSER", browser.command())
    monkeypatch.setenv(browser.SEEN_VARIABLE, str(tmp_path / "seen.json"))
    assert run("login", "--port", str(free_port())).code == 0
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert {each for each in seen if each.startswith("SPOTIFY_")} <= PASSED_ON


@pytest.mark.parametrize("business", ["", "acme"])
def test_login_for_a_business_that_is_no_id_is_refused_before_anything_happens(
    run: Run, spotify: SandboxServer, business: str
) -> None:
    ran = run("login", "--business", business)
    assert ran.code == 1
    assert "not a UUID" in ran.err
    assert "Sign in with Spotify" not in ran.out


@pytest.fixture
def sign_in_as(run: Run, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("SPOTIFY_REFRESH_TOKEN")
    monkeypatch.setenv("BROWSER", browser.command())

    def signed_in(*arguments: str) -> Ran:
        return run("login", "--port", str(free_port()), *arguments)

    return signed_in


def signed_in(home: Path) -> list[Authorization]:
    return TokenStore(StateStore.in_home(home)).all()


@pytest.mark.e2e
def test_labels_stay_apart_and_the_environment_chooses(
    run: Run, sign_in_as: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = sign_in_as("--label", "agency", "--business", DEFAULTS.business_id)
    assert (ran.code, ran.err) == (0, "")
    assert f"Signed in as `agency`, for the business {DEFAULTS.business_id} only." in ran.out
    without = run("businesses")
    assert without.code == 1
    assert "Nobody has signed in to Spotify for this client id as `default`" in without.err
    monkeypatch.setenv("SPOTIFY_AUTHORIZATION", "agency")
    assert DEFAULTS.business_id in run("businesses").out
    monkeypatch.setenv("SPOTIFY_AUTHORIZATION", "third")
    assert "`spotify-pipeline login --label third`" in run("businesses").err


def test_a_business_of_somebody_else_is_refused_with_those_of_the_user(run: Run, sign_in_as: Run) -> None:
    ran = sign_in_as("--business", "b0000000-0000-4000-8000-0000000000ff")
    assert ran.code == 1
    assert f"theirs: Sandbox Business ({DEFAULTS.business_id})" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert run("authorizations").out == "No authorizations.\n"


def test_a_label_that_is_none_is_refused_before_anything_happens(run: Run, spotify: SandboxServer) -> None:
    ran = run("login", "--label", "My Agency")
    assert ran.code == 1
    assert "label of an authorization" in ran.err


@pytest.mark.e2e
def test_authorizations_lists_label_business_and_both_days_and_never_a_token(
    run: Run, sign_in_as: Run, tmp_path: Path
) -> None:
    sign_in_as()
    sign_in_as("--label", "agency", "--business", DEFAULTS.business_id)
    listed = run("authorizations").out.splitlines()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    agency, default = [line.split() for line in listed[1:]]
    assert agency[:3] == ["agency", DEFAULTS.business_id, today]
    assert default[:4] == ["*", "default", "any", today]
    assert default[-1] == agency[-1] == "ok"
    shown = "".join(listed)
    for each in signed_in(tmp_path / "home"):
        assert each.access_token is not None
        assert each.refresh_token.reveal() not in shown
        assert each.access_token.reveal() not in shown


def test_authorizations_says_what_to_do_about_one_that_ends_or_has_ended(run: Run, tmp_path: Path) -> None:
    store = TokenStore(StateStore.in_home(tmp_path / "home"))
    now = datetime.now(UTC).timestamp()
    first = Authorization(issuer="https://accounts.spotify.com", client_id="client-1", refresh_token=Secret("r"))
    with store.exclusive() as tokens:
        tokens.save(replace(first, label="old", authorized_at=now - timedelta(days=170).total_seconds()))
        tokens.save(replace(first, label="revoked", authorized_at=now, needs_sign_in=True))
        tokens.save(replace(first, client_id="client-2", label="seed", bootstrapped_at=now))
    listed = run("authorizations")  # needs no client id
    assert listed.code == 0
    assert "ends soon" in listed.out
    assert "client-2" in listed.out  # of two apps, so both are named
    assert "Run `spotify-pipeline login --label old` before then." in listed.out
    assert "Run `spotify-pipeline login --label revoked`." in listed.out
    assert f"unknown, here since {datetime.fromtimestamp(now, UTC):%Y-%m-%d}" in listed.out


@pytest.mark.e2e
def test_logout_asks_and_no_keeps_everything(run: Run, sign_in_as: Run, tmp_path: Path) -> None:
    sign_in_as()
    before = signed_in(tmp_path / "home")
    for answer in (b"n\n", b"\n", b""):
        ran = run("logout", stdin=answer)
        assert ran.code == 1
        assert "Audiences at Spotify stay as they are" in ran.out
    assert signed_in(tmp_path / "home") == before


@pytest.mark.e2e
def test_logout_takes_the_tokens_of_one_label_and_leaves_the_rest(run: Run, sign_in_as: Run, tmp_path: Path) -> None:
    sign_in_as()
    sign_in_as("--label", "agency")
    other = tmp_path / "home" / "data" / "kept.json"
    other.parent.mkdir()
    other.write_text("{}")
    store = TokenStore(StateStore.in_home(tmp_path / "home"))
    ran = run("logout", stdin=b"y\n")
    assert (ran.code, ran.err) == (0, "")
    assert "Signed out of `default`. Audiences stay as they are." in ran.out
    assert [each.label for each in store.all()] == ["agency"]
    assert other.exists()
    assert "Nobody was signed in as `default`" in run("logout", "--yes").out
    assert run("businesses").code == 1


@pytest.mark.e2e
def test_logout_of_all_needs_no_client_id_and_leaves_no_token(
    run: Run, sign_in_as: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sign_in_as()
    sign_in_as("--label", "agency")
    monkeypatch.delenv("SPOTIFY_CLIENT_ID")
    assert run("logout", "--all", "--label", "agency").code == 2
    ran = run("logout", "--all", "--yes")
    assert (ran.code, ran.out) == (0, "Signed out of everything. Audiences stay as they are.\n")
    assert signed_in(tmp_path / "home") == []
    assert run("authorizations").out == "No authorizations.\n"


def test_logout_of_all_and_the_list_work_with_settings_that_are_wrong(
    run: Run, sign_in_as: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sign_in_as()
    monkeypatch.setenv("SPOTIFY_AD_ACCOUNT_ID", "not an id")
    assert "default" in run("authorizations").out
    assert run("logout", "--all", "--yes").code == 0
    assert signed_in(tmp_path / "home") == []


def test_logout_of_all_in_a_shell_without_the_seed_is_not_undone_by_it(
    run: Run, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("businesses").code == 0
    with monkeypatch.context() as shell:
        shell.delenv("SPOTIFY_REFRESH_TOKEN")
        assert run("logout", "--all", "--yes").code == 0
    ran = run("businesses")
    assert ran.code == 1
    assert "the one that is set was used before, or signed out" in ran.err


def test_logout_with_a_seed_still_set_says_so_and_the_seed_signs_nobody_in(run: Run, spotify: SandboxServer) -> None:
    assert run("businesses").code == 0
    ran = run("logout", "--yes")
    assert "SPOTIFY_REFRESH_TOKEN is still set; it is not used again" in ran.out
    assert DEFAULTS.refresh_token not in ran.out
    assert "Nobody has signed in" in run("businesses").err
