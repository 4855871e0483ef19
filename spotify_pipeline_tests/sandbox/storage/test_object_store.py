"""The object store against Google's description of resumable uploads by signed URL, over real connections."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from spotify_pipeline.sandbox import SandboxConfig
from spotify_pipeline_tests.sandbox.uploads import (
    QUANTUM,
    assert_stored,
    how_far,
    new_session,
    put,
    put_part,
)
from spotify_pipeline_tests.sandbox.visitor import START, Visitor, email_list, visiting, xml_code


def test_a_signed_url_looks_like_googles(visitor: Visitor) -> None:
    parts = urlsplit(visitor.ticket()["upload_url"])
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert parts.path.startswith("/upload/")
    assert set(query) == {
        *("X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires"),
        *("X-Goog-SignedHeaders", "X-Goog-Signature"),
    }
    assert query["X-Goog-SignedHeaders"] == "content-type;host;x-goog-resumable"
    assert query["X-Goog-Expires"] == "3600"


def test_starting_a_session_answers_201_with_a_location_and_no_body(visitor: Visitor) -> None:
    answer = visitor.http.post(visitor.ticket()["upload_url"], headers=START)
    assert answer.status_code == 201
    assert answer.content == b""
    location = urlsplit(answer.headers["location"])
    assert parse_qs(location.query)["upload_id"] == [answer.headers["x-guploader-uploadid"]]
    assert f"{location.scheme}://{location.netloc}" == visitor.server.url


def test_a_whole_object_in_one_put(visitor: Visitor) -> None:
    content = email_list(2_000)
    ticket = visitor.ticket()
    session = visitor.session(ticket["upload_url"])

    answer = put(visitor, session, content)

    assert_stored(visitor, answer, content)
    assert visitor.create(ticket["id"]).status_code == 201
    assert visitor.http.get(f"/sandbox/audiences/{ticket['id']}/list").content == content


@pytest.mark.parametrize("size", [0, 1, QUANTUM - 1, QUANTUM, QUANTUM + 1, 3 * QUANTUM])
def test_f34_sizes_around_the_quantum_arrive_byte_for_byte(visitor: Visitor, size: int) -> None:
    content = os.urandom(size)
    assert_stored(visitor, put(visitor, new_session(visitor), content), content)


def test_chunks_say_how_much_is_stored_and_the_last_finishes(visitor: Visitor) -> None:
    content = os.urandom(2 * QUANTUM + 77)
    session = new_session(visitor)

    first = put_part(visitor, session, content, 0, QUANTUM, len(content))
    second = put_part(visitor, session, content, QUANTUM, 2 * QUANTUM, len(content))

    assert (first.status_code, first.headers["range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    assert (second.status_code, second.headers["range"]) == (308, f"bytes=0-{2 * QUANTUM - 1}")
    assert "location" not in second.headers
    last = put_part(visitor, session, content, 2 * QUANTUM, len(content), len(content))
    assert_stored(visitor, last, content)


def test_the_size_may_be_told_at_the_end(visitor: Visitor) -> None:
    content = os.urandom(2 * QUANTUM)
    session = new_session(visitor)
    assert put_part(visitor, session, content, 0, QUANTUM, "*").status_code == 308
    assert put_part(visitor, session, content, QUANTUM, 2 * QUANTUM, "*").status_code == 308
    assert_stored(visitor, how_far(visitor, session, len(content)), content)


def test_f07_while_nothing_is_stored_there_is_no_range(visitor: Visitor) -> None:
    answer = how_far(visitor, new_session(visitor))
    assert answer.status_code == 308
    assert "range" not in answer.headers


def test_f11_a_status_query_of_a_finished_upload_answers_as_the_last_put_did(visitor: Visitor) -> None:
    content = email_list(10)
    session = new_session(visitor)
    done = put(visitor, session, content)
    for total in (len(content), "*"):
        again = how_far(visitor, session, total)
        assert_stored(visitor, again, content)
        assert again.headers["etag"] == done.headers["etag"]


def test_bytes_sent_again_are_ignored(visitor: Visitor) -> None:
    content = os.urandom(3 * QUANTUM)
    session = new_session(visitor)
    put_part(visitor, session, content, 0, 2 * QUANTUM, len(content))

    overlap = bytearray(content)
    overlap[: 2 * QUANTUM] = bytes(2 * QUANTUM)
    answer = put_part(visitor, session, bytes(overlap), QUANTUM, 3 * QUANTUM, len(content))

    assert_stored(visitor, answer, content)


def test_a_whole_put_after_chunks_starts_from_the_first_byte(visitor: Visitor) -> None:
    content = os.urandom(2 * QUANTUM + 5)
    session = new_session(visitor)
    put_part(visitor, session, content, 0, QUANTUM, len(content))
    assert_stored(visitor, put(visitor, session, content), content)


def test_f09_a_gap_is_refused_in_plain_text_and_nothing_is_lost(visitor: Visitor) -> None:
    content = os.urandom(3 * QUANTUM)
    session = new_session(visitor)
    put_part(visitor, session, content, 0, QUANTUM, len(content))

    answer = put_part(visitor, session, content, 2 * QUANTUM, 3 * QUANTUM, len(content))

    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/plain")
    assert "exceeds already uploaded size" in answer.text
    assert how_far(visitor, session).headers["range"] == f"bytes=0-{QUANTUM - 1}"


@pytest.mark.parametrize(
    "content_range",
    ["bytes 0-9/20", "bytes 5-1/20", "bytes 0-9/5", "0-9/10", "bytes 0-x/10", "bytes=0-9/10", "bytes 0-4/10"],
)
def test_a_range_that_does_not_fit_is_refused(visitor: Visitor, content_range: str) -> None:
    answer = put(visitor, new_session(visitor), bytes(10), Content_Range=content_range)
    assert (answer.status_code, xml_code(answer)) == (400, "InvalidArgument")


def test_a_dead_session_is_410_when_cancelled_and_404_after_a_week(visitor: Visitor) -> None:
    cancelled, forgotten = new_session(visitor), new_session(visitor)
    assert visitor.http.delete(cancelled).status_code == 499
    gone = how_far(visitor, cancelled)
    assert (gone.status_code, xml_code(gone)) == (410, "Gone")

    visitor.advance(7 * 24 * 3600 - 60)
    assert how_far(visitor, forgotten).status_code == 308
    visitor.advance(120)
    assert how_far(visitor, forgotten).status_code == 404
    assert how_far(visitor, cancelled).status_code == 404


def test_an_invented_session_is_404(visitor: Visitor) -> None:
    session = new_session(visitor)
    base = session.partition("&upload_id=")[0]
    answer = put(visitor, f"{base}&upload_id=invented", b"x")
    assert (answer.status_code, xml_code(answer)) == (404, "NoSuchUpload")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("PUT", {"Content-Type": "text/csv"}),
        ("PUT", START),
        ("POST", {"Content-Type": "text/csv"}),
        ("POST", {"Content-Type": "text/csv", "x-goog-resumable": "upload"}),
        ("POST", {"Content-Type": "text/plain", "x-goog-resumable": "start"}),
        ("POST", {"x-goog-resumable": "start"}),
        ("DELETE", START),
    ],
)
def test_f03_anything_but_the_signed_request_fails_the_signature(
    visitor: Visitor, method: str, headers: dict[str, str]
) -> None:
    answer = visitor.http.request(method, visitor.ticket()["upload_url"], headers=headers)
    assert (answer.status_code, xml_code(answer)) == (403, "SignatureDoesNotMatch")
    assert "location" not in answer.headers


def test_a_changed_url_fails_the_signature(visitor: Visitor) -> None:
    url = visitor.ticket()["upload_url"]
    other = visitor.ticket()["upload_url"]
    moved = other.partition("?")[0] + "?" + url.partition("?")[2]
    longer = url.replace("X-Goog-Expires=3600", "X-Goog-Expires=36000")
    more = f"{url}&extra=1"
    for changed in (moved, longer, more, url[:-1] + ("0" if url[-1] != "0" else "1")):
        answer = visitor.http.post(changed, headers=START)
        assert (answer.status_code, xml_code(answer)) == (403, "SignatureDoesNotMatch")


def test_a_signed_url_is_bound_to_its_host(visitor: Visitor) -> None:
    headers = {**START, "Host": f"localhost:{visitor.server.port}"}
    answer = visitor.http.post(visitor.ticket()["upload_url"], headers=headers)
    assert (answer.status_code, xml_code(answer)) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("spoilt", ["X-Goog-Date=yesterday", "X-Goog-Date=20269999T000000Z", "X-Goog-Expires=-1"])
def test_a_url_whose_dates_cannot_be_read_is_malformed(visitor: Visitor, spoilt: str) -> None:
    base, _, query = visitor.ticket()["upload_url"].partition("?")
    name = spoilt.partition("=")[0]
    pairs = [spoilt if pair.startswith(name + "=") else pair for pair in query.split("&")]
    answer = visitor.http.post(f"{base}?{'&'.join(pairs)}", headers=START)
    assert (answer.status_code, xml_code(answer)) == (400, "MalformedSecurityHeader")


def test_an_unsigned_google_header_is_refused(visitor: Visitor) -> None:
    answer = visitor.http.post(visitor.ticket()["upload_url"], headers={**START, "x-goog-meta-a": "b"})
    assert (answer.status_code, xml_code(answer)) == (400, "MalformedSecurityHeader")


def test_an_expired_url_says_so_and_a_session_outlives_its_url(visitor: Visitor) -> None:
    url = visitor.ticket()["upload_url"]
    session = visitor.session(url)
    visitor.advance(3_601)
    answer = visitor.http.post(url, headers=START)
    assert (answer.status_code, xml_code(answer)) == (400, "ExpiredToken")
    assert put(visitor, session, b"x").status_code == 200


def test_u24_an_authorization_header_is_refused_at_every_step(visitor: Visitor) -> None:
    url = visitor.ticket()["upload_url"]
    answer = visitor.http.post(url, headers=START | visitor.bearer)
    assert (answer.status_code, xml_code(answer)) == (400, "InvalidArgument")
    session = visitor.session(url)
    assert visitor.http.put(session, content=b"x", headers=visitor.bearer).status_code == 400
    assert "range" not in how_far(visitor, session).headers


def test_other_methods_get_an_xml_error(visitor: Visitor) -> None:
    answer = visitor.http.get(visitor.ticket()["upload_url"])
    assert (answer.status_code, xml_code(answer)) == (405, "MethodNotAllowed")
    assert answer.headers["allow"] == "DELETE, POST, PUT"


def test_u20_more_than_the_maximum_is_refused_however_it_is_announced() -> None:
    limit = 2 * QUANTUM
    with visiting(SandboxConfig(maximum_object_bytes=limit)) as visitor:
        assert put(visitor, new_session(visitor), bytes(limit)).status_code == 200
        announced = put(visitor, new_session(visitor), bytes(limit + 1))
        by_range = put_part(visitor, new_session(visitor), bytes(limit), 0, QUANTUM, limit + 1)

        def pieces() -> Iterator[bytes]:
            yield bytes(limit)
            yield b"x"

        streamed = visitor.http.put(new_session(visitor), content=pieces())
        session = new_session(visitor)
        put_part(visitor, session, bytes(limit), 0, limit, "*")
        unannounced = put(visitor, session, bytes(QUANTUM), Content_Range=f"bytes {limit}-{limit + QUANTUM - 1}/*")
        for answer in (announced, by_range, streamed, unannounced):
            assert (answer.status_code, xml_code(answer)) == (400, "EntityTooLarge")


def test_without_308_the_status_is_in_a_header(visitor: Visitor) -> None:
    answer = put(visitor, new_session(visitor), Content_Range="bytes */*", X_GUploader_No_308="yes")
    assert answer.status_code == 200
    assert answer.headers["x-http-status-code-override"] == "308"
