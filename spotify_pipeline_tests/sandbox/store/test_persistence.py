"""What survives a restart with a state directory, and who may read it."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxError, SandboxServer, SandboxState
from spotify_pipeline_tests.sandbox.visitor import BASIC, START, Visitor, email_list, visiting


def test_tokens_audiences_lists_clock_and_signed_urls_survive_a_restart(tmp_path: Path) -> None:
    content = email_list(1_234)
    with visiting(state_directory=tmp_path) as first:
        audience_id = first.audience_of(content, name="Kept")
        first.advance(6 * 3600)
        before = first.get(audience_id)
        port, bearer, refresh_token = first.server.port, first.bearer, first.refresh_token
        url = first.ticket(audience_id)["upload_url"]
        inside = first.inside(audience_id)

    with SandboxServer(port=port, state_directory=tmp_path) as server:
        second = Visitor(server)
        with closing(second.http):
            second.bearer = bearer
            assert second.get(audience_id) == before
            assert second.inside(audience_id) == inside
            assert second.http.get(f"/sandbox/audiences/{audience_id}/list").content == content
            assert second.http.get("/sandbox/clock").json()["offset_seconds"] == 6 * 3600
            assert second.http.post(url, headers=START).status_code == 201
            assert second.refresh(refresh_token).status_code == 200
            assert second.refresh(DEFAULTS.refresh_token).status_code == 400


def test_without_a_directory_nothing_stays() -> None:
    with visiting() as visitor:
        visitor.audience_of(email_list(3))
        directory = visitor.server.state.directory
        assert directory.exists()
    assert not directory.exists()


def test_p09_every_file_is_for_its_owner_only(tmp_path: Path) -> None:
    with visiting(state_directory=tmp_path / "deep" / "state") as visitor:
        visitor.audience_of(email_list(30))
        visitor.session(visitor.ticket()["upload_url"])
        found = list((tmp_path / "deep" / "state").rglob("*"))
        assert {path.name for path in found} >= {"lists", "sessions", "sandbox.sqlite", "lock"}
        for path in [tmp_path / "deep" / "state", *found]:
            expected = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_no_secret_and_no_session_is_written_in_the_clear(tmp_path: Path) -> None:
    with visiting(state_directory=tmp_path) as visitor:
        upload_id = visitor.session(visitor.ticket()["upload_url"]).partition("upload_id=")[2]
        secrets = [upload_id, visitor.bearer["Authorization"].removeprefix("Bearer "), visitor.refresh_token]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in secrets:
        assert secret.encode() not in written


def test_two_sandboxes_cannot_share_a_directory(tmp_path: Path) -> None:
    second = SandboxServer(state_directory=tmp_path)
    with visiting(state_directory=tmp_path), pytest.raises(SandboxError, match="another sandbox is running"):
        second.start()
    with visiting(state_directory=tmp_path) as visitor:
        assert visitor.http.get("/sandbox/clock").status_code == 200


def test_a_directory_that_cannot_be_used_is_said_plainly(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(SandboxError, match="cannot be used"):
        SandboxState.open(SandboxConfig(), file)
    (tmp_path / "sandbox.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(SandboxError, match="cannot be opened"):
        SandboxState.open(SandboxConfig(), tmp_path)


def test_p09_a_directory_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    given.chmod(0o755)
    with visiting(state_directory=given) as visitor:
        visitor.audience_of(email_list(30))
        inside = list(given.rglob("*"))
    assert stat.S_IMODE(given.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in inside if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in inside if path.is_file() and path.exists()} <= {0o600}


@pytest.mark.parametrize("theirs", ["letter.txt", "lists/mine.csv", "sessions/mine", "lock/mine", ".hidden", "lists"])
def test_a_directory_with_other_peoples_files_is_refused_and_left_as_it_is(tmp_path: Path, theirs: str) -> None:
    (tmp_path / theirs).parent.mkdir(exist_ok=True)
    (tmp_path / theirs).write_text("precious")
    tmp_path.chmod(0o755)
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(SandboxError, match=r"holds files that are not a sandbox's\. Name an empty or a new directory"):
        SandboxState.open(directory=tmp_path)

    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / theirs).read_text() == "precious"
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_directory_in_which_a_sandbox_only_just_began_can_be_used(tmp_path: Path) -> None:
    """It was stopped after its lock and its folders, before its database."""
    (tmp_path / "lock").touch(mode=0o600)
    (tmp_path / "lists").mkdir(mode=0o700)
    (tmp_path / "sessions").mkdir(mode=0o700)
    for _ in range(2):
        SandboxState.open(directory=tmp_path).close()
    assert (tmp_path / "sandbox.sqlite").exists()


def test_a_reset_removes_no_file_that_the_sandbox_did_not_make(tmp_path: Path) -> None:
    with visiting(state_directory=tmp_path) as visitor:
        visitor.audience_of(email_list(30))
        visitor.session(visitor.ticket()["upload_url"])
        theirs = [tmp_path / "lists" / "mine.csv", tmp_path / "sessions" / "mine"]
        for path in theirs:
            path.write_text("precious")
        assert visitor.http.delete("/sandbox").status_code == 204
        left = [path for folder in ("lists", "sessions") for path in (tmp_path / folder).iterdir()]
    assert sorted(left) == sorted(theirs)


def test_a_directory_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "sandbox.sqlite").touch()
    (tmp_path / "lock").mkdir()
    with pytest.raises(SandboxError, match=r"cannot be used \(Is a directory\)\. Name another one\."):
        SandboxState.open(directory=tmp_path)


def test_every_run_without_a_directory_takes_the_seeded_refresh_token() -> None:
    for _ in range(2):
        with SandboxServer() as server, httpx.Client(base_url=server.url, trust_env=False) as http:
            seeded = {"grant_type": "refresh_token", "refresh_token": DEFAULTS.refresh_token}
            assert http.post("/api/token", data=seeded, auth=BASIC).status_code == 200
            assert http.post("/api/token", data=seeded, auth=BASIC).status_code == 400


def test_a_kept_sandbox_whose_seeded_token_is_spent_gives_another(tmp_path: Path) -> None:
    with visiting(state_directory=tmp_path):
        pass
    with SandboxServer(state_directory=tmp_path) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        spent = {"grant_type": "refresh_token", "refresh_token": DEFAULTS.refresh_token}
        assert http.post("/api/token", data=spent, auth=BASIC).json()["error"] == "invalid_grant"
        fresh = http.post("/sandbox/grants").json()["refresh_token"]
        assert http.post("/api/token", data={**spent, "refresh_token": fresh}, auth=BASIC).status_code == 200
