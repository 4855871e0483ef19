"""The list of an ad account's audiences, page by page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from spotify_pipeline.spotify.calls import Operation
from spotify_pipeline.spotify.errors import UnexpectedAnswer
from spotify_pipeline.spotify.lenient_json import JsonObject, as_list, as_object, whole_number
from spotify_pipeline.spotify.models import Audience

AUDIENCES = "/ad_accounts/{ad_account_id}/audiences"
PAGE_SIZE = 50  # the document's maximum
_log = logging.getLogger(__name__)


def all_audiences(
    call: Callable[[Operation], JsonObject], ad_account_id: str, query: str | None, *, complete: bool = False
) -> Iterator[Audience]:
    """Every audience, each id once.

    Spotify's prose and its schema differ by one on what an offset means, and a list may change while it is read: so
    the next page starts where this one ended, overlaps are dropped by id, and a page that brings nothing new ends the
    list only once Spotify's own total is passed.

    Raises:
        UnexpectedAnswer: at the end, with ``complete``: Spotify counts more audiences than it listed. Without it,
            a warning is logged.
    """
    seen: set[str] = set()
    offset = 0
    while True:
        page = call(_page(ad_account_id, query, offset))
        entries = objects(page, "audiences")
        total = whole_number(as_object(page.get("paging")) or {}, "total_results")
        offset += len(entries)
        fresh = {each.id: each for each in map(Audience.from_json, entries) if each.id not in seen}
        seen.update(fresh)
        yield from fresh.values()
        all_seen = total is not None and len(seen) >= total
        exhausted = not entries or (not fresh and (total is None or offset >= total))
        if all_seen or exhausted:
            break
    if total is not None and len(seen) < total:
        short = f"Spotify counts {total} audiences and listed {len(seen)}; some may be missing here."
        if complete:
            raise UnexpectedAnswer(
                short,
                next_step="The one that is looked for may be among them, so nothing was changed. Run again. If it "
                "stays so, report it; an audience that is made of a list can be named by its id as audience_id in the "
                "YAML.",
            )
        _log.warning("%s", short)


def objects(answer: JsonObject, key: str) -> list[JsonObject]:
    """The objects of a list. A list that is missing is an error: it must not look like an empty one."""
    entries = as_list(answer.get(key))
    found = [as_object(entry) for entry in entries or []]
    if entries is None or None in found:
        raise UnexpectedAnswer(f"Spotify's answer holds no list of {key.replace('_', ' ')}.")
    return [each for each in found if each is not None]


def _page(ad_account_id: str, query: str | None, offset: int) -> Operation:
    # By name and not by time of change: an audience that changes while we read must not move to a page behind us.
    parameters = [
        ("limit", str(PAGE_SIZE)),
        ("offset", str(offset)),
        ("sort_field", "NAME"),
        ("sort_direction", "ASC"),
    ]
    return Operation(
        method="GET",
        route=AUDIENCES,
        doing="list the audiences",
        ids={"ad_account_id": ad_account_id},
        query=parameters if query is None else [("q", query), *parameters],
    )
