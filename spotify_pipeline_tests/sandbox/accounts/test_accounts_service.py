"""Sign-in as the documents describe it: the consent page, codes, PKCE, refresh, rotation, expiry."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig
from spotify_pipeline_tests.sandbox.visitor import ADS, BASIC, Visitor, visiting

REDIRECT = "http://127.0.0.1:8888/callback"
VERIFIER = "a" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
MONTH = 31 * 24 * 3600


def ask(visitor: Visitor, **changes: str) -> httpx.Response:
    asked = {
        "client_id": DEFAULTS.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "state": "st&te",
        **changes,
    }
    return visitor.http.get("/authorize", params=asked)


def press(visitor: Visitor, page: httpx.Response, button: str) -> httpx.Response:
    """Submit the form of the consent page as a browser does."""
    assert page.status_code == 200
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    action = re.search(r'action="([^"]+)"', page.text)
    assert action
    form = {name: html.unescape(value) for name, value in fields} | {"decision": button}
    return visitor.http.post(action[1], data=form, headers={"Origin": visitor.server.url})


def came_back(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def code_of(visitor: Visitor, **changes: str) -> str:
    return came_back(press(visitor, ask(visitor, **changes), "agree"))["code"]


def exchange(visitor: Visitor, code: str, *, basic: bool = True, **form: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, **form}
    return visitor.http.post("/api/token", data=form, auth=BASIC if basic else httpx.USE_CLIENT_DEFAULT)


def works(visitor: Visitor, access_token: str) -> bool:
    headers = {"Authorization": f"Bearer {access_token}"}
    return visitor.http.get(f"{ADS}/businesses", headers=headers).status_code == 200


def test_agreeing_gives_a_code_and_the_state_back_and_the_code_gives_tokens(visitor: Visitor) -> None:
    back = came_back(press(visitor, ask(visitor), "agree"))
    assert back["state"] == "st&te"

    answer = exchange(visitor, back["code"])

    tokens = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, "")
    assert works(visitor, tokens["access_token"])


def test_cancelling_goes_back_without_a_code(visitor: Visitor) -> None:
    assert came_back(press(visitor, ask(visitor), "cancel")) == {"error": "access_denied", "state": "st&te"}


def test_the_consent_page_is_also_at_the_path_with_a_slash(visitor: Visitor) -> None:
    asked = {"client_id": DEFAULTS.client_id, "response_type": "code", "redirect_uri": REDIRECT}
    page = visitor.http.get("/authorize/", params=asked)
    assert "code" in came_back(press(visitor, page, "agree"))


def test_pkce_needs_the_verifier_and_no_secret(visitor: Visitor) -> None:
    wrong = exchange(
        visitor,
        code_of(visitor, **PKCE),
        basic=False,
        client_id=DEFAULTS.client_id,
        code_verifier="b" * 64,
    )
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")

    right = exchange(
        visitor, code_of(visitor, **PKCE), basic=False, client_id=DEFAULTS.client_id, code_verifier=VERIFIER
    )
    refreshed = visitor.refresh(right.json()["refresh_token"], client_id=DEFAULTS.client_id)
    assert refreshed.status_code == 200
    assert works(visitor, refreshed.json()["access_token"])


def test_a_code_without_pkce_needs_the_secret_and_so_does_its_refresh(visitor: Visitor) -> None:
    code = code_of(visitor)
    bare = exchange(visitor, code, basic=False, client_id=DEFAULTS.client_id)
    assert (bare.status_code, bare.json()["error"]) == (400, "invalid_client")

    token = exchange(visitor, code).json()["refresh_token"]
    assert visitor.refresh(token, client_id=DEFAULTS.client_id).json()["error"] == "invalid_client"
    assert visitor.refresh(token).status_code == 200


def test_a_code_works_once_for_ten_minutes_and_for_its_own_redirect(visitor: Visitor) -> None:
    code = code_of(visitor)
    assert exchange(visitor, code, redirect_uri="http://127.0.0.1:9/x").json()["error"] == "invalid_grant"
    assert exchange(visitor, code).status_code == 200
    assert exchange(visitor, code).json()["error"] == "invalid_grant"

    late = code_of(visitor)
    visitor.advance(599)
    just_in_time = code_of(visitor)
    visitor.advance(2)
    assert exchange(visitor, late).json()["error"] == "invalid_grant"
    assert exchange(visitor, just_in_time).status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": "somebody else"}, "client_id"),
        ({"redirect_uri": "http://localhost:8888/callback"}, "127.0.0.1"),
        ({"redirect_uri": "https://example.com/callback"}, "127.0.0.1"),
        ({"redirect_uri": "http://127.0.0.1/callback"}, "port"),
        ({"redirect_uri": "http://127.0.0.1@example.com:80/"}, "127.0.0.1"),
        ({"redirect_uri": "http://user@127.0.0.1:80/"}, "User names"),
        ({"redirect_uri": "http://127.0.0.1:99999/"}, "Not a URI"),
        ({"redirect_uri": ""}, "redirect_uri"),
    ],
)
def test_o14_a_doubtful_client_or_redirect_is_refused_on_the_page_itself(
    visitor: Visitor, changes: dict[str, str], said: str
) -> None:
    answer = ask(visitor, **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert said in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ],
)
def test_other_faults_are_told_to_the_client(visitor: Visitor, changes: dict[str, str], error: str) -> None:
    assert came_back(ask(visitor, **changes)) == {"error": error, "state": "st&te"}


def test_refreshing_rotates_and_the_old_refresh_token_is_dead(visitor: Visitor) -> None:
    first = visitor.refresh_token
    second = visitor.refresh(first).json()["refresh_token"]
    assert second != first

    reused = visitor.refresh(first)

    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert visitor.refresh(second).status_code == 200


def test_reuse_can_end_the_whole_grant() -> None:
    with visiting(SandboxConfig(reuse_revokes_grant=True)) as visitor:
        first = visitor.refresh_token
        second = visitor.refresh(first).json()["refresh_token"]
        visitor.refresh(first)
        assert visitor.refresh(second).json()["error"] == "invalid_grant"
        assert visitor.ads("GET", f"{ADS}/businesses").status_code == 401


def test_without_rotation_the_answer_has_no_refresh_token_and_the_old_one_stays() -> None:
    with visiting(SandboxConfig(rotate_refresh_tokens=False)) as visitor:
        answer = visitor.refresh(DEFAULTS.refresh_token)
        assert "refresh_token" not in answer.json()
        assert visitor.refresh(DEFAULTS.refresh_token).status_code == 200


def test_a_refresh_token_dies_six_months_after_the_consent_however_often_it_was_used(visitor: Visitor) -> None:
    for _ in range(5):
        visitor.advance(MONTH)
    token = visitor.refresh_token
    token = visitor.refresh(token).json()["refresh_token"]
    visitor.http.post("/sandbox/clock", json={"advance_seconds": MONTH})

    answer = visitor.refresh(token)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert answer.json()["error_description"] == "Refresh token expired"


def test_an_access_token_lives_an_hour(visitor: Visitor) -> None:
    visitor.http.post("/sandbox/clock", json={"advance_seconds": 3590})
    assert visitor.ads("GET", f"{ADS}/businesses").status_code == 200
    visitor.http.post("/sandbox/clock", json={"advance_seconds": 11})
    assert visitor.ads("GET", f"{ADS}/businesses").status_code == 401


def test_a_revoked_grant_refreshes_no_more_and_a_new_sign_in_works(visitor: Visitor) -> None:
    assert visitor.http.post("/sandbox/revoke").json() == {"revoked_grants": 1}
    assert visitor.refresh(visitor.refresh_token).json()["error"] == "invalid_grant"
    assert visitor.ads("GET", f"{ADS}/businesses").status_code == 401
    assert works(visitor, exchange(visitor, code_of(visitor)).json()["access_token"])


@pytest.mark.parametrize(
    ("form", "auth", "error"),
    [
        ({"grant_type": "client_credentials"}, BASIC, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, BASIC, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, BASIC, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, ("nobody", "x"), "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, (DEFAULTS.client_id, "no"), "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, None, "invalid_client"),
    ],
)
def test_the_token_endpoint_says_what_is_wrong(
    visitor: Visitor, form: dict[str, str], auth: tuple[str, str] | None, error: str
) -> None:
    answer = visitor.http.post("/api/token", data=form, auth=auth or httpx.USE_CLIENT_DEFAULT)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_the_token_endpoint_takes_forms_only(visitor: Visitor) -> None:
    answer = visitor.http.post("/api/token", json={"grant_type": "refresh_token"}, auth=BASIC)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_o13_the_consent_page_escapes_what_it_was_asked_with(visitor: Visitor) -> None:
    page = ask(visitor, state='"><script>alert(1)</script>', scope="<i>")
    assert "<script" not in page.text
    assert "<i>" not in page.text
    assert came_back(press(visitor, page, "cancel"))["state"] == '"><script>alert(1)</script>'
