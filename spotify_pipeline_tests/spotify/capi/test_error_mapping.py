"""What the Conversions API's answers mean, and that nothing of an event comes back out of them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.spotify import (
    CallRecord,
    InvalidRequest,
    SettingsInvalid,
    SpotifyError,
    UnexpectedResponse,
    UntrustedServer,
)
from spotify_pipeline.spotify.capi.error_mapping import SentBatch, batch_error
from spotify_pipeline.spotify.transport import Response
from spotify_pipeline_tests.spotify.certificates import issue, tls_server
from spotify_pipeline_tests.spotify.events import DEVICE, PERSONAL, TOKEN, Capi, conversions_settings, event
from spotify_pipeline_tests.spotify.scripted import TRACE
from spotify_pipeline_tests.spotify.shown import texts_of

HIDDEN = (*PERSONAL, "7CANARYTOKEN", "JANE_ROE", "order-1")
ECHO = "; ".join([*PERSONAL, f"Bearer {TOKEN}", "JANE_ROE", "order-1"])


def refused(status: int, body: object = b"", events: int = 3) -> SpotifyError | None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = SentBatch(events=events, token_variable="SPOTIFY_CAPI_TOKEN", trace_id=None, now=0)
    return batch_error(Response(status, {}, raw), sent)


def echoes() -> list[Any]:
    """Bodies that repeat what was sent, in every place that is read, whole and a part at a time."""
    bodies: list[Any] = []
    for said in (ECHO, *HIDDEN):
        entry = {"index": 0, "field": said, "reason": said, "code": said, "message": said, "definition": said}
        bodies += [
            {"message": said, "messages": [said], "error": said, "errors": [entry], "sp_trace_id": said},
            {"error": {"message": said}, "errors": [said], "error_codes": [said], "errorCodes": [entry]},
            {said: said, "errors": {said: said}, "message": f"event_name is invalid: {said}"},
        ]
    return bodies


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503])
def test_a09_p02_error_that_repeats_what_was_sent_is_not_repeated_by_us(
    tmp_path: Path, everything_logged: io.StringIO, status: int
):
    texts: list[str] = []
    records: list[CallRecord] = []
    for body in echoes():
        capi = Capi(tmp_path)
        headers = {"Location": f"https://example.com/{ECHO}", "X-Echo": ECHO}
        capi.script = [httpx.Response(status, json=body, headers=headers) for _ in range(4)]
        with capi.open(observer=records.append) as client, pytest.raises(SpotifyError) as caught:
            client.send([event(1), event(2, hashed_phone_number=PERSONAL[2], note=ECHO)])
        texts += texts_of(caught.value)
    texts += [everything_logged.getvalue(), repr(records), *map(str, records)]
    assert {hidden for hidden in HIDDEN for text in texts if hidden in text} == set()


_BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(HIDDEN),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["messages", "error_codes", "errors", "error", "message", "field", "reason", "index"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.integers(200, 599), _BODIES.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=80))
def test_any_body_of_any_status_gives_a_typed_error_of_our_own_words(status: int, body: bytes):
    error = refused(status, body)
    if status >= 300:
        assert isinstance(error, SpotifyError)
    if error is not None:
        assert error.status == status
        assert str(error).isascii()
        assert len(str(error)) < 1_500
        assert not [hidden for hidden in HIDDEN if hidden in str(error)]


@pytest.mark.parametrize("status", [200, 207])
def test_a21_success_that_names_refused_events_by_their_places_is_settled_part_by_part(status: int):
    body = {"message": "SUCCESS", "errors": [{"index": 1, "field": "event_name", "reason": "INVALID"}]}
    error = refused(status, body)
    assert isinstance(error, InvalidRequest)
    assert error.may_have_happened


def test_fault_is_told_by_event_field_and_known_words():
    body = {
        "message": "INVALID_ARGUMENT",
        "errors": [{"index": 2, "field": "conversion_events.events[2].event_time", "reason": "must be in the past"}],
    }
    error = refused(400, body)
    assert isinstance(error, InvalidRequest)
    assert str(error).startswith(
        "Spotify did not take a request of 3 events: status 400 (INVALID_ARGUMENT; must be in the past; "
        "event 2 of them; conversion_events; event_time)."
    )
    assert "event 2" not in str(refused(400, body, events=2))  # not a number of ours


@pytest.mark.parametrize("message", ["eventName `Jane` is unknown", "user_data.event_name: Jane Roe"])
def test_fields_are_found_in_sentences_that_are_not_shown(message: str):
    error = refused(422, {"messages": [message]})
    assert "event_name" in str(error)
    assert "Jane" not in str(error)


def test_a03_connection_at_fault_is_no_events_fault():
    body = {"errors": [{"field": "conversion_events.capi_connection_id", "reason": "unknown"}]}
    error = refused(400, body)
    assert isinstance(error, SettingsInvalid)
    assert "SPOTIFY_CAPI_CONNECTION_ID" in str(error)
    assert isinstance(refused(400, {"errors": [{"field": "conversion_events"}]}), UnexpectedResponse)
    mixed = {"errors": [{"field": "capi_connection_id"}, {"field": "event_id"}]}
    assert isinstance(refused(400, mixed), InvalidRequest)


def test_trace_id_is_kept_unless_it_is_something_that_was_sent(tmp_path: Path):
    for stated, kept in ((TRACE, TRACE), (PERSONAL[0], None), (DEVICE, None), ("7CANARYTOKEN", None)):
        capi = Capi(tmp_path)
        capi.script = [httpx.Response(400, json={"sp_trace_id": stated})]
        records: list[CallRecord] = []
        with capi.open(observer=records.append) as client, pytest.raises(InvalidRequest) as caught:
            client.send([event()])
        assert (caught.value.trace_id, records[0].trace_id) == (kept, kept)


def test_s06_certificate_that_is_not_to_be_trusted_is_fatal_before_a_byte_of_an_event(tmp_path: Path):
    capi = Capi(tmp_path)
    with tls_server(issue("127.0.0.1").server_context(tmp_path)) as server:
        chosen = conversions_settings(capi_url=f"https://127.0.0.1:{server.port}/")
        with capi.open(settings=chosen, transport=None) as client, pytest.raises(UntrustedServer) as caught:
            client.send([event()])
    assert not caught.value.may_have_happened
    assert (server.connections, server.requests, capi.clock.slept) == (1, [], [])
