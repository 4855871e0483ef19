"""Signing in and looking around, against a local Spotify."""

from __future__ import annotations

import os
import socket
import threading
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.cli.conftest import Run


def test_businesses_and_ad_accounts_are_listed_with_the_role(run: Run, spotify: SandboxServer) -> None:
    listed = run("businesses")
    assert (DEFAULTS.business_id in listed.out, listed.code) == (True, 0)
    accounts = run("ad-accounts").out
    (admin,) = [line for line in accounts.splitlines() if DEFAULTS.ad_account_id in line]
    (viewer,) = [line for line in accounts.splitlines() if DEFAULTS.viewer_ad_account_id in line]
    assert "AD_ACCOUNT_ADMIN" in admin
    assert "AD_ACCOUNT_VIEWER" in viewer or "VIEWER" in viewer


def test_an_account_without_audiences_says_so(run: Run, spotify: SandboxServer) -> None:
    assert run("audiences").out == "No audiences.\n"


def test_without_credentials_a_command_is_one_sentence_and_no_trace(run: Run) -> None:
    ran = run("audiences")
    assert ran.code == 1
    assert ran.err.startswith("error: SPOTIFY_CLIENT_ID is not set.")
    assert len(ran.err.splitlines()) == 1


def test_a_revoked_sign_in_is_one_sentence_with_the_command_to_run(run: Run, spotify: SandboxServer) -> None:
    for token in spotify.state.refresh_tokens.all():
        spotify.state.refresh_tokens.delete(token.id)
    ran = run("businesses")
    assert ran.code == 1
    assert "`spotify-pipeline login`" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_an_unreachable_spotify_is_one_sentence(
    run: Run, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SPOTIFY_ACCOUNTS_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        ran = run("businesses")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def agree(address: str) -> None:
    """What the person in the browser does: press the button of the consent page."""
    with urllib.request.urlopen(address) as page:  # noqa: S310 - the sandbox's own address
        page.read()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    form = urllib.parse.urlencode({**query, "decision": "agree"}).encode()
    with urllib.request.urlopen(address.split("?")[0], form) as answer:  # noqa: S310
        answer.read()


def test_login_keeps_tokens_that_later_commands_use(
    run: Run, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SPOTIFY_REFRESH_TOKEN")
    monkeypatch.setattr("webbrowser.open", lambda address: threading.Thread(target=agree, args=(address,)).start())
    ran = run("login", "--port", str(free_port()))
    assert (ran.code, ran.err) == (0, "")
    assert "Signed in." in ran.out
    stored = tmp_path / "home" / "tokens.json"
    assert os.stat(stored).st_mode & 0o777 == 0o600  # noqa: PTH116
    assert DEFAULTS.business_id in run("businesses").out


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_a_port_in_use_is_said_plainly(run: Run, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = run(command, "--port", str(taken.getsockname()[1]))
    assert ran.code == 1
    assert "in use" in ran.err
    assert len(ran.err.splitlines()) == 1
