"""What a process keeps to itself: no image of its memory is left, and its children do not get its secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spotify_pipeline.home import private_umask
from spotify_pipeline.process import environment_of_children, keep_from_children, secrets_withheld

SECRETS = {
    "SPOTIFY_CLIENT_SECRET": "s1",
    "SPOTIFY_REFRESH_TOKEN": "s2",
    "SPOTIFY_CAPI_TOKEN": "s3",
    "SPOTIFY_PIPELINE_ALERT_WEBHOOK": "s4",
    "SPOTIFY_PIPELINE_STATE": "postgresql://user:s5@db/state",
    "SPOTIFY_SOMETHING_OF_TOMORROW": "s6",
    "TOKEN_OF_A_FEED": "s7",
}
PASSED = {
    "SPOTIFY_PIPELINE_HOME": "/home",
    "SPOTIFY_PIPELINE_WAREHOUSE": "/w.duckdb",
    "PGPASSWORD": "the project's own",
}
STARTS = {
    "itself": "from spotify_pipeline.process import no_core_dumps; no_core_dumps()",
    "a command": """
import sys
from spotify_pipeline.cli import main
sys.argv[1:] = ["digest", "--help"]
try: main()
except SystemExit: pass
""",
    "the loading of the connection, with which every run begins": """
from spotify_pipeline import SpotifyAds
try: SpotifyAds.load(None, None)
except Exception: pass
""",
}
AT_MOST = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (SECRETS | PASSED).items():
        monkeypatch.setenv(name, value)
    keep_from_children("TOKEN_OF_A_FEED")


@pytest.mark.usefixtures("secrets")
def test_p23_a_process_that_we_start_gets_no_secret() -> None:
    passed = environment_of_children()
    assert not SECRETS.keys() & passed.keys()
    assert PASSED.items() <= passed.items()


@pytest.mark.usefixtures("secrets")
def test_p23_a_process_that_a_library_starts_gets_no_secret_and_we_keep_ours() -> None:
    show = [sys.executable, "-c", "import os; print(*os.environ)"]
    with secrets_withheld():
        with secrets_withheld():
            pass
        seen = set(subprocess.run(show, capture_output=True, text=True, check=True).stdout.split())
    assert not SECRETS.keys() & seen
    assert PASSED.keys() <= seen
    assert SECRETS.items() <= dict(os.environ).items()


@pytest.mark.usefixtures("secrets")
def test_p23_secrets_are_back_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), secrets_withheld():
        raise ZeroDivisionError
    assert SECRETS.items() <= dict(os.environ).items()


@pytest.mark.e2e
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_p23_no_core_is_dumped_by_a_process_or_its_children(start: str, tmp_path: Path) -> None:
    raised = "import resource; hard = resource.getrlimit(resource.RLIMIT_CORE)[1]\n"
    raised += "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))\n"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {AT_MOST!r}])"
    ran = subprocess.run(
        [sys.executable, "-c", f"{raised}{start}\n{child}"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ran.stdout.splitlines()[-1] == "(0, 0)"


def test_p09_what_a_library_makes_is_private_and_the_umask_is_as_before(tmp_path: Path) -> None:
    outside = os.umask(0o002)
    try:
        with private_umask() as before:
            (tmp_path / "made").write_text("x")
            subprocess.run([sys.executable, "-c", "open('by a child', 'w')"], check=True, cwd=tmp_path)
        (tmp_path / "after").write_text("x")
    finally:
        assert os.umask(outside) == 0o002
    assert before == 0o002
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes == {"made": 0o600, "by a child": 0o600, "after": 0o664}
