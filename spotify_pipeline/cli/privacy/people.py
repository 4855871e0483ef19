"""`forget` and `explain`: a person's requests. Identifiers come on standard input and are never shown."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from spotify_pipeline.cli.attribution import who_decides
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.privacy.digest import require_region
from spotify_pipeline.cli.privacy.review import said_before
from spotify_pipeline.cli.privacy.waiting_events import ErasedEvents, erase_waiting, waiting_rows
from spotify_pipeline.cli.project import project_home, project_lists, project_state
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.customer_list import CustomerListError
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import Journal, JournalEntry, JournalError, ReceiptBook, RemovalPolicy, folder_of
from spotify_pipeline.mirror.guards import counted
from spotify_pipeline.mirror.receipts import LONGEST_WINDOW, compared_with
from spotify_pipeline.privacy import (
    NOT_KNOWN,
    ErasureError,
    ErasureLedger,
    ErasureRequest,
    ExplainedLine,
    Forgotten,
    GivenIdentifier,
    read_identifiers,
)
from spotify_pipeline.privacy import explain as explain_people
from spotify_pipeline.privacy import forget as forget_people

ARGUMENTS = typer.Argument(hidden=True, show_default=False)
"""Taken only to be refused without being shown: what somebody writes there by mistake is somebody's identifier."""
REGION_OPTION = typer.Option(metavar="SE", help="The two-letter country of phone numbers written without one.")
_BAD_INPUT = 2


def forget(
    arguments: Annotated[list[str] | None, ARGUMENTS] = None,
    region: Annotated[str | None, REGION_OPTION] = None,
    deadline_days: Annotated[
        int, typer.Option(min=1, max=365, help="Days until every audience has to be without them.")
    ] = 30,
    yes: Annotated[
        bool, typer.Option("--yes", help="Confirm, even if it removes more of an audience than its max_shrink allows.")
    ] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who says so; by default your user name.")] = None,
    take_back: Annotated[
        str | None,
        typer.Option(metavar="REQUEST", help="Instead, take back a request until its deadline; see `erasures`."),
    ] = None,
) -> None:
    """Keep people out of every list from now on, and out of those kept here: identifiers on standard input, one a line.

    A line is an e-mail address, a phone number, a device id or a digest; `email:`, `phone:`, `device_id:` or `digest:`
    before it says which. Either all lines are usable, or nothing is done. Nothing is shown or logged of them. First it
    says how many people of which audiences at Spotify would go; more of one than its `max_shrink` needs --yes.
    """
    if take_back is not None:
        _take_back(arguments, take_back, by)
        return
    people = _people(arguments, region)
    with _withheld():
        done = forget_people(
            people,
            project_lists(),
            ErasureLedger(project_state()),
            now=lambda: datetime.now(UTC),
            live=_live_lists(),
            compared=_compared_lists(),
            live_now=_live_lists,
            review=said_before(yes=yes, by=by),
            deadline=timedelta(days=deadline_days),
        )
        # Of everybody in the ledger: an outbox that was held when somebody else was forgotten is free by now.
        events = erase_waiting(ErasureLedger(project_state()).digests())
    _tell(done, events)


def _take_back(arguments: list[str] | None, request_id: str, by: str | None) -> None:
    if arguments:
        raise typer.BadParameter("--take-back needs the request alone. Nothing was changed.")
    ledger = ErasureLedger(project_state())
    before = [each for each in ledger.requests() if each.id == request_id and each.taken_back is not None]
    gone = ledger.take_back(request_id, by=who_decides(by))
    said = gone.taken_back
    if before and said is not None:
        sys.stdout.write(f"{gone.id} was taken back before, by {said.by} on {said.at:%Y-%m-%d}.\n")
        return
    sys.stdout.write(
        f"{gone.id} is taken back, and its digests are deleted. Its people are in the next lists that are built, if "
        "the warehouse has them and no other request names them. Lists kept here stay without them.\n"
    )


def explain(
    arguments: Annotated[list[str] | None, ARGUMENTS] = None,
    region: Annotated[str | None, REGION_OPTION] = None,
) -> None:
    """Show which lists hold people: identifiers on standard input, one a line, as for `forget`.

    Looks into what is kept here and into events that wait to be sent; whether Spotify has a list, the journal says.
    """
    people = _people(arguments, region)
    with _withheld():
        explanation = explain_people(people, project_lists(), ErasureLedger(project_state()), _live_lists())
        waiting, problems = waiting_rows(people)
    rows = [row for line in explanation.lines for row in _rows(line, waiting.get(line.identifier.line, []))]
    whose = ("audience or feed", "snapshot or day") if waiting else ("audience", "snapshot")
    print_table("lines", ("line", "given as", *whose, "place", "by"), rows)
    for line in explanation.lines:
        for request in line.erasures:
            sys.stdout.write(f"Line {line.identifier.line} is to be forgotten by {request.id}: {_status(request)}.\n")
    if explanation.unknown:
        sys.stdout.write(
            f"Spotify has a list of {', '.join(explanation.unknown)} that is not kept here, so it cannot be searched.\n"
        )
    _fail_with((*explanation.problems, *problems))


def _people(arguments: list[str] | None, region: str | None) -> list[GivenIdentifier]:
    """The identifiers on standard input. What is wrong with them ends the command with exit code 2."""
    if arguments:
        raise typer.BadParameter(
            "Identifiers come on standard input, one a line, and never as arguments: other users of this machine could "
            "read them there. Nothing was looked up or changed. Delete that line from your shell's history."
        )
    require_region(region)
    if sys.stdin.isatty():
        sys.stderr.write("Type one identifier a line. End with Ctrl-D on a line of its own, or give up with Ctrl-C.\n")
    try:
        with _withheld():
            return read_identifiers(sys.stdin.buffer, region=region)
    except ErasureError as error:
        sys.stderr.write(f"error: {error}\n")
        raise typer.Exit(_BAD_INPUT) from None


@contextmanager
def _withheld() -> Generator[None]:
    """Let no message of a library reach the terminal or a log: it could quote an identifier."""
    try:
        yield
    except (CommandError, CustomerListError, ErasureError, HomeError):
        raise
    except Exception as error:  # noqa: BLE001 - any library's message may quote a value
        raise CommandError(
            f"Stopped by {type(error).__name__}; its message is withheld, because it may quote an identifier. Part of "
            "the work may be done. Run the command again, which is harmless; if it recurs, look at the files below "
            f"{project_home()}."
        ) from None


def _tell(done: Forgotten, events: ErasedEvents) -> None:
    request = done.request
    sys.stdout.write(
        f"{request.id}: {request.identifiers} identifier{_s(request.identifiers)}, kept out of every list from now on. "
        f"Due {request.deadline:%Y-%m-%d}.\n"
        f"Deleted {done.identifiers_deleted} file{_s(done.identifiers_deleted)} of normalized identifiers; the next "
        "run reads them again.\n"
    )
    lists = [(each.audience, each.snapshot, f"{each.rows}") for each in done.rewritten]
    print_table("lists held them", ("rewritten list of", "snapshot", "rows taken out"), lists)
    for feed, count in events.erased.items():
        sys.stdout.write(f"Of {feed}, {counted(count)} events that waited to be sent are filtered as erased.\n")
    for feed in events.busy:
        sys.stdout.write(
            f"A run holds the outbox of {feed}: from now on it sends nothing of them, and what waits there goes with "
            "that run or the next. `explain` says when it is gone.\n"
        )
    problems = (*done.problems, *events.problems)
    sys.stdout.write(f"{_next_step(request, all_done=not problems and not events.busy)}\n")
    _fail_with(problems)


def _next_step(request: ErasureRequest, *, all_done: bool) -> str:
    if not request.waiting:
        said = f"No audience at Spotify holds them, as far as the files below {project_home()} say."
        return (
            f"{said} If that is where your Dagster keeps its files, there is nothing left to do." if all_done else said
        )
    left = {audience for audience, entry in _entries() if entry and entry.retired_policy == RemovalPolicy.LEAVE}
    mirrored = [audience for audience in request.waiting if audience not in left]
    abandoned = [audience for audience in request.waiting if audience in left]
    sentences = [f"Spotify may still have them in: {', '.join(request.waiting)}."]
    if mirrored:
        sentences.append(
            f"Materialize the newest partition of {', '.join(mirrored)}, or wait for the schedule; have it done by "
            f"{request.deadline:%Y-%m-%d}."
        )
    if abandoned:
        sentences.append(
            f"Nothing is mirrored to {', '.join(abandoned)} any more: they leave it only when it is deleted at Spotify."
        )
    return " ".join(sentences)


def _status(request: ErasureRequest) -> str:
    if not request.waiting:
        return "done"
    return f"due {request.deadline:%Y-%m-%d}, waiting for {', '.join(request.waiting)}"


def _rows(line: ExplainedLine, waiting: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    head = (f"{line.identifier.line}", line.identifier.given_as)
    lists = [(*head, each.audience, each.snapshot, each.place.value, each.by) for each in line.sightings]
    events = [(*head, feed, day, "event, waiting to be sent", kind) for feed, day, kind in waiting]
    return [*lists, *events] or [(*head, "in none", "", "", "")]


def _entries() -> Iterator[tuple[str, JournalEntry | None]]:
    """Audience and entry of everything that the journal knows, in any ad account; None for one that is damaged."""
    journal = Journal(project_state())
    for ad_account, key in journal.known():
        try:
            entry = journal.read(key, ad_account)
        except (JournalError, HomeError):
            entry = None
        yield folder_of(key), entry


def _live_lists() -> dict[str, set[str]]:
    """The lists that Spotify has or may have, by audience; the parts of one count as the whole."""
    live: dict[str, set[str]] = {}
    for audience, entry in _entries():
        lists = {NOT_KNOWN} if entry is None else _lists_of(entry)
        if lists:
            live.setdefault(audience, set()).update(lists)
    for audience in ReceiptBook(project_state()).without_journal():
        live.setdefault(audience, set()).add(NOT_KNOWN)
    return live


def _compared_lists() -> dict[str, set[str]]:
    """The lists that the next one may be compared with, by audience, as far as the journal can be read."""
    journal, since = Journal(project_state()), datetime.now(UTC) - LONGEST_WINDOW
    compared: dict[str, set[str]] = {}
    for ad_account, key in journal.known():
        with suppress(JournalError, HomeError):
            compared.setdefault(folder_of(key), set()).update(compared_with(journal, key, ad_account, since))
    return compared


def _lists_of(entry: JournalEntry) -> set[str]:
    lists: set[str] = set()
    if entry.is_filled_by_spotify:
        return lists  # such as a lookalike: Spotify made it of people of its own choice
    if entry.audience_id is not None:
        lists.add(entry.whole_sha256 or entry.file_sha256 or NOT_KNOWN)
    begun = entry.unfinished
    if begun is not None:
        lists.add((begun.list.whole_sha256 or begun.list.file_sha256) if begun.list is not None else NOT_KNOWN)
    return lists


def _fail_with(problems: Sequence[str]) -> None:
    for problem in problems:
        sys.stderr.write(f"error: {problem}\n")
    if problems:
        raise typer.Exit(1)


def _s(count: int) -> str:
    return "" if count == 1 else "s"
