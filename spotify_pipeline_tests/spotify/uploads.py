"""What the tests of the upload share: a customer list, its checksums, and an upload against a scripted storage."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import google_crc32c
import httpx

from spotify_pipeline.spotify import Secret, TokenStore, UploadProof, UploadTicket
from spotify_pipeline_tests.spotify.scripted import AUDIENCE, SESSION, SIGNED, Clock, Spotify

MIB = 1024 * 1024
ROW = b"831f6494ad6be4fcb3a724c3d5fef22d3ceffa3c62ef3a7984e45a0ea177f982\n"
HEADER = b"EMAIL_ID_SHA256\n"
TICKET = UploadTicket(audience_id=AUDIENCE, url=Secret(SIGNED))
STARTED = httpx.Response(201, headers={"Location": SESSION, "X-GUploader-UploadID": "7"})


def customer_list(folder: Path, size: int = 3 * MIB + 17) -> Path:
    path = folder / "list.csv"
    path.write_bytes((HEADER + ROW * (size // len(ROW) + 1))[:size])
    return path


def crc32c_of(file: Path) -> str:
    return crc32c(file.read_bytes())


def crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def hashes(content: bytes) -> str:
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    return f"crc32c={crc32c(content)},md5={md5}"


def done(content: bytes = b"", **headers: str) -> httpx.Response:
    """A success that states the hashes of ``content``, or nothing."""
    proof = {"x-goog-hash": hashes(content)} if content else {}
    return httpx.Response(200, headers={**proof, **{name.replace("_", "-"): value for name, value in headers.items()}})


class Uploads:
    """One upload against scripted answers of the storage."""

    def __init__(self, store: TokenStore, spotify: Spotify, clock: Clock, folder: Path) -> None:
        self.store, self.spotify, self.clock, self.folder = store, spotify, clock, folder

    def send(self, *answers: Any, file: Path | None = None, ticket: UploadTicket = TICKET, **given: Any) -> UploadProof:
        file = file or customer_list(self.folder)
        self.spotify.storage = list(answers)
        given = {"size": file.stat().st_size, **given}
        if "crc32c" not in given:
            given["crc32c"] = crc32c_of(file)
        observer = given.pop("observer", None)
        chosen = given.pop("settings", None)
        with self.spotify.open(self.store, self.clock, observer=observer, settings=chosen) as client:
            return client.upload(ticket, file, **given)
