"""Who is let in: tokens, terms, roles, the rate limit, and who may speak to the sandbox at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxState, create_app
from spotify_pipeline.sandbox.store.in_memory import RateLimiter
from spotify_pipeline_tests.sandbox.visitor import ADS, AUDIENCES, Visitor, email_list, error_code, visiting

VIEWER_AUDIENCES = f"{ADS}/ad_accounts/{DEFAULTS.viewer_ad_account_id}/audiences"
OTHER = "9f6b2d30-0000-4000-8000-00000000abcd"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer invented"}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer"}],
)
def test_without_a_valid_token_everything_is_401(visitor: Visitor, headers: dict[str, str]) -> None:
    answer = visitor.http.get(AUDIENCES, headers=headers)
    assert (answer.status_code, error_code(answer)) == (401, "UNAUTHORIZED")


def test_until_the_terms_are_accepted_everything_is_403(visitor: Visitor) -> None:
    visitor.http.post("/sandbox/terms", json={"accepted": False})
    for path in (AUDIENCES, f"{ADS}/businesses"):
        answer = visitor.ads("GET", path)
        assert (answer.status_code, error_code(answer)) == (403, "PERMISSION_DENIED")
        assert answer.json()["error_codes"][0]["definition"] == "API_TERMS_NOT_ACCEPTED"
    visitor.http.post("/sandbox/terms", json={"accepted": True})
    assert visitor.ads("GET", AUDIENCES).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("POST", "/upload_url"),
        ("POST", f"/upload_url/{OTHER}"),
        ("PATCH", f"/{OTHER}"),
        ("DELETE", f"/{OTHER}"),
    ],
)
def test_a_viewer_reads_but_does_not_write(visitor: Visitor, method: str, path: str) -> None:
    assert visitor.ads("GET", VIEWER_AUDIENCES).status_code == 200
    answer = visitor.ads(method, VIEWER_AUDIENCES + path)
    assert (answer.status_code, error_code(answer)) == (403, "PERMISSION_DENIED")
    assert answer.json()["error_codes"][0]["definition"] == "EDIT_NOT_ALLOWED"


def test_a_role_can_be_changed_both_ways(visitor: Visitor) -> None:
    def role(ad_account_id: str, name: str) -> None:
        body = {"ad_account_id": ad_account_id, "role": name}
        assert visitor.http.post("/sandbox/roles", json=body).status_code == 200

    role(DEFAULTS.viewer_ad_account_id, "AD_ACCOUNT_CONTRIBUTOR")
    assert visitor.ads("POST", f"{VIEWER_AUDIENCES}/upload_url").status_code == 200
    role(DEFAULTS.ad_account_id, "AD_ACCOUNT_VIEWER")
    assert visitor.ads("POST", f"{AUDIENCES}/upload_url").status_code == 403


def test_an_unknown_account_is_404_and_a_broken_id_400(visitor: Visitor) -> None:
    unknown = visitor.ads("GET", f"{ADS}/ad_accounts/{OTHER}/audiences")
    assert (unknown.status_code, error_code(unknown)) == (404, "NOT_FOUND.AD_ACCOUNT")
    broken = visitor.ads("GET", f"{ADS}/ad_accounts/mine/audiences")
    assert (broken.status_code, error_code(broken)) == (400, "INVALID.AUDIENCE.AD_ACCOUNT_ID")
    assert visitor.ads("GET", f"{ADS}/businesses/{OTHER}/ad_accounts").status_code == 404


def test_ids_are_found_in_either_case(visitor: Visitor) -> None:
    path = f"{ADS}/ad_accounts/{DEFAULTS.ad_account_id.upper()}/audiences"
    audience_id = visitor.audience_of(email_list(1))
    assert visitor.ads("GET", f"{path}/{audience_id.upper()}").json()["id"] == audience_id


def test_the_window_may_be_a_fraction_of_a_second() -> None:
    now = 1_000.0
    limiter = RateLimiter(1, 0.2, lambda: now)
    granted = [limiter.take("a").granted for _ in range(2)]
    now += 0.25
    assert [*granted, limiter.take("a").granted] == [True, False, True]


def test_every_answer_tells_what_is_left_and_too_many_are_429() -> None:
    with visiting(SandboxConfig(requests_per_window=3)) as visitor:
        left = [visitor.ads("GET", path).headers for path in (AUDIENCES, f"{AUDIENCES}/x", f"{ADS}/businesses")]
        assert [headers["x-ratelimit-remaining"] for headers in left] == ["2", "1", "0"]
        assert {headers["x-ratelimit-limit"] for headers in left} == {"3"}

        answer = visitor.ads("GET", AUDIENCES)

        assert (answer.status_code, error_code(answer)) == (429, "TOO_MANY_REQUESTS")
        assert 1 <= int(answer.headers["x-ratelimit-reset"]) <= 30
        assert answer.headers["x-ratelimit-remaining"] == "0"
        assert visitor.http.get(AUDIENCES).headers["x-ratelimit-limit"] == "3"


def test_the_window_slides_and_refused_requests_do_not_count() -> None:
    now = 1_000.0
    limiter = RateLimiter(2, 30, lambda: now)
    assert limiter.take("a").granted
    now += 10
    assert limiter.take("a").granted
    refused = limiter.take("a")
    assert (refused.granted, refused.remaining, refused.reset_seconds) == (False, 0, 20)
    assert limiter.take("b").granted
    now += 19.5
    assert not limiter.take("a").granted
    now += 0.5
    assert limiter.take("a").granted
    assert not limiter.take("a").granted


@pytest.mark.parametrize("host", ["example.com", "example.com:80", "127.0.0.1.example.com", "", "10.0.0.1"])
def test_a_foreign_host_name_is_not_answered(visitor: Visitor, host: str) -> None:
    answer = visitor.http.get("/sandbox/audiences", headers={"Host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8710", "127.0.0.9"])
def test_loopback_names_are_answered(visitor: Visitor, host: str) -> None:
    assert visitor.http.get("/sandbox/clock", headers={"Host": host}).status_code == 200


def test_a_configured_host_name_is_answered() -> None:
    with visiting(SandboxConfig(allowed_hosts=("sandbox",))) as visitor:
        assert visitor.http.get("/sandbox/clock", headers={"Host": "sandbox:8710"}).status_code == 200


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://127.0.0.1:1"])
def test_a_web_page_elsewhere_cannot_write_here(visitor: Visitor, origin: str) -> None:
    answer = visitor.http.request("DELETE", "/sandbox", headers={"Origin": origin})
    assert answer.status_code == 403
    assert visitor.ads("GET", AUDIENCES).status_code == 200


def test_an_application_can_be_made_from_a_state_of_ones_own(tmp_path: Path) -> None:
    state = SandboxState.open(SandboxConfig(), tmp_path)
    assert create_app(state).state.sandbox is state
    state.close()
