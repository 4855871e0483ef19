"""The three requests of a resumable upload, as Google's XML API wants them, and nothing that it does not.

Spotify's audiences skill, step 4: no header of ours or Spotify's goes to the storage beyond what the signature covers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spotify_pipeline.spotify.transport import Answer, HttpClient
from spotify_pipeline.spotify.upload.steps import SendRange
from spotify_pipeline.spotify.upload_hosts import SignedUrl

CONTENT_TYPE = "text/csv"  # part of what Spotify signs, so it is sent exactly so
_START_ROUTE = "(signed upload URL)"
_SESSION_ROUTE = "(upload session)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which try it is, from 1, and the seconds waited before it; for the records of calls."""

    number: int
    waited: float


class StorageRequests:
    """Sends them for one file of ``size`` bytes. Each raises what :meth:`HttpClient.send` raises."""

    def __init__(self, http: HttpClient, size: int) -> None:
        self._http = http
        self._size = size

    def start(self, url: SignedUrl, attempt: Attempt) -> Answer:
        """Open a session. V4 signatures cover every ``x-goog-`` header, so there is no other."""
        headers = {"x-goog-resumable": "start", "Content-Type": CONTENT_TYPE, "Content-Length": "0"}
        return self._request("POST", url, _START_ROUTE, attempt, headers)

    def send(self, session: SignedUrl, attempt: Attempt, part: SendRange, content: Iterable[bytes]) -> Answer:
        """Send a range of the file; the whole file goes without ``Content-Range``, as Spotify shows it."""
        headers = {"Content-Type": CONTENT_TYPE, "Content-Length": str(part.end - part.first)}
        if part.first > 0 or not part.final:
            headers["Content-Range"] = f"bytes {part.first}-{part.end - 1}/{self._size}"
        return self._request("PUT", session, _SESSION_ROUTE, attempt, headers, content)

    def ask(self, session: SignedUrl, attempt: Attempt) -> Answer:
        """Ask how far the upload is."""
        headers = {"Content-Length": "0", "Content-Range": f"bytes */{self._size}"}
        return self._request("PUT", session, _SESSION_ROUTE, attempt, headers)

    def _request(
        self,
        method: str,
        url: SignedUrl,
        route: str,
        attempt: Attempt,
        headers: dict[str, str],
        content: Iterable[bytes] | None = None,
    ) -> Answer:
        return self._http.send(
            method,
            url.url.reveal(),
            route=route,
            attempt=attempt.number,
            waited=attempt.waited,
            headers=headers,
            content=content,
        )
