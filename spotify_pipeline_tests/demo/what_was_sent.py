"""Prints a digest of everything that the demo sent, and compares two demos.

    python -m spotify_pipeline_tests.demo.what_was_sent DIRECTORY [--record PROJECT [--people N]] [--against DIRECTORY]

With ``--record`` it first runs the demo of a checkout, in a copy of it, and keeps what it sent in ``DIRECTORY``: the
requests (``requests/``, as they arrived at the sandbox), the customer lists and events that the sandbox kept
(``sandbox/``) and the receipts (in ``state.sqlite``; older versions kept files, in ``receipts/``). Without it,
``DIRECTORY`` is such a directory, or the one that ``make demo`` leaves at ``.spotify_pipeline/demo``, which holds no
requests: the sandbox keeps none of their contents.

One line per item (kind, name, SHA-256), then one digest of all. With ``--against`` the items that differ are shown, and
the exit status is 1 if any does.

Of a list, a chunk of one and an event the bytes themselves are digested: the demo's data is of a fixed day and seed, so
they are the same on every day. In everything else what no two runs have in common is replaced first, see
:func:`normalized`. Left out are:

- the order of the events: the warehouse gives rows in any order, so that each run puts others into a request. Of such a
  request the number of events and all that is around them counts, and the events of all requests are digested sorted;
- ``Content-Length`` of a body that is not digested as it is;
- what a receipt says of its own digest and of the receipt before it, which depend on what was replaced.

It imports nothing of the package, and reads only the files that a demo leaves, so it compares any two commits.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEMO = Path(".spotify_pipeline") / "demo"
KEPT = ("sandbox", "receipts", "state.sqlite", "state.sqlite-wal", "state.sqlite-shm")
RECORDER = Path(__file__).with_name("recorded_demo.py")
NOT_COPIED = (".git", ".venv", ".spotify_pipeline", ".hypothesis", "__pycache__", ".*_cache", ".env", "target", "logs")

_RANDOM_ID = r"(?P<id>\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|(?<![0-9A-Za-z+])[0-9a-f]{32}(?![0-9A-Za-z+/=]))"
_FIXED_ID = re.compile("0{7}-0000-4000-8000-0{9}")  # of the sandbox's default world, the same in every run
_TIME = r"(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?\b|\b\d{8}T\d{6}Z\b)"
_SECRET = (
    r"(?P<secret>(?<=Bearer )[^\s\"&]+|(?<=Basic )[^\s\"&]+"
    r"|(?<=X-Goog-Signature=)[^\s\"&]+|(?<=X-Goog-Credential=)[^\s\"&]+"
    r"|(?<=upload_id=)[^\s\"&]+|(?<=refresh_token=)[^\s\"&]+|(?<=code=)[^\s\"&]+|(?<=code_verifier=)[^\s\"&]+)"
)
_MARK = r"(?P<mark>(?<=\[sp:)[0-9a-f]{8}(?=\]))"  # by which an audience of one attempt is known again; random
_PORT = r"(?P<port>(?<=127\.0\.0\.1:)\d+|(?<=localhost:)\d+)"
_CHANGING = re.compile("|".join((_SECRET, _MARK, _PORT, _RANDOM_ID, _TIME)))
_EVENTS = '"events":['
_OF_OTHER_RECEIPTS = ("digest", "previous")


class NothingToCompareError(Exception):
    """What was sent cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class Item:
    """One thing that was sent, or that is recorded of it. ``content``: normalized, or a digest where that is enough."""

    kind: str
    name: str
    content: str

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return _sha256(self.content.encode())

    def __str__(self) -> str:
        return f"{self.kind:<8} {self.name:<78} {self.digest}"


def normalized(texts: Iterable[str]) -> list[str]:
    """The texts without what differs between two runs of the same code.

    Tokens, signatures and session ids become ``<secret>``, dates and times ``<time>``, ports ``<port>``. A random id
    (a UUID with or without hyphens, the mark in an audience's description) becomes ``<id N>``, numbered by its first
    appearance in all texts, so that the same id stays the same; the ids of the sandbox's default world stay.
    """
    numbers: dict[str, int] = {}

    def replacement(found: re.Match[str]) -> str:
        kind = str(found.lastgroup)
        if kind not in ("id", "mark"):
            return f"<{kind}>"
        if _FIXED_ID.search(found[0]):
            return found[0]
        return f"<id {numbers.setdefault(found[0].replace('-', ''), len(numbers) + 1)}>"

    return [_CHANGING.sub(replacement, text) for text in texts]


def what_was_sent(directory: Path) -> list[Item]:
    """Everything that the demo of ``directory`` sent: requests, lists and events in their order, then receipts.

    Raises:
        NothingToCompareError: no demo left anything there.
    """
    receipts = _kept_receipts(directory)
    if not receipts:
        raise NothingToCompareError(f"{directory} holds no receipts of a demo. Name another, or add --record PROJECT.")
    kept_receipts = (receipt_item(name, json.loads(text)) for name, text in receipts.items())
    raw = [*_requests(directory / "requests"), *kept_receipts]
    # Names and contents in one go: an id is numbered by its first appearance in all of them.
    texts = iter(normalized(text for item in raw for text in (item.name, item.content)))
    items = [Item(item.kind, next(texts), next(texts)) for item in raw]
    sent = [item for item in items if item.kind == "request"]
    kept = [item for item in items if item.kind == "receipt"]
    sandbox = directory / "sandbox"
    events = [*_events_sent(directory / "requests"), *_events_kept(sandbox)]
    return [*sent, *_lists(sandbox / "lists", receipts), *events, *kept]


def total(items: Iterable[Item]) -> str:
    """One digest of all items, their names and their order."""
    return _sha256("\n".join(map(str, items)).encode())


def differences(items: Sequence[Item], others: Sequence[Item]) -> list[str]:
    """How two demos differ, in lines to print: of ``others`` with ``-``, of ``items`` with ``+``; none if equal."""
    lines: list[str] = []
    before, after = [_shown(each) for each in others], [_shown(each) for each in items]
    for tag, start, end, new_start, new_end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if tag != "equal":
            old = [line for each in before[start:end] for line in each]
            new = [line for each in after[new_start:new_end] for line in each]
            lines += [line for line in difflib.ndiff(old, new) if line[0] in "+-"]
    return lines


def _shown(item: Item) -> tuple[str, ...]:
    return (f"{item.kind} {item.name}", *(f"    {line}" for line in item.content.splitlines()))


def _requests(directory: Path) -> Iterator[Item]:
    for file in sorted(directory.glob("*.json")):
        request: dict[str, Any] = json.loads(file.read_text())
        body = file.with_suffix(".body").read_bytes()
        yield request_item(int(file.stem), request, body)


def request_item(number: int, request: dict[str, Any], body: bytes) -> Item:
    """A request as it was recorded, not yet normalized.

    Args:
        number: its place among all requests.
        request: ``method``, ``path``, ``query``, ``headers`` (pairs, in their order) and the ``status`` it got.
        body: the bytes that arrived.
    """
    path = request["path"]
    as_it_is = path.startswith("/upload/")
    headers = [
        f"{name}: {value}" for name, value in request["headers"] if as_it_is or name != "content-length" or not body
    ]
    lines = [f"?{request['query']}", *headers, f"status: {request['status']}"]
    if as_it_is:
        lines.append(f"body: SHA-256 {_sha256(body)}")
    else:
        around, events = events_apart(body.decode())
        lines.append(f"body: {around}")
        lines += [f"events: {len(events)}"] * bool(events)
    return Item("request", f"{number:03} {request['method']} {path}", "\n".join(lines))


def events_apart(body: str) -> tuple[str, list[str]]:
    """A body without its events, and the text of each event as it was sent; a body that has none stays whole."""
    start = body.find(_EVENTS)
    if start < 0:
        return body, []
    events: list[str] = []
    place = start = start + len(_EVENTS)
    while body[place] != "]":
        place += body[place] == ","
        _, end = json.JSONDecoder().raw_decode(body, place)
        events.append(body[place:end])
        place = end
    return f"{body[:start]}...{body[place:]}", events


def _kept_receipts(directory: Path) -> dict[str, str]:
    """Each receipt by ad account, audience and number, as the name of its file had it before the state kept them."""
    files = sorted((directory / "receipts").glob("*/*/*.json"))
    found = {"/".join(file.parts[-3:]): file.read_text() for file in files}
    state = directory / "state.sqlite"
    if state.exists():
        with closing(sqlite3.connect(state)) as database:
            rows = database.execute("SELECT ad_account_id, audience, number, content FROM receipt ORDER BY 1, 2, 3")
            found |= {
                f"{account}/{audience}/{number:06}.json": text.decode() for account, audience, number, text in rows
            }
    return found


def receipt_item(name: str, receipt: dict[str, Any]) -> Item:
    """A receipt, not yet normalized."""
    of_itself = {field: "<digest>" for field in _OF_OTHER_RECEIPTS if receipt.get(field)}
    # The fields keep their order: it is part of the bytes of a receipt.
    return Item("receipt", name, json.dumps({**receipt, **of_itself}, indent=1))


def _lists(directory: Path, receipts: Mapping[str, str]) -> Iterator[Item]:
    """The lists in the order in which they arrived, each under the audience of the receipt that states its digest."""
    stated = [(name.split("/")[1], text) for name, text in receipts.items()]
    for file in sorted(directory.glob("*"), key=lambda file: file.stat().st_mtime_ns):
        digest = _sha256(file.read_bytes())
        audience = next((audience for audience, text in stated if digest in text), "of no receipt")
        yield Item("list", f"{audience}, {file.stat().st_size:,} bytes", f"SHA-256 {digest}")


def _events_sent(requests: Path) -> Iterator[Item]:
    bodies = sorted(requests.glob("*.body"))
    events = sorted(event for body in bodies for event in events_apart(body.read_bytes().decode())[1])
    if bodies:
        yield Item("events", f"{len(events):,} sent", f"SHA-256 {_sha256(chr(10).join(events).encode())}")


def _events_kept(sandbox: Path) -> Iterator[Item]:
    # Not the digest that the sandbox keeps of an event: its key is another one in each run.
    with closing(sqlite3.connect(f"file:{sandbox / 'sandbox.sqlite'}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT event_id, name, time, times, altered FROM events ORDER BY event_id").fetchall()
    yield Item("events", f"{len(rows):,} kept by the sandbox", f"SHA-256 {_sha256(json.dumps(rows).encode())}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def record(project: Path, directory: Path, *, people: int | None = None) -> None:
    """Run the demo of a checkout, in a copy, and keep what it sent in ``directory``.

    Raises:
        NothingToCompareError: ``directory`` is not empty, or the demo failed.
    """
    if directory.exists() and any(directory.iterdir()):
        raise NothingToCompareError(f"{directory} is not empty. Choose a new directory to record into.")
    requests = directory.resolve() / "requests"
    requests.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="what_was_sent.") as temporary:
        copy = Path(temporary) / "project"
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SPOTIFY_")}
        arguments = ["--port", str(_free_port()), *(["--people", str(people)] if people else [])]
        finished = subprocess.run(
            [sys.executable, "-P", str(RECORDER), str(copy), str(requests), *arguments],
            env={**environment, "PYTHONPATH": str(copy)},  # comes before an installed package
            cwd=temporary,
            capture_output=True,
            text=True,
        )
        (directory / "demo.log").write_text(finished.stdout + finished.stderr)
        if finished.returncode:
            raise NothingToCompareError(f"The demo of {project} failed; {directory / 'demo.log'} says why.")
        for part in (each for each in KEPT if (copy / DEMO / each).exists()):
            # Lists are ordered by the time at which they arrived, which a move and a copy keep.
            shutil.move(copy / DEMO / part, directory / part)
    if not any(requests.iterdir()):
        raise NothingToCompareError(f"No request of the demo was recorded: does uvicorn no longer serve {project}?")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was sent; the process's exit status."""
    parser = argparse.ArgumentParser(prog="what_was_sent", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("directory", type=Path, help="what a demo left, or with --record an empty place for it")
    parser.add_argument("--record", type=Path, metavar="PROJECT", help="run the demo of this checkout first")
    parser.add_argument("--people", type=int, help="with --record: how many people its customer table holds")
    parser.add_argument("--against", type=Path, metavar="DIRECTORY", help="compare with what another demo left")
    asked = parser.parse_args(arguments)
    try:
        if asked.record is not None:
            record(asked.record, asked.directory, people=asked.people)
        items = what_was_sent(asked.directory)
        others = None if asked.against is None else what_was_sent(asked.against)
    except NothingToCompareError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.writelines(f"{item}\n" for item in items)
    sys.stdout.write(f"{'total':<8} {len(items):<78} {total(items)}\n")
    if others is None:
        return 0
    lines = differences(items, others)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.write("DIFFERENT from " if lines else "Equal to ")
    sys.stdout.write(f"{asked.against}, {len(others)} items, total {total(others)}\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
