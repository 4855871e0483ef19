"""The list of an ad account's audiences, page by page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from spotify_pipeline.spotify.ads.expected import Listing
from spotify_pipeline.spotify.ads.request import Operation
from spotify_pipeline.spotify.errors import UnexpectedAnswer
from spotify_pipeline.spotify.lenient_json import JsonObject, as_list, as_object, whole_number
from spotify_pipeline.spotify.models import Audience

AUDIENCES = "/ad_accounts/{ad_account_id}/audiences"
PAGE_SIZE = 50  # the document's maximum
MOST_PAGES = 500
"""A list that goes on after so many pages never ends: full, they hold 25,000 audiences."""
MOST_REPEATS = 20
"""So many full pages in a row that bring nothing new are one page, again and again."""
_log = logging.getLogger(__name__)


def all_audiences(
    call: Callable[[Operation], JsonObject], ad_account_id: str, query: str | None, *, complete: bool = False
) -> Iterator[Audience]:
    """Every audience, each id once.

    Spotify's prose and its schema differ by one on what an offset means, and a list may change while it is read: so
    the next page starts where this one ended, and overlaps are dropped by id. Spotify's own total ends a list only
    where it is the number of those seen and the page was not full; another total may be wrong. Else the list goes on
    until a page brings nothing new, and is no full one: that may have moved behind us while the list grew.

    Raises:
        UnexpectedAnswer: the list does not end; or, with ``complete``, Spotify counts more audiences than it listed,
            or repeats a full page, so that some may be missing. Without ``complete``, a warning is logged of these.
    """
    listing = _Listing()
    for _ in range(MOST_PAGES):
        page = call(_page(ad_account_id, query, listing.offset))
        yield from listing.fresh(page)
        if listing.ended:
            break
    else:
        raise UnexpectedAnswer(
            f"Spotify's list of audiences does not end: {len(listing.seen)} came on {MOST_PAGES} pages.",
            next_step="It was not read any further, and nothing was changed. Run again; if it stays so, report it.",
        )
    if listing.shortfall is not None:
        if complete:
            raise UnexpectedAnswer(
                listing.shortfall,
                next_step="The one that is looked for may be among them, so nothing was changed. Run again. If it "
                "stays so, report it; an audience that is made of a list can be named by its id as audience_id in the "
                "YAML.",
            )
        _log.warning("%s", listing.shortfall)


class _Listing:
    """How far a list is, page by page."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.offset = 0
        self.ended = False
        self._total: int | None = None
        self._longest = 1
        self._repeats = 0

    def fresh(self, page: JsonObject) -> list[Audience]:
        """The audiences of the next page that were not seen before."""
        entries = objects(page, "audiences")
        paging = as_object(page.get("paging")) or {}
        self._total = whole_number(paging, "total_results")
        found = {each.id: each for each in map(Audience.from_json, entries) if each.id not in self.seen}
        self.seen.update(found)
        self.offset += len(entries)
        if found or not entries:
            size = whole_number(paging, "page_size") or PAGE_SIZE
            self.ended = not entries or (self._is_counted and len(entries) < min(size, PAGE_SIZE))
            self._repeats = 0
        else:
            self.ended = self._ended_by_repeat(full=len(entries) >= self._longest)
        self._longest = max(self._longest, len(entries))
        return list(found.values())

    def _ended_by_repeat(self, *, full: bool) -> bool:
        """Whether a page that brings nothing new ends the list."""
        beyond = self._total is None or self.offset >= self._total
        if beyond and (self._is_counted or not full):
            return True
        self._repeats += 1
        return self._repeats >= (2 if beyond else MOST_REPEATS)

    @property
    def _is_counted(self) -> bool:
        return len(self.seen) == self._total

    @property
    def shortfall(self) -> str | None:
        """What says that audiences may be missing; None where nothing does."""
        if self._total is not None and len(self.seen) < self._total:
            return f"Spotify counts {self._total} audiences and listed {len(self.seen)}; some may be missing here."
        if self._repeats:
            return f"Spotify's list of audiences repeats its page after {len(self.seen)}; some may be missing here."
        return None


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
        about=Listing(key="audiences"),
        ids={"ad_account_id": ad_account_id},
        query=parameters if query is None else [("q", query), *parameters],
    )
