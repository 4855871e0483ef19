"""What survives a restart with a state directory, and who may read it."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxError, SandboxServer, SandboxState
from spotify_pipeline_tests.sandbox.visitor import START, Visitor, email_list, visiting


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
