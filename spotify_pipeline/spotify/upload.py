"""The two-step signed upload: open a session with the signed URL, then send the file to the session.

Spotify's audiences skill, step 4, and Google's XML API for resumable uploads: ``POST`` to the signed URL with
``x-goog-resumable: start`` and an empty body; the answer's ``Location`` is the session; ``PUT`` the file there. No
header of ours or Spotify's goes with it beyond what the signature covers.
"""

from __future__ import annotations

from pathlib import Path

from spotify_pipeline.spotify.errors import SpotifyError, SpotifyUnavailable, UploadIncomplete
from spotify_pipeline.spotify.http import HttpClient
from spotify_pipeline.spotify.models import UploadProof, UploadTicket
from spotify_pipeline.spotify.outgoing_file import OutgoingFile, outgoing_file
from spotify_pipeline.spotify.upload_answers import require_completed, session_location, stated_proof, unconfirmed
from spotify_pipeline.spotify.upload_hosts import SignedUrl, UploadHosts

CONTENT_TYPE = "text/csv"  # part of what Spotify signs, so it is sent exactly so
_START_ROUTE = "(signed upload URL)"
_SESSION_ROUTE = "(upload session)"


class Uploader:
    """Sends customer lists to the storage that Spotify's signed URLs name."""

    def __init__(self, http: HttpClient, hosts: UploadHosts) -> None:
        self._http = http
        self._hosts = hosts

    def upload(self, ticket: UploadTicket, file: Path, *, size: int, crc32c: str) -> UploadProof:
        """Send ``file`` whole, once, and return what proves its arrival.

        Args:
            ticket: of :meth:`SpotifyAdsClient.new_upload` or ``replacement_upload``; good for one upload.
            file: the customer list.
            size: its bytes, as they were when it was built.
            crc32c: its CRC32C then, base64 of the big-endian bytes.

        Raises:
            UploadRefused: a check of ours, or the storage, says no. Nothing was replaced.
            UploadIncomplete: the file was on its way and its arrival is not proven.
            SpotifyUnavailable: the storage could not be reached to begin.
        """
        with outgoing_file(file, size=size, crc32c=crc32c) as outgoing:
            start = self._hosts.check(ticket.url.reveal())
            return self._send(self._open_session(start), outgoing)

    def _open_session(self, start: SignedUrl) -> SignedUrl:
        answer = self._http.send(
            "POST",
            start.url.reveal(),
            route=_START_ROUTE,
            headers={"x-goog-resumable": "start", "Content-Type": CONTENT_TYPE, "Content-Length": "0"},
        )
        return self._hosts.check_session(session_location(answer), start)

    def _send(self, session: SignedUrl, outgoing: OutgoingFile) -> UploadProof:
        try:
            answer = self._http.send(
                "PUT",
                session.url.reveal(),
                route=_SESSION_ROUTE,
                headers={"Content-Type": CONTENT_TYPE, "Content-Length": str(outgoing.size)},
                content=outgoing.blocks(),
            )
        except SpotifyUnavailable as cut:
            message = f"The upload was cut. {cut.message}"
            raise UploadIncomplete(message, may_have_happened=cut.may_have_happened) from None
        require_completed(answer, outgoing)
        proof = stated_proof(answer, outgoing) or self._asked_again(session, outgoing)
        if proof is None:
            raise unconfirmed(answer.status)
        return proof

    def _asked_again(self, session: SignedUrl, outgoing: OutgoingFile) -> UploadProof | None:
        """What the storage states when asked once for the state of the session, without sending a byte of the file.

        A success that states nothing may come from a proxy, or from before the file was taken. A session that is
        complete answers this question with its object's hashes and length, as it does after the last byte.
        """
        headers = {"Content-Length": "0", "Content-Range": f"bytes */{outgoing.size}"}
        try:
            answer = self._http.send("PUT", session.url.reveal(), route=_SESSION_ROUTE, attempt=2, headers=headers)
        except SpotifyError:
            return None
        return stated_proof(answer, outgoing)
