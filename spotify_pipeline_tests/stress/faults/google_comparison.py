"""The same faults for google-cloud-storage's `ResumableUpload`, the reference of the protocol, and for ours.

    python -m spotify_pipeline_tests.stress.faults google

Both send three chunks of 256 KiB to the sandbox, through the same scripted faults of the session's requests; what
begins or renews an upload is left out, for it is Spotify's and not Google's. The reference is driven generously: its
own retries, and after an error `recover()` and on, as its documentation says, five times over. Its API answers the
last byte with JSON where a signed upload answers with headers, so it is given that JSON, made of those headers.

"went on, identical": we stop at a plain refusal or an answer that contradicts what was sent, and leave it to a person;
the reference, driven so, asked again and brought the file over whole.
"""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import requests
from google.api_core.retry import Retry
from google.cloud.storage._media.requests import ResumableUpload
from google.cloud.storage.retry import DEFAULT_RETRY

from spotify_pipeline.spotify import UploadTicket
from spotify_pipeline_tests.stress.faults.upload_cases import CASES, QUANTUM, Case, Layout
from spotify_pipeline_tests.stress.faults.upload_matrix import Bench, bench

LAYOUT = Layout(3 * QUANTUM, QUANTUM)
MOST_RECOVERIES = 5
STALLED, PATIENT = (1.0, 0.3), (20.0, 20.0)  # seconds to connect, and to wait for an answer; ours has the same
QUICK = Retry(predicate=DEFAULT_RETRY._predicate, initial=0.01, maximum=0.05, timeout=10.0)
NOT_SHARED = {"F01", "F02", "F03", "F17", "F27", "F29", "F30", "F34"}  # the start, the file, the process, no fault
OF_THE_HTTP_LIBRARY = {"F22"}  # whether a redirect is followed
OF_RENEWAL = {"F16", "F20", "F26", "F33"}  # the right answer is a new URL, for which only ours can ask
WORDS = {
    "=": "recovered",
    "R": "right refusal",
    "E": "needless failure",
    "+": "went on, identical",
    "!": "FALSE SUCCESS",
    "?": "did not meet the fault",
    "x": "wrong: see the matrix",
}


@dataclass(frozen=True)
class Row:
    case: Case
    ours: str
    theirs: str


class JsonAnswers(requests.Session):
    """Gives the last answer the JSON body that the reference reads its checksum from."""

    def request(self, method: str, url: str, **given: Any) -> requests.Response:  # type: ignore[override]
        if method == "POST":
            given["data"] = None  # the signed URL covers an empty body
        answer = super().request(method, url, **given)
        stated = answer.headers.get("x-goog-hash")
        if answer.status_code in (200, 201) and stated and not answer.content:
            hashes = dict(part.strip().split("=", 1) for part in stated.split(","))
            size = answer.headers.get("x-goog-stored-content-length")
            answer._content = json.dumps(
                {"crc32c": hashes.get("crc32c"), "md5Hash": hashes.get("md5"), "size": size}
            ).encode()
        return answer


def by_the_reference(ticket: UploadTicket, content: bytes, timeout: tuple[float, float]) -> bool:
    """Whether the reference takes the upload for finished."""
    transport = JsonAnswers()
    stream = io.BytesIO(content)
    upload = ResumableUpload(
        ticket.url.reveal(), LAYOUT.chunk_bytes, headers={"x-goog-resumable": "start"}, checksum="crc32c", retry=QUICK
    )
    try:
        upload.initiate(transport, stream, {}, "text/csv", timeout=timeout)
        recoveries = 0
        while not upload.finished:
            try:
                upload.transmit_next_chunk(transport, timeout=timeout)
            except Exception:  # noqa: BLE001 - whatever it raises, the next line is what its documentation advises
                recoveries += 1
                if upload.finished or recoveries > MOST_RECOVERIES:
                    return False
                upload.recover(transport)
    except Exception:  # noqa: BLE001 - any error is a failure that it owns up to
        return False
    finally:
        transport.close()
    return True


def verdict(case: Case, finished: bool, identical: bool) -> str:
    if finished and identical:
        return "+" if case.refused else "="
    if finished:
        return "!"
    return "R" if case.refused else "E"


def compared(opened: Bench, case: Case) -> Row:
    """One fault for each of the two."""
    cell = opened.cell(case, LAYOUT.size, LAYOUT.chunk)
    ours = "x" if cell.wrong else cell.mark

    def theirs(ticket: UploadTicket, content: bytes) -> bool:
        return by_the_reference(ticket, content, STALLED if case.code in ("F24", "F25") else PATIENT)

    met, finished, identical = opened.other_client(case, LAYOUT, theirs)
    return Row(case, ours, verdict(case, finished, identical) if met else "?")


def shared_cases() -> tuple[Case, ...]:
    """Faults of the session, where neither the file nor the process is at fault."""
    return tuple(case for case in CASES if case.code not in NOT_SHARED | OF_THE_HTTP_LIBRARY | OF_RENEWAL)


def main() -> bool:
    """Print the table; whether ours failed nowhere."""
    cases = shared_cases()
    width = max(len(case.label) for case in cases)
    sys.stdout.write(f"{'':{width}s}  {'ours':18s}  google-cloud-storage {version('google-cloud-storage')}\n")
    rows: list[Row] = []
    with bench() as opened:
        for case in cases:
            rows.append(compared(opened, case))
            row = rows[-1]
            sys.stdout.write(f"{case.label:{width}s}  {WORDS[row.ours]:18s}  {WORDS[row.theirs]}\n")
            sys.stdout.flush()
    for name, marks in (("ours", Counter(row.ours for row in rows)), ("theirs", Counter(row.theirs for row in rows))):
        counts = ", ".join(f"{marks[mark]} {WORDS[mark]}" for mark in WORDS)
        sys.stdout.write(f"{name}: {counts}\n")
    return all(row.ours in "=R" for row in rows)
