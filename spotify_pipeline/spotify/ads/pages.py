"""Reads the list of an ad account's audiences, page by page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from spotify_pipeline.spotify.ads.models import Audience
from spotify_pipeline.spotify.errors import UnexpectedResponse
from spotify_pipeline.spotify.lenient_json import JsonObject, as_list, as_object, whole_number
from spotify_pipeline.spotify_limits import PAGE_SIZE

MAX_PAGES = 500
"""A list of more pages is taken to be endless: full, they hold 25,000 audiences."""
MAX_REPEATED_PAGES = 20
"""So many full pages in a row without anything new are taken for one page, repeated."""
_log = logging.getLogger(__name__)


def all_audiences(page_from: Callable[[int], JsonObject], *, complete: bool = False) -> Iterator[Audience]:
    """Every audience, each id once. ``page_from`` requests the page that starts at an offset.

    Spotify's prose and its schema differ by one on what an offset means, and a list may change while it is read: so
    the next page starts where this one ended, and overlaps are dropped by id. Spotify's total ends a list only where
    it equals the number seen and the page was not full; another total may be wrong. Otherwise the list goes on until
    a page brings nothing new and is not full: a full one may have moved behind us while the list grew.

    Raises:
        UnexpectedResponse: the list does not end; or, with ``complete``, Spotify counts more audiences than it listed,
            or repeats a full page, so that some may be missing. Without ``complete`` these are logged as a warning.
    """
    listing = _AudiencePages()
    for _ in range(MAX_PAGES):
        page = page_from(listing.offset)
        yield from listing.fresh(page)
        if listing.ended:
            break
    else:
        raise UnexpectedResponse(
            f"Spotify's list of audiences does not end: {len(listing.seen)} came on {MAX_PAGES} pages.",
            next_step="Nothing was changed. Run again; if it happens again, report it.",
        )
    if listing.shortfall is not None:
        if complete:
            raise UnexpectedResponse(
                listing.shortfall,
                next_step="The audience that is looked for may be missing, so nothing was changed. Run again. If it "
                "happens again, report it; an audience that is made of a list can be named by its id as audience_id in "
                "the YAML.",
            )
        _log.warning("%s", listing.shortfall)


class _AudiencePages:
    """How far the list has been read."""

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
        return self._repeats >= (2 if beyond else MAX_REPEATED_PAGES)

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


def objects(response: JsonObject, key: str) -> list[JsonObject]:
    """The objects of a list. A missing list is an error: it must not look like an empty one."""
    entries = as_list(response.get(key))
    found = [as_object(entry) for entry in entries or []]
    if entries is None or None in found:
        raise UnexpectedResponse(f"Spotify's response holds no list of {key.replace('_', ' ')}.")
    return [each for each in found if each is not None]
