"""What the tests of the upload share: a customer list, its checksums, and an upload against a scripted storage."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import google_crc32c
import httpx

from spotify_pipeline.spotify import OpenUpload, Secret, TokenStore, UploadProof, UploadTicket
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


def md5_of(file: Path) -> str:
    return md5(file.read_bytes())


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def hashes(content: bytes) -> str:
    return f"crc32c={crc32c(content)},md5={md5(content)}"


def done(content: bytes = b"", **headers: str) -> httpx.Response:
    """A success that states the hashes of ``content``, or nothing."""
    proof = {"x-goog-hash": hashes(content)} if content else {}
    return httpx.Response(200, headers={**proof, **{name.replace("_", "-"): value for name, value in headers.items()}})


def ack(stored: int, **headers: str) -> httpx.Response:
    """308: so many bytes of the file are stored. 0 is said by leaving ``Range`` out."""
    known = {"Range": f"bytes=0-{stored - 1}"} if stored else {}
    return httpx.Response(308, headers={**known, **headers})


class Uploads:
    """One upload against scripted answers of the storage."""

    def __init__(self, store: TokenStore, spotify: Spotify, clock: Clock, folder: Path) -> None:
        self.store, self.spotify, self.clock, self.folder = store, spotify, clock, folder

    def send(self, *answers: Any, file: Path | None = None, ticket: UploadTicket = TICKET, **given: Any) -> UploadProof:
        return self._carry_out("upload", ticket, answers, file, given)

    def resume(self, opened: OpenUpload, *answers: Any, file: Path | None = None, **given: Any) -> UploadProof:
        return self._carry_out("resume_upload", opened, answers, file, given)

    def opened(self, file: Path, **changes: Any) -> OpenUpload:
        """A session that an earlier run opened for ``file`` just now."""
        of_file = {"size": file.stat().st_size, "crc32c": crc32c_of(file), "opened_at": self.clock.now}
        return OpenUpload(**{"audience_id": AUDIENCE, "uri": Secret(SESSION), **of_file, **changes})

    @property
    def ranges(self) -> list[str]:
        """``Content-Range`` of each request to a session, empty where there is none."""
        puts = [request for request in self.spotify.storage_calls if request.method == "PUT"]
        return [request.headers.get("content-range", "") for request in puts]

    def _carry_out(
        self, method: str, at: object, answers: tuple[Any, ...], file: Path | None, given: dict[str, Any]
    ) -> UploadProof:
        file = file or customer_list(self.folder)
        self.spotify.storage = list(answers)
        given = {"size": file.stat().st_size, **given}
        if "crc32c" not in given:
            given["crc32c"] = crc32c_of(file)
        if "md5" not in given and file.is_file():
            given["md5"] = md5_of(file)
        observer = given.pop("observer", None)
        chosen = given.pop("settings", None)
        with self.spotify.open(self.store, self.clock, observer=observer, settings=chosen) as client:
            return getattr(client, method)(at, file, **given)
