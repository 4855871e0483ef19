"""Every fault of an upload, for every chunk size and file size, against the sandbox, and what came of it.

    python -m spotify_pipeline_tests.stress.faults uploads

A cell is right when the upload ended as the case says, each scripted fault was consumed, a success is proven and the
storage holds exactly the file, and no more bytes were sent twice than one chunk for each fault. Rows are cases,
columns file sizes, and within a column the chunk sizes 256 KiB, 512 KiB, 2 MiB and the whole file. What matters is how
a file's size stands to that of its chunks, so the files are small. A chunk size is left out where a smaller one holds
the whole file already: the requests would be the same. Two processes share the cases.
"""

from __future__ import annotations

import hashlib
import logging
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer
from spotify_pipeline.spotify import (
    OpenUpload,
    SpotifyAdsClient,
    SpotifyError,
    TokenStore,
    UploadDataLoss,
    UploadProof,
    UploadTicket,
)
from spotify_pipeline.spotify.retry import RateLimit
from spotify_pipeline.spotify.retry.rate_limiter import RateLimiter
from spotify_pipeline.spotify.transport import STORAGE, HttpClient
from spotify_pipeline.spotify.upload.service import Uploader
from spotify_pipeline.spotify.upload_hosts import UploadHosts
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.sandbox_settings import settings_at
from spotify_pipeline_tests.spotify.uploads import crc32c
from spotify_pipeline_tests.stress.faults.lists import HEADER
from spotify_pipeline_tests.stress.faults.upload_cases import CASES, KIB, QUANTUM, Case, Layout, Outcome

MIB = 1024 * KIB
CHUNKS = (QUANTUM, 2 * QUANTUM, 8 * QUANTUM, None)
SMALL_SIZES = {"1 row": 81, "256 KiB-1": QUANTUM - 1, "256 KiB": QUANTUM, "256 KiB+1": QUANTUM + 1}
THREE_CHUNKS = "3 chunks"
LARGE = "5 MiB"
SIZES = (*SMALL_SIZES, THREE_CHUNKS, LARGE)
SECONDS_UNTIL_STALLED = 0.3
HURRIED = replace(
    STORAGE,
    read_seconds=SECONDS_UNTIL_STALLED,
    write_seconds=SECONDS_UNTIL_STALLED,
    total_seconds=3 * SECONDS_UNTIL_STALLED,
    slowest_rate=math.inf,
)
UNHURRIED = replace(STORAGE, read_seconds=20, write_seconds=20)
HOUR = 3600.0
PROCESSES = 2


class Died(Exception):
    """Stands for the end of the process, as far as this upload is concerned."""


@dataclass(frozen=True)
class Cell:
    """A case at one file and chunk size, and what was found."""

    layout: Layout
    mark: str
    wrong: str = ""


def size_of(name: str, chunk: int | None) -> int:
    if name == THREE_CHUNKS:
        return 3 * (chunk or QUANTUM)
    return 5 * MIB if name == LARGE else SMALL_SIZES[name]


def chunks_of(size: str) -> list[int | None]:
    """The chunk sizes that make different requests of a file of this size."""
    fitting = [chunk for chunk in CHUNKS if chunk is not None and chunk >= size_of(size, chunk)]
    return [chunk for chunk in CHUNKS if chunk not in fitting[1:]]


class Bench:
    """A sandbox, the files, and one uploader at a time."""

    def __init__(self, server: SandboxServer, client: SpotifyAdsClient, folder: Path) -> None:
        self._server = server
        self._hurried, self._unhurried = HttpClient(HURRIED), HttpClient(UNHURRIED)
        self._client = client
        self._folder = folder
        self._contents: dict[int, bytes] = {}
        self._file = folder / "list.csv"
        self._now = 0.0
        self._first_request = 0

    def close(self) -> None:
        self._hurried.close()
        self._unhurried.close()

    def cell(self, case: Case, size: int, chunk: int | None) -> Cell:
        """Run one."""
        layout = Layout(size, chunk)
        faults = case.script(layout)
        if faults is None or (case.happening == "process dies" and layout.requests < 2):
            return Cell(layout, "·")
        content = self._content(size)
        self._file.write_bytes(content)
        self._now = 0.0
        state = self._server.state
        state.clock.restart()  # or the weeks that pass in a row of cells would end the sign-in
        self._first_request = state.requests.next_number()
        for each in faults:
            state.faults.script(each)
        outcome = self._outcome(case, layout, content)
        consumed = [each for each in state.faults.unconsumed() if each.fault.times != "always" or not each.consumed]
        wrong = self._judged(case, layout, content, outcome, len(faults))
        if consumed:
            wrong = f"not consumed: {', '.join(each.fault.name for each in consumed)}. {wrong}"
        state.faults.clear()
        self._start_over()
        mark = "=" if isinstance(outcome, UploadProof) else "R"
        return Cell(layout, "!" if wrong else mark, wrong)

    def other_client(
        self, case: Case, layout: Layout, upload: Callable[[UploadTicket, bytes], bool]
    ) -> tuple[bool, bool, bool]:
        """The same for somebody else's client.

        Whether it met all faults, whether it calls the upload finished, and whether the file is there.
        """
        content = self._content(layout.size)
        state = self._server.state
        for each in case.script(layout) or []:
            state.faults.script(each)
        finished = upload(self._ticket(), content)
        stored = {each.sha256 for each in state.received_lists.all()}
        met = not state.faults.unconsumed()
        state.faults.clear()
        self._start_over()
        return met, finished, stored == {hashlib.sha256(content).hexdigest()}

    def _outcome(self, case: Case, layout: Layout, content: bytes) -> UploadProof | Exception:
        slow = any(each.name in ("F24", "F25") for each in case.script(layout) or [])
        uploader = Uploader(
            self._hurried if slow else self._unhurried,
            UploadHosts((f"127.0.0.1:{self._server.port}",)),
            chunk_bytes=layout.chunk,
            monotonic=lambda: self._now,
            sleep=self._pause,
            random=lambda: 1.0,
        )
        given = {"size": layout.size, "crc32c": crc32c(content), "renew": self._ticket}
        try:
            if case.happening == "process dies":
                return self._resumed(uploader, given)
            happens = {}
            if case.happening:  # before the last byte is on its way, where there is only one request
                moment = "on_progress" if layout.requests > 1 else "on_open"
                happens[moment] = self._happening(case.happening)
            return uploader.upload(self._ticket(), self._file, **given, **happens)
        except SpotifyError as error:
            return error

    def _resumed(self, uploader: Uploader, given: dict) -> UploadProof:
        """Two processes: the first gives up in the middle, the second goes on with its session."""
        opened: list[OpenUpload] = []

        def give_up(_: object) -> None:
            raise Died

        try:
            uploader.upload(self._ticket(), self._file, **given, on_open=opened.append, on_progress=give_up)
        except Died:
            return uploader.resume(opened[0], self._file, **given)
        raise AssertionError("the first process was to die")

    def _happening(self, what: str) -> Callable[[object], None]:
        """Something that happens on this machine, once, in the middle of the upload."""
        pending = [what]

        def happen(_: object) -> None:
            if not pending:
                return
            pending.clear()
            if what == "file grows":
                with self._file.open("ab") as file:
                    file.write(b"x")
            elif what == "file shrinks":
                with self._file.open("r+b") as file:
                    file.truncate(max(20, self._file.stat().st_size - 1))
            elif what == "file changes":
                with self._file.open("r+b") as file:
                    file.seek(-2, 2)
                    file.write(b"x")
            else:
                self._now += 8 * HOUR if what == "sleep past the limit" else 2 * HOUR

        return happen

    def _pause(self, seconds: float) -> None:
        self._now += seconds

    def _judged(self, case: Case, layout: Layout, content: bytes, outcome: UploadProof | Exception, faults: int) -> str:
        """What is wrong with a cell; nothing where it is right."""
        if isinstance(outcome, UploadProof):
            if case.refused:
                return "a success that had to be a refusal"
            return self._judged_success(case, layout, content, outcome, faults)
        allowed = UploadDataLoss if case.expected is Outcome.EITHER else case.expected
        return "" if type(outcome) is allowed else f"failed: {type(outcome).__name__}: {outcome}"

    def _judged_success(self, case: Case, layout: Layout, content: bytes, proof: UploadProof, faults: int) -> str:
        stored = [each for each in self._server.state.received_lists.all() if each.audience_id == proof.audience_id]
        if [each.sha256 for each in stored] != [hashlib.sha256(content).hexdigest()]:
            return "a false success: the storage does not hold the file"
        if proof.verified is case.unverified:
            return f"verified: {proof.verified}"
        again = self._bytes_received() - layout.size
        troubles = faults + (case.happening == "process dies")  # whose connection may still deliver a chunk
        allowed = troubles * case.chunks_again * layout.chunk_bytes + case.restarts * layout.size
        return f"{again:,} bytes were sent twice" if again > allowed else ""

    def _bytes_received(self) -> int:
        """Bytes of bodies that the storage was sent for this cell, kept or not, by whichever process."""
        asked = self._server.state.requests.after(self._first_request)
        return sum(int(str(each["body_bytes"])) for each in asked if each["operation"] == "put_upload")

    def _ticket(self) -> UploadTicket:
        return self._client.new_upload(DEFAULTS.ad_account_id)

    def _content(self, size: int) -> bytes:
        if size not in self._contents:
            row = hashlib.sha256(str(size).encode()).hexdigest().encode() + b"\n"
            block = b"".join(hashlib.sha256(row + bytes([n])).hexdigest().encode() + b"\n" for n in range(256))
            self._contents = {size: (HEADER + row + block * (size // len(block) + 1))[:size]}
        return self._contents[size]

    def _start_over(self) -> None:
        """Forget what arrived, and the weeks that faults took: all of them together outlive a sign-in."""
        state = self._server.state
        state.clock.restart()
        for received in state.received_lists.all():
            state.list_file(received.id).unlink(missing_ok=True)
            state.received_lists.delete(received.id)
        for session in state.sessions.all():
            state.forget_session(session.id)


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench with a sandbox of its own."""
    config = SandboxConfig(requests_per_window=1_000_000)
    with tempfile.TemporaryDirectory() as name, SandboxServer(config) as server:
        folder = Path(name)
        settings = settings_at(server.url)
        # Thousands of tickets: the budget is another test's subject.
        rate_limiter = RateLimiter.of_file(folder / "rate.json", limit=RateLimit(per_second=1e6, burst=1000))
        store = TokenStore(StateStore.in_home(folder))
        with (
            SpotifyAdsClient.open(settings, store, rate_limiter=rate_limiter) as client,
            closing(Bench(server, client, folder)) as opened,
        ):
            yield opened


def row(opened: Bench, case: Case, sizes: tuple[str, ...] = SIZES) -> dict[str, list[Cell]]:
    """The cells of a case by size, one per chunk size."""
    return {name: [opened.cell(case, size_of(name, chunk), chunk) for chunk in chunks_of(name)] for name in sizes}


def _row_of(number: int) -> dict[str, list[Cell]]:
    logging.getLogger("spotify_pipeline").setLevel(logging.ERROR)  # thousands of recoveries, each with a warning
    with bench() as opened:
        return row(opened, CASES[number])


def main() -> bool:
    """Print the matrix; whether every cell is right."""
    width = max(len(case.label) for case in CASES)
    began = time.perf_counter()
    sys.stdout.write(f"{'':{width}s}  {'  '.join(f'{name:9s}' for name in SIZES)}\n")
    wrong: list[tuple[Case, Cell]] = []
    counts = dict.fromkeys("=R·!", 0)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        for case, cells in zip(CASES, pool.map(_row_of, range(len(CASES))), strict=True):
            marks = ["".join(each.mark for each in of_size) for of_size in cells.values()]
            sys.stdout.write(f"{case.label:{width}s}  {'  '.join(f'{mark:9s}' for mark in marks)}\n")
            sys.stdout.flush()
            for each in (cell for of_size in cells.values() for cell in of_size):
                counts[each.mark] += 1
                wrong += [(case, each)] if each.wrong else []
    sys.stdout.write("\nWithin a size: chunks of 256 KiB, 512 KiB, 2 MiB, as far as they differ, and the whole file.\n")
    sys.stdout.write(
        f"{counts['=']:,} byte-identical, {counts['R']:,} rightly refused, {counts['·']:,} where the fault cannot "
        f"happen, {counts['!']:,} wrong, in {time.perf_counter() - began:.0f} s\n"
    )
    for case, each in wrong:
        sys.stdout.write(f"wrong: {case.label}, {each.layout}: {each.wrong}\n")
    return not wrong
