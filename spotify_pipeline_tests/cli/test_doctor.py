"""`spotify-pipeline doctor`: one line for each thing a sync needs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.cli.conftest import Run


def lines(out: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for line in out.splitlines():
        mark, _, rest = line.strip().partition("  ")
        name, _, sentence = rest.strip().partition(": ")
        found[name] = (mark.strip(), sentence)
    return found


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(file)).close()
    monkeypatch.setenv("SPOTIFY_PIPELINE_WAREHOUSE", str(file))
    return file


def test_everything_in_place_is_ok(run: Run, spotify: SandboxServer, warehouse: Path) -> None:
    ran = run("doctor")
    marks = {name: mark for name, (mark, _) in lines(ran.out).items()}
    # Dagster's home is not set here, which is worth a warning and no failure.
    assert marks.pop("Dagster's home") == "WARN"
    assert set(marks.values()) == {"ok"}, ran.out
    assert ran.code == 0


def test_with_nothing_set_up_every_line_says_what_to_do(run: Run) -> None:
    ran = run("doctor")
    said = lines(ran.out)
    assert ran.code == 1
    assert said["home"][0] == "ok"
    assert said["warehouse"][0] == "FAIL"
    assert "Set SPOTIFY_PIPELINE_WAREHOUSE" in said["warehouse"][1]
    assert said["Spotify app"][1].startswith("SPOTIFY_CLIENT_ID is not set.")
    assert said["sign-in"] == ("?", "not looked at before `Spotify app` is ok")
    assert said["ad accounts"] == ("?", "not looked at before `sign-in` is ok")


def test_an_account_that_one_may_only_look_at_fails(
    run: Run, spotify: SandboxServer, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_AD_ACCOUNT_ID", DEFAULTS.viewer_ad_account_id)
    ran = run("doctor")
    assert ran.code == 1
    mark, sentence = lines(ran.out)["ad accounts"]
    assert mark == "FAIL"
    assert "Ask its administrator for the role AD_ACCOUNT_CONTRIBUTOR" in sentence


def test_no_token_is_ever_printed(run: Run, spotify: SandboxServer, warehouse: Path) -> None:
    ran = run("doctor")
    for token in (DEFAULTS.refresh_token, DEFAULTS.client_secret):
        assert token not in ran.out + ran.err
    for access in spotify.state.access_tokens.all():
        assert access.id not in ran.out
