from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.spotify import (
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    Secret,
    SignInRequired,
    SpotifyError,
    SpotifyUnavailable,
    TermsNotAccepted,
    UnexpectedResponse,
)
from spotify_pipeline.spotify.retry.error_mapping import fit_to_show, response_error
from spotify_pipeline.spotify.transport import Response
from spotify_pipeline_tests.spotify.scripted import SIGNED, TRACE, error_body

NOW = 1_800_000_000.0


def refused(status: int, body: object = b"", headers: dict[str, str] | None = None) -> SpotifyError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return response_error(Response(status, headers or {}, raw), "list the audiences", sent=(), writing=True, now=NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, SignInRequired),
        (403, PermissionDenied),
        (404, NotFound),
        (405, InvalidRequest),
        (408, SpotifyUnavailable),
        (409, Conflict),
        (422, InvalidRequest),
        (429, RateLimited),
        (500, SpotifyUnavailable),
        (502, SpotifyUnavailable),
        (599, SpotifyUnavailable),
        (302, UnexpectedResponse),
        (202, UnexpectedResponse),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_status_alone_decides_the_kind_whatever_the_body(status: int, kind: type[SpotifyError], body: bytes):
    error = refused(status, body)
    assert type(error) is kind
    assert error.status == status
    assert error.next_step in str(error)
    assert str(error).startswith(f"Spotify did not list the audiences: status {status}.")


@pytest.mark.parametrize("key", ["error_codes", "errorCodes"])
def test_codes_are_read_under_both_spellings_as_objects_and_as_texts(key: str):
    as_object = {"code": "PERMISSION_DENIED", "definition": "EDIT_NOT_ALLOWED"}
    error = refused(403, error_body("User does not have permission to edit published ads", code=as_object, key=key))
    assert "User does not have permission to edit published ads; PERMISSION_DENIED / EDIT_NOT_ALLOWED" in str(error)
    as_text = "INVALID.OBJECTIVE.UNSUPPORTED_OBJECTIVE"
    assert as_text in str(refused(400, error_body("UNSET is not supported", code=as_text, key=key)))


def test_trace_id_is_kept_and_shown():
    error = refused(500, error_body("Custom Error Message"))
    assert error.trace_id == TRACE
    assert str(error).endswith(f"(Spotify's trace id: {TRACE})")


@pytest.mark.parametrize("trace", [None, 7, {}, "", "a b", "x" * 65, "<script>"])
def test_trace_id_of_another_shape_is_left_out(trace: object):
    assert refused(500, {"sp_trace_id": trace}).trace_id is None


def test_other_services_shapes_are_read():
    assert "nested words" in str(refused(400, {"error": {"status": 400, "message": "nested words"}}))
    assert "plain words" in str(refused(400, {"message": "plain words"}))
    assert "invalid_request; no code" in str(refused(400, {"error": "invalid_request", "error_description": "no code"}))


@pytest.mark.parametrize("words", ["You must accept the Ads API terms", "TERMS_NOT_ACCEPTED", "terms of service"])
def test_terms_that_are_not_accepted_are_told_from_missing_permission(words: str):
    error = refused(403, error_body(words))
    assert type(error) is TermsNotAccepted
    assert "https://adsmanager.spotify.com/api-terms" in str(error)


def test_word_that_only_contains_terms_is_not_about_terms():
    assert type(refused(403, error_body("determshot"))) is PermissionDenied


def test_permission_names_the_role_to_ask_for():
    assert "AD_ACCOUNT_ADMIN or AD_ACCOUNT_CONTRIBUTOR" in str(refused(403, error_body("no", code="PERMISSION_DENIED")))


def test_user_outside_the_allow_list_is_told_about_development_mode():
    error = refused(403, b'{"error": {"message": "User not registered in the Developer Dashboard"}}')
    assert type(error) is PermissionDenied
    assert "development mode" in error.next_step
    assert "AD_ACCOUNT_ADMIN" not in error.next_step


def test_only_a_lost_write_may_have_happened():
    may = {status: refused(status).may_have_happened for status in (400, 403, 404, 409, 429, 408, 500, 503, 302)}
    assert [status for status, it_may in may.items() if it_may] == [408, 500, 503, 302]
    reading = response_error(Response(503, {}, b""), "list the audiences", sent=(), now=NOW)
    assert not reading.may_have_happened


@pytest.mark.parametrize(
    ("headers", "pause"),
    [({}, 30), ({"x-ratelimit-reset": "12"}, 12), ({"retry-after": "20", "x-ratelimit-reset": "12"}, 20)],
)
def test_too_many_requests_says_how_long_to_wait(headers: dict[str, str], pause: float):
    error = refused(429, headers=headers)
    assert isinstance(error, RateLimited)
    assert error.retry_after == pause


@pytest.mark.parametrize(
    "secret",
    [
        SIGNED,
        "Bearer BQDl3x9aQm7tK0zVb1nC4wYpE8sRuHfJ",
        "jane.doe@example.com",
        "831f6494ad6be4fcb3a724c3d5fef22d3ceffa3c62ef3a7984e45a0ea177f982",
        "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGhIjKlMnOpQrSt",
    ],
)
def test_servers_words_are_shown_without_what_we_may_have_sent_them(secret: str):
    error = refused(400, error_body(f"cannot use {secret} here", code={"code": secret, "definition": secret}))
    assert "cannot use" in str(error)
    assert not [word for word in secret.split() if word != "Bearer" and word in str(error)]


def test_secret_that_went_with_the_call_is_hidden_however_short_it_is():
    body = json.dumps(error_body("the token abc is bad")).encode()
    assert "the token [hidden] is bad" in str(
        response_error(Response(400, {}, body), "list", sent=[Secret("abc")], now=NOW)
    )


def test_useful_words_stay():
    for words in (
        "audience 0c4bb5f2-96f0-4d3a-8ad8-3f5f5b6f8a77 is LIVE",
        "ILLEGAL.INSIGHT_REPORT.INSUFFICIENT_IMPRESSIONS",
        "ad_set.budget.micro_amount must be >= 5",
        "bidMicroAmount must not be null",
    ):
        assert fit_to_show(words) == words


@given(st.text())
def test_servers_words_are_one_short_printable_line(words: str):
    shown = fit_to_show(words)
    assert len(shown) <= 300
    assert shown.isprintable()


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.sampled_from(["terms", TRACE]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["messages", "error_codes", "errorCodes", "error", "message", "code", "sp_trace_id", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.integers(100, 599), _JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=80))
def test_s12_any_body_of_any_status_gives_a_typed_error(status: int, body: bytes):
    error = refused(status, body)
    assert isinstance(error, SpotifyError)
    assert f"status {status}" in str(error)


def test_errors_survive_pickling_between_processes():
    error = pickle.loads(pickle.dumps(refused(429, error_body("slow down"), {"retry-after": "7"})))  # noqa: S301
    assert isinstance(error, RateLimited)
    assert (error.status, error.trace_id, error.retry_after) == (429, TRACE, 7)
    assert "slow down" in str(error)
