"""Steps of a resumable upload, as a test takes them one by one."""

from __future__ import annotations

import base64
import hashlib

import google_crc32c
import httpx

from spotify_pipeline_tests.sandbox.visitor import Visitor

QUANTUM = 256 * 1024


def put(visitor: Visitor, session: str, content: bytes = b"", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return visitor.http.put(session, content=content, headers=named)


def put_part(visitor: Visitor, session: str, whole: bytes, first: int, end: int, total: object) -> httpx.Response:
    return put(visitor, session, whole[first:end], Content_Range=f"bytes {first}-{end - 1}/{total}")


def how_far(visitor: Visitor, session: str, total: object = "*") -> httpx.Response:
    return put(visitor, session, Content_Range=f"bytes */{total}")


def new_session(visitor: Visitor) -> str:
    return visitor.session(visitor.ticket()["upload_url"])


def assert_stored(visitor: Visitor, answer: httpx.Response, content: bytes) -> None:
    assert answer.status_code == 200
    assert answer.content == b""
    hashes = {name: value for name, _, value in (one.partition("=") for one in answer.headers.get_list("x-goog-hash"))}
    crc32c = google_crc32c.Checksum(content).digest()
    assert hashes["crc32c"] == base64.b64encode(crc32c).decode()
    assert hashes["md5"] == base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    assert answer.headers["x-goog-stored-content-length"] == str(len(content))
    assert answer.headers["etag"]
