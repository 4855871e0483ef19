"""Signing in and looking around, against a local Spotify."""

from __future__ import annotations

import json
import socket

import pytest

from spotify_pipeline.cli.table import print_table
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer, read_fault
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


@pytest.mark.e2e
@pytest.mark.parametrize("command", ["businesses", "ad-accounts", "audiences"])
def test_label_chooses_the_authorization(run: Run, spotify: SandboxServer, command: str) -> None:
    assert run(command, "--label", "default").code == 0
    ran = run(command, "--label", "agency")
    assert ran.code == 1
    assert "as `agency` yet. Run `spotify-pipeline login --label agency`" in ran.err


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


@pytest.mark.e2e
def test_an_unreachable_spotify_is_one_sentence(
    run: Run, spotify: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SPOTIFY_ACCOUNTS_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        ran = run("businesses")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_a_port_in_use_is_said_plainly(run: Run, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = run(command, "--port", str(taken.getsockname()[1]))
    assert ran.code == 1
    assert "in use" in ran.err
    assert len(ran.err.splitlines()) == 1


ODD_NAMES = {
    "\x1b]0;x\x07": r"\x1b]0;x\x07",
    "\x1b[2J\x9b31m": r"\x1b[2J\x9b31m",
    "turned \u202earound": r"turned \u202earound",
    "half \ud800 a pair": "half \N{REPLACEMENT CHARACTER} a pair",
    "two\nlines\tand a tab": "two lines and a tab",
    "[bold]markup[/bold]": "[bold]markup[/bold]",
    "Caf\u00e9": "Caf\u00e9",
}


def test_names_from_spotify_move_no_terminal_and_hide_no_row(run: Run, spotify: SandboxServer) -> None:
    named = [
        {"id": f"9f6b2d30-0000-4000-8000-00000000000{number}", "name": name, "status": f"LIVE{name}", "type": name}
        for number, name in enumerate(ODD_NAMES)
    ]
    page = {"audiences": named, "paging": {"total_results": len(named)}}
    reply = {"do": "reply", "status": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(page)}
    spotify.state.faults.script(read_fault({"operation": "list_audiences", "before": [reply]}))
    listed = run("audiences")
    assert listed.code == 0, listed.err
    lines = listed.out.splitlines()[1:]
    assert [each["id"] in line for each, line in zip(named, lines, strict=True)] == [True] * len(named)
    assert all(shown in line for shown, line in zip(ODD_NAMES.values(), lines, strict=True))
    assert all(line.isprintable() for line in lines)


def test_what_spotify_says_of_an_error_moves_no_terminal(run: Run, spotify: SandboxServer) -> None:
    body = json.dumps({"messages": ["no\x1b[2J\u202e \ud800 way\nerror: fine"], "error_codes": [{"code": "A\x9bB"}]})
    reply = {"do": "reply", "status": 400, "headers": {"Content-Type": "application/json"}, "body": body}
    spotify.state.faults.script(read_fault({"operation": "list_businesses", "before": [reply]}))
    ran = run("businesses")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1
    assert ran.err.rstrip("\n").isprintable()


def test_a_name_is_shown_as_it_is_and_not_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["[/x]", "[bold]loud[/bold]", ":smile:", "[link=https://example.com]here[/link]"]
    print_table("audiences", ("name", "size"), [(name, "1") for name in names])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == names
