from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from spotify_pipeline.spotify import (
    SpotifyAdsClient,
    TokenStore,
    UnexpectedResponse,
)
from spotify_pipeline.spotify.ads.pages import all_audiences
from spotify_pipeline.spotify.lenient_json import JsonObject
from spotify_pipeline_tests.spotify.client_calls import ok
from spotify_pipeline_tests.spotify.scripted import (
    AD_ACCOUNT,
    audience_json,
    settings,
    token_answer,
)


class Pages:
    """A list of audiences behind Spotify's paging, with the oddities of its prose."""

    def __init__(
        self, total: int, *, first: int = 0, cap: int = 50, count: Callable[[int], object] = lambda n: n
    ) -> None:
        self.ids = [str(UUID(int=number)) for number in range(total)]
        self.first, self.cap, self.count = first, cap, count
        self.asked: list[dict[str, str]] = []
        self.before_page: Callable[[int], None] = lambda _: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "accounts.spotify.com":
            return token_answer()
        self.asked.append(dict(request.url.params))
        self.before_page(len(self.asked))
        start = max(0, int(request.url.params["offset"]) - self.first)
        page = self.ids[start : start + min(self.cap, int(request.url.params["limit"]))]
        paging = {"total_results": self.count(len(self.ids))}
        return ok({"paging": paging, "audiences": [audience_json(each) for each in page]})

    def listed(self, store: TokenStore, **given: Any) -> list[str]:
        assert len(self.asked) < 100
        with SpotifyAdsClient.open(settings(), store, transport=httpx.MockTransport(self)) as client:
            return [each.id for each in client.audiences(AD_ACCOUNT, **given)]


@pytest.mark.parametrize("total", [0, 1, 49, 50, 51, 100, 123])
@pytest.mark.parametrize("first", [0, 1], ids=["offset from 0", "offset from 1"])
@pytest.mark.parametrize("cap", [50, 7], ids=["full pages", "pages capped at 7"])
@pytest.mark.parametrize("count", [lambda n: n, lambda _: None], ids=["with total", "without total"])
def test_c06_every_audience_is_listed_once(store: TokenStore, total: int, first: int, cap: int, count: Any):
    pages = Pages(total, first=first, cap=cap, count=count)
    assert sorted(pages.listed(store)) == sorted(pages.ids)
    assert len(pages.asked) <= total // (cap - 1) + 3


def test_c06_list_that_grows_while_it_is_read_misses_none_of_the_old_ones(store: TokenStore):
    pages = Pages(120)
    old = list(pages.ids)

    def grow(page: int) -> None:
        pages.ids[:0] = [str(UUID(int=10_000 + 100 * page + number)) for number in range(50 if page in (2, 3) else 0)]

    pages.before_page = grow
    found = pages.listed(store)
    assert set(old) <= set(found)
    assert len(found) == len(set(found))


def test_c06_server_that_ignores_the_offset_ends_and_is_warned_of(store: TokenStore, caplog: pytest.LogCaptureFixture):
    pages = Pages(50, first=10_000, count=lambda _: 175)
    with caplog.at_level(logging.WARNING):
        assert sorted(pages.listed(store)) == sorted(pages.ids)
    assert len(pages.asked) == 4
    assert "counts 175 audiences and listed 50" in caplog.text


def test_c06_a_list_that_must_be_whole_ends_in_an_error_when_it_is_not(store: TokenStore):
    assert Pages(60).listed(store, complete=True)
    with pytest.raises(
        UnexpectedResponse, match=r"counts 175 audiences and listed 50.* nothing was changed\. Run again"
    ):
        Pages(50, first=10_000, count=lambda _: 175).listed(store, complete=True)


def test_list_is_asked_for_in_an_order_that_stays_while_it_is_read(store: TokenStore):
    pages = Pages(60)
    pages.listed(store, query="lapsed & co")
    common = {"q": "lapsed & co", "limit": "50", "sort_field": "NAME", "sort_direction": "ASC"}
    assert pages.asked == [{**common, "offset": "0"}, {**common, "offset": "50"}]


def test_pages_are_asked_for_as_they_are_needed(store: TokenStore):
    pages = Pages(500)
    with SpotifyAdsClient.open(settings(), store, transport=httpx.MockTransport(pages)) as client:
        next(client.audiences(AD_ACCOUNT))
    assert len(pages.asked) == 1


@pytest.mark.parametrize("stated", [0, 1, 50, 70, -5])
@pytest.mark.parametrize("complete", [False, True])
def test_c21_a_total_that_is_too_small_ends_no_listing(store: TokenStore, stated: int, complete: bool):
    pages = Pages(71, count=lambda _: stated)
    assert sorted(pages.listed(store, complete=complete)) == sorted(pages.ids)


def test_c21_a_full_page_that_reaches_the_total_is_followed_by_another(store: TokenStore):
    pages = Pages(101, count=lambda n: min(n, 50 * len(pages.asked)))
    assert sorted(pages.listed(store, complete=True)) == sorted(pages.ids)


def test_c21_pages_smaller_than_asked_for_say_so_and_are_followed(store: TokenStore):
    class Small(Pages):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            answer = super().__call__(request)
            body = answer.json()
            return ok({**body, "paging": {"page_size": 7, "total_results": 7}}) if "audiences" in body else answer

    pages = Small(20, cap=7)
    assert sorted(pages.listed(store, complete=True)) == sorted(pages.ids)


@pytest.mark.parametrize("total", [None, 0, 10**9, "many", -1, True])
def test_c21_a_listing_of_fresh_ids_for_ever_is_stopped_with_a_sentence(total: Any):
    def endless(first: int) -> JsonObject:
        shown = [audience_json(str(UUID(int=number))) for number in range(first, first + 2)]
        return {"paging": {"total_results": total}, "audiences": shown}

    with pytest.raises(UnexpectedResponse, match=r"does not end: 1000 came on 500 pages\. Nothing was changed"):
        list(all_audiences(endless))


@pytest.mark.parametrize("total", [None, 0, 49, 10**9])
@pytest.mark.parametrize("length", [3, 50])
def test_c21_the_same_page_for_ever_is_stopped_with_a_sentence(store: TokenStore, total: int | None, length: int):
    pages = Pages(length, first=10**9, count=lambda _: total)
    with pytest.raises(UnexpectedResponse, match=r"(repeats its page|counts \d+ audiences).* nothing was changed"):
        pages.listed(store, complete=True)
    assert len(pages.asked) <= 25


def test_c21_the_same_page_for_ever_is_warned_of_where_some_will_do(
    store: TokenStore, caplog: pytest.LogCaptureFixture
):
    pages = Pages(50, first=10**9, count=lambda _: 12)
    assert sorted(pages.listed(store)) == sorted(pages.ids)
    assert "repeats its page after 50" in caplog.text


def test_c21_a_server_that_ignores_the_offset_and_counts_right_is_believed(store: TokenStore):
    pages = Pages(50, first=10**9)
    assert sorted(pages.listed(store, complete=True)) == sorted(pages.ids)
