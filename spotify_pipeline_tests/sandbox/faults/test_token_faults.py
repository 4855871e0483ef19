"""Faults of the token endpoint."""

from __future__ import annotations

import httpx
import pytest

from spotify_pipeline.sandbox import SandboxConfig, SandboxServer, named_fault
from spotify_pipeline_tests.sandbox.scripting import scripted
from spotify_pipeline_tests.sandbox.visitor import Visitor


def works(visitor: Visitor, refresh_token: str) -> bool:
    return visitor.refresh(refresh_token).status_code == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_o07_the_endpoint_fails_and_no_token_is_lost(visitor: Visitor, status: int) -> None:
    with scripted(visitor, "token_unavailable", status=status):
        assert visitor.refresh(visitor.refresh_token).status_code == status
    assert works(visitor, visitor.refresh_token)


def test_o07_the_endpoint_answers_with_a_page(visitor: Visitor) -> None:
    with scripted(visitor, "token_login_page"):
        answer = visitor.refresh(visitor.refresh_token)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert works(visitor, visitor.refresh_token)


@pytest.mark.parametrize("how", ["reset", "close"])
def test_o03_the_token_was_rotated_but_the_answer_is_lost(visitor: Visitor, how: str) -> None:
    with scripted(visitor, "token_answer_lost", how=how), pytest.raises(httpx.TransportError):
        visitor.refresh(visitor.refresh_token)
    assert not works(visitor, visitor.refresh_token)


def test_o04_no_new_refresh_token_and_the_old_one_stays_good(visitor: Visitor) -> None:
    with scripted(visitor, "no_refresh_token"):
        answer = visitor.refresh(visitor.refresh_token)
    assert (answer.status_code, "refresh_token" in answer.json()) == (200, False)
    rotated = visitor.refresh(visitor.refresh_token).json()["refresh_token"]
    assert rotated != visitor.refresh_token
    assert not works(visitor, visitor.refresh_token)
    assert works(visitor, rotated)


def test_o04_a_refused_refresh_says_nothing_about_the_token_and_the_fault_waits(visitor: Visitor) -> None:
    with scripted(visitor, "no_refresh_token"):
        assert visitor.refresh("no-token").status_code == 400
        (waiting,) = visitor.server.state.faults.unconsumed()
        assert (waiting.seen, waiting.consumed) == (1, 0)
        assert "refresh_token" not in visitor.refresh(visitor.refresh_token).json()


def test_o04_where_tokens_never_rotate_there_is_nothing_to_keep() -> None:
    with SandboxServer(SandboxConfig(rotate_refresh_tokens=False)) as server:
        visitor = Visitor(server)
        server.state.faults.script(named_fault("no_refresh_token"))
        assert "refresh_token" not in visitor.refresh(visitor.refresh_token).json()
        assert [report.consumed for report in server.state.faults.unconsumed()] == [0]
        visitor.http.close()


@pytest.mark.parametrize("value", [0, -1, "3600", "soon", 1.5, None])
def test_o11_a_life_that_cannot_be_trusted(visitor: Visitor, value: object) -> None:
    with scripted(visitor, "expires_in", value=value):
        body = visitor.refresh(visitor.refresh_token).json()
    assert body.get("expires_in") == value
    assert type(body.get("expires_in")) is type(value)


def test_o17_another_scope(visitor: Visitor) -> None:
    with scripted(visitor, "scope", value="user-read-email"):
        assert visitor.refresh(visitor.refresh_token).json()["scope"] == "user-read-email"


def test_o06_a_good_token_is_refused(visitor: Visitor) -> None:
    with scripted(visitor, "invalid_grant"):
        answer = visitor.refresh(visitor.refresh_token)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert works(visitor, visitor.refresh_token)
