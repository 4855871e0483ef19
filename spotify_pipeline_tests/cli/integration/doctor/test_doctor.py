"""`spotify-pipeline doctor`: one line for each thing a sync needs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.spotify import TokenStore
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.settings.projects import made_project
from spotify_pipeline_tests.warehouse.in_memory import InMemoryWarehouse


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


@pytest.mark.e2e
def test_it_says_where_each_setting_came_from_and_no_value(run: Run, spotify: SandboxServer, tmp_path: Path) -> None:
    found = lines(run("doctor").out)["settings"]
    assert found[0] == "ok"
    assert "from the shell: SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET, SPOTIFY_REFRESH_TOKEN" in found[1]
    assert found[1].endswith("; all others: default")
    assert DEFAULTS.client_secret not in found[1]
    assert DEFAULTS.ad_account_id not in found[1]


def test_what_the_shell_and_env_set_differently_is_said_first(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_project(tmp_path, env="SPOTIFY_AD_ACCOUNT_ID=b\n")
    monkeypatch.setenv("SPOTIFY_AD_ACCOUNT_ID", "a")
    found = lines(run("--project", str(tmp_path), "doctor").out)
    assert found["settings"][0] == "FAIL"
    assert found["settings"][1].startswith(f"The shell and {tmp_path}/.env set SPOTIFY_AD_ACCOUNT_ID to different")
    assert found["home"] == ("?", "not looked at before `settings` is ok")


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
    assert "set SPOTIFY_PIPELINE_WAREHOUSE" in said["warehouse"][1]
    assert said["Spotify app"][1].startswith("SPOTIFY_CLIENT_ID is not set.")
    assert said["sign-in"] == ("?", "not looked at before `Spotify app` is ok")
    assert said["ad accounts"] == ("?", "not looked at before `sign-in` is ok")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("offset", "content", "kept", "sentence"),
    [
        (0, b"", 100, "may be cut short or damaged"),
        (4096, b"\xee" * 40, None, "may be cut short or damaged, encrypted, or of a newer version of DuckDB"),
        (0, b"no database ", None, "is not a DuckDB database, or its beginning is damaged"),
    ],
)
def test_a_warehouse_that_cannot_be_opened_is_not_ok(
    run: Run, warehouse: Path, offset: int, content: bytes, kept: int | None, sentence: str
) -> None:
    with warehouse.open("r+b") as file:
        file.seek(offset)
        file.write(content)
        if kept is not None:
            file.truncate(kept)
    ran = run("doctor")
    mark, said = lines(ran.out)["warehouse"]
    assert (mark, ran.code) == ("FAIL", 1)
    assert sentence in said


@pytest.mark.e2e
def test_a_warehouse_that_is_written_to_is_no_failure(run: Run, warehouse: Path) -> None:
    held = f"import duckdb; c = duckdb.connect({str(warehouse)!r}); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        mark, said = lines(run("doctor").out)["warehouse"]
        writer.communicate(b"\n")
    assert (mark, said) == ("ok", f"{warehouse}; another process writes to it now, so it was not opened")


@pytest.mark.parametrize(
    ("name", "mark", "sentence"),
    [
        ("Mine", "ok", "shop_warehouse.Mine, which can be opened"),
        ("Fails", "FAIL", "The warehouse cannot be opened (Fails raised OSError; the message is withheld"),
        ("Nowhere", "FAIL", "shop_warehouse has no Nowhere. Correct the path"),
    ],
)
def test_a_warehouse_of_one_s_own_is_opened(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mark: str, sentence: str
) -> None:
    class Mine(InMemoryWarehouse):
        def __init__(self, *, password: str) -> None:
            super().__init__({})
            self.password = password

    class Fails(Mine):
        def open(self) -> None:
            raise OSError(self.password)

    module = ModuleType("shop_warehouse")
    module.__dict__.update(Mine=Mine, Fails=Fails)
    monkeypatch.setitem(sys.modules, "shop_warehouse", module)
    monkeypatch.setenv("SHOP_PASSWORD", "canary-password")
    stated = f"warehouse: {{class: shop_warehouse.{name}, password: {{env: SHOP_PASSWORD}}}}"
    made_project(tmp_path / "shop", connection=stated)
    out = run("--project", str(tmp_path / "shop"), "doctor").out
    assert lines(out)["warehouse"][0] == mark
    assert sentence in lines(out)["warehouse"][1]
    assert "canary-password" not in out


@pytest.mark.e2e
def test_an_account_that_one_may_only_look_at_fails(
    run: Run, spotify: SandboxServer, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_AD_ACCOUNT_ID", DEFAULTS.viewer_ad_account_id)
    ran = run("doctor")
    assert ran.code == 1
    mark, sentence = lines(ran.out)["ad accounts"]
    assert mark == "FAIL"
    assert "Ask its administrator for the role AD_ACCOUNT_CONTRIBUTOR" in sentence


def test_no_token_is_ever_printed(run: Run, spotify: SandboxServer, warehouse: Path, tmp_path: Path) -> None:
    ran = run("doctor")
    (stored,) = TokenStore(StateStore.in_home(tmp_path / "home")).all()
    assert stored.access_token is not None
    assert stored.previous_refresh_token is not None
    secrets = (stored.access_token, stored.refresh_token, stored.previous_refresh_token)
    for token in (DEFAULTS.refresh_token, DEFAULTS.client_secret, *(each.reveal() for each in secrets)):
        assert token not in ran.out + ran.err


def age(home: Path, days: float, **changes: Any) -> None:
    """As if the sign-in in the token store were so old."""
    store = TokenStore(StateStore.in_home(home))
    with store.exclusive() as tokens:
        for each in store.all():
            begun = datetime.now(UTC).timestamp() - days * 86_400
            tokens.save(replace(each, authorized_at=begun, **changes))


@pytest.mark.e2e
def test_o15_a_sign_in_is_warned_of_before_it_ends_and_fails_when_spotify_refuses_it(
    run: Run, spotify: SandboxServer, warehouse: Path, tmp_path: Path
) -> None:
    run("businesses")
    age(tmp_path / "home", 160)
    mark, sentence = lines(run("doctor").out)["sign-in"]
    assert mark == "WARN"
    assert "days. Run `spotify-pipeline login` before then." in sentence
    age(tmp_path / "home", 200, renew_at=0.0)
    spotify.state.advance_clock(200 * 86_400)
    ran = run("doctor")
    assert (lines(ran.out)["sign-in"][0], ran.code) == ("FAIL", 1)
    assert "Run `spotify-pipeline login` and sign in again." in lines(ran.out)["sign-in"][1]


def test_nobody_signed_in_says_what_to_run(
    run: Run, spotify: SandboxServer, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIFY_REFRESH_TOKEN")
    assert lines(run("doctor").out)["sign-in"] == ("FAIL", "Nobody is signed in. Run `spotify-pipeline login`.")
