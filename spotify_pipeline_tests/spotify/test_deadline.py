from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from spotify_pipeline.spotify import CallRecord, SpotifyUnavailable
from spotify_pipeline.spotify.http import ACCOUNTS, ADS_API, STORAGE, HttpClient, Service

URL = "https://api-partner.spotify.com/ads/v3/businesses"


@pytest.mark.parametrize("service", [ADS_API, ACCOUNTS], ids=lambda service: service.key)
def test_f25_answer_that_drips_is_no_answer_after_two_minutes(service: Service):
    now = 0.0

    def dripping() -> Iterator[bytes]:
        nonlocal now
        yield b"{"
        for _ in range(300):
            now += 1
            yield b" "

    records: list[CallRecord] = []
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=dripping()))
    client = HttpClient(service, transport=transport, observer=records.append, clock=lambda: now)
    with client, pytest.raises(SpotifyUnavailable, match="did not answer in time") as caught:
        client.send("POST", URL, route="/")
    assert caught.value.may_have_happened
    assert now == 120
    assert records[0].status is None


def test_f25_refusal_that_drips_is_told_by_its_status():
    now = 0.0

    def dripping() -> Iterator[bytes]:
        nonlocal now
        for _ in range(300):
            now += 1
            yield b" "

    transport = httpx.MockTransport(lambda _: httpx.Response(403, content=dripping()))
    with HttpClient(ADS_API, transport=transport, clock=lambda: now) as client:
        assert client.send("GET", URL, route="/").status == 403
    assert now == 120


def test_f25_time_that_a_large_file_takes_to_send_is_not_limited():
    now = 0.0

    def content() -> Iterator[bytes]:
        nonlocal now
        for _ in range(3):
            now += 3600
            yield b"row"

    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=request.read())

    with HttpClient(STORAGE, transport=httpx.MockTransport(reply), clock=lambda: now) as client:
        assert client.send("PUT", URL, route="/", content=content()).body == b"rowrowrow"
