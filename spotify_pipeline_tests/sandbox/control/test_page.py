"""The page for people: what it shows, that it escapes, and that its buttons work."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from spotify_pipeline_tests.sandbox.visitor import Visitor, digest, email_list

NASTY = "<script>alert('x')</script> & \"co\""


def text_of(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_an_empty_sandbox_says_what_to_do(visitor: Visitor) -> None:
    answer = visitor.http.get("/")
    assert answer.status_code == 200
    page = text_of(answer.text)
    assert "Ads Manager, sandbox" in page
    assert "No audiences yet" in page
    assert "local imitation" in page
    assert "Assumptions" in page


def test_an_audience_is_shown_with_its_list(visitor: Visitor) -> None:
    content = email_list(1_500) + b"x@example.com\n"
    audience_id = visitor.audience_of(content, name="Concert goers")
    visitor.upload(content, audience_id)
    visitor.inside(audience_id)
    visitor.http.post("/sandbox/clock", json={"advance_seconds": 21_600})
    page = text_of(visitor.http.get("/").text)
    for shown in ("Concert goers", audience_id, "BOOKABLE", "1,501", "e-mail 1,500", "wide, serving", "6.0 h ahead"):
        assert shown in page
    assert "The cell looks like an identifier that was never hashed. Line 1,502." in page
    assert re.search(r"\d00 – \d00", page)
    assert "example.com" not in page.partition("Assumptions")[0]


def test_names_and_descriptions_are_escaped(visitor: Visitor) -> None:
    visitor.audience_of(email_list(3), name=NASTY, description=NASTY)
    answer = visitor.http.get("/")
    assert "<script" not in answer.text
    assert answer.text.count(html.escape(NASTY).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")) == 2


def test_the_page_loads_nothing_and_runs_nothing(visitor: Visitor) -> None:
    answer = visitor.http.get("/")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r"<(script|link|img|iframe)\b", answer.text)
    assert "http://" not in answer.text
    assert "https://" not in answer.text


def test_the_buttons_move_the_clock_and_come_back(visitor: Visitor) -> None:
    answer = visitor.http.post("/sandbox/clock", data={"advance_seconds": "21600"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert visitor.http.get("/sandbox/clock").json()["offset_seconds"] == 21_600
    assert visitor.http.post("/sandbox/clock", data={"advance_seconds": "soon"}).status_code == 400


def test_a_list_that_is_still_being_read_does_not_hold_the_page_up(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(1_500))
    visitor.inside(audience_id)
    lists = visitor.server.state.received_lists
    lists.put(replace(lists.of(audience_id)[0], judgement=None))
    assert "PROCESSING – being read" in text_of(visitor.http.get("/").text)


def test_a_list_without_a_type_is_shown_too(visitor: Visitor) -> None:
    visitor.http.post("/sandbox/list_format", json={"list_format": "lenient"})
    audience_id = visitor.audience_of(f"{digest('a')}\n{digest('b')}\n".encode())
    visitor.inside(audience_id)
    assert "no type 2" in text_of(visitor.http.get("/").text)
