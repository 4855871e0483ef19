"""Statuses and sizes on the clock: what becomes of an audience and of each list that arrives for it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from spotify_pipeline.sandbox import SandboxConfig, SandboxState
from spotify_pipeline.sandbox.lists.audience_status import judge_list
from spotify_pipeline.sandbox.store.records import ReceivedList
from spotify_pipeline_tests.sandbox.visitor import AUDIENCES, Visitor, digest, email_list, visiting

HOUR = 3600
SIX_HOURS = 6 * HOUR


def status(visitor: Visitor, audience_id: str) -> str:
    return str(visitor.get(audience_id)["status"])


def size(visitor: Visitor, audience_id: str) -> tuple[int, int]:
    shown = visitor.get(audience_id)["size"]
    assert isinstance(shown, dict)
    return shown["min"], shown["max"]


def assert_around(visitor: Visitor, audience_id: str) -> None:
    """The size range holds the matched rows of the newest list and does not give them away."""
    low, high = size(visitor, audience_id)
    assert low <= visitor.inside(audience_id)["list"]["matched_rows"] <= high
    assert high - low >= 100


def test_a_list_is_processing_for_six_hours_and_then_bookable(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(2_000))
    visitor.advance(SIX_HOURS - 60)
    assert (status(visitor, audience_id), size(visitor, audience_id)) == ("PROCESSING", (0, 0))
    before = visitor.get(audience_id)["updated_at"]
    visitor.advance(120)
    assert status(visitor, audience_id) == "BOOKABLE"
    assert visitor.get(audience_id)["updated_at"] > before
    assert_around(visitor, audience_id)
    assert 800 <= visitor.inside(audience_id)["list"]["matched_rows"] <= 1_000


def test_fewer_than_a_thousand_rows_end_empty(visitor: Visitor) -> None:
    short, enough = visitor.audience_of(email_list(999)), visitor.audience_of(email_list(1_000))
    visitor.advance(SIX_HOURS)
    assert (status(visitor, short), size(visitor, short)) == ("EMPTY", (0, 0))
    assert status(visitor, enough) == "BOOKABLE"


def test_an_audience_nobody_in_it_listens_ends_empty() -> None:
    with visiting(SandboxConfig(email_share=0)) as visitor:
        audience_id = visitor.audience_of(email_list(2_000))
        visitor.advance(SIX_HOURS)
        assert status(visitor, audience_id) == "EMPTY"


def test_an_audience_created_without_its_list_waits_three_days(visitor: Visitor) -> None:
    ticket = visitor.ticket()
    assert visitor.create(ticket["id"]).status_code == 201
    visitor.advance(71 * HOUR)
    assert status(visitor, ticket["id"]) == "PROCESSING"
    visitor.advance(2 * HOUR)
    assert status(visitor, ticket["id"]) == "EMPTY"


def test_processing_starts_when_both_list_and_audience_are_there(visitor: Visitor) -> None:
    late_audience = visitor.upload(email_list(1_500))
    late_list = visitor.ticket()
    visitor.create(late_list["id"])
    session = visitor.session(late_list["upload_url"])
    visitor.advance(5 * HOUR)
    visitor.create(late_audience)
    visitor.http.put(session, content=email_list(1_500))
    visitor.advance(5 * HOUR)
    assert status(visitor, late_audience) == status(visitor, late_list["id"]) == "PROCESSING"
    visitor.advance(HOUR)
    assert status(visitor, late_audience) == status(visitor, late_list["id"]) == "BOOKABLE"


def test_a_replacement_is_full_and_the_old_members_stay_until_it_is_processed(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(2_000))
    visitor.advance(SIX_HOURS)
    old = size(visitor, audience_id)
    before = visitor.get(audience_id)["updated_at"]
    visitor.advance(60)

    visitor.upload(email_list(9_000, start=5_000), audience_id)

    assert (status(visitor, audience_id), size(visitor, audience_id)) == ("PROCESSING", old)
    assert visitor.get(audience_id)["updated_at"] > before
    visitor.advance(SIX_HOURS)
    assert status(visitor, audience_id) == "BOOKABLE"
    assert size(visitor, audience_id)[0] > 3 * old[1]
    assert_around(visitor, audience_id)
    known = visitor.inside(audience_id)
    assert (known["times_replaced"], known["lists_received"]) == (1, 2)


@pytest.mark.parametrize("bad", [email_list(999), b"", b"email\nx@example.com\n", b"\xff\xfe\x00"])
def test_w12_a_replacement_that_cannot_be_used_leaves_the_old_members(visitor: Visitor, bad: bytes) -> None:
    audience_id = visitor.audience_of(email_list(2_000))
    visitor.advance(SIX_HOURS)
    old = size(visitor, audience_id)
    visitor.upload(bad, audience_id)
    visitor.advance(SIX_HOURS)
    assert (status(visitor, audience_id), size(visitor, audience_id)) == ("BOOKABLE", old)
    assert visitor.inside(audience_id)["list"]["outcome"] == "refused"


def test_an_empty_audience_can_be_filled_by_a_replacement(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(5))
    visitor.advance(SIX_HOURS)
    assert status(visitor, audience_id) == "EMPTY"
    visitor.upload(email_list(1_200), audience_id)
    assert status(visitor, audience_id) == "PROCESSING"
    visitor.advance(SIX_HOURS)
    assert status(visitor, audience_id) == "BOOKABLE"


def test_asking_for_a_replacement_url_alone_changes_nothing(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(1_200))
    visitor.advance(SIX_HOURS)
    before = visitor.get(audience_id)
    session = visitor.session(visitor.ticket(audience_id)["upload_url"])
    visitor.http.put(session, content=bytes(256 * 1024), headers={"Content-Range": "bytes 0-262143/*"})
    assert visitor.get(audience_id) == before


def test_a_live_audience_is_processing_during_a_replacement_and_then_live_again(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(1_200))
    visitor.advance(SIX_HOURS)
    visitor.http.post(f"/sandbox/audiences/{audience_id}/status", json={"status": "LIVE"})
    assert status(visitor, audience_id) == "LIVE"
    visitor.upload(email_list(1_300), audience_id)
    assert status(visitor, audience_id) == "PROCESSING"
    visitor.advance(SIX_HOURS)
    assert status(visitor, audience_id) == "LIVE"


def test_a_status_can_be_held_and_let_go(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(1_200))
    for held in ("ARCHIVED", "EMPTY", "LEARNING", "BOOKABLE"):
        answer = visitor.http.post(f"/sandbox/audiences/{audience_id}/status", json={"status": held})
        assert answer.json() == {"id": audience_id, "forced_status": held}
        assert status(visitor, audience_id) == held
    visitor.http.post(f"/sandbox/audiences/{audience_id}/status", json={"status": None})
    assert status(visitor, audience_id) == "PROCESSING"
    for body in ({"status": "GONE"}, {"status": 1}, []):
        refused = visitor.http.post(f"/sandbox/audiences/{audience_id}/status", json=body)
        assert refused.status_code == 400


def test_an_audience_without_a_list_learns_before_it_is_bookable(visitor: Visitor) -> None:
    seed = visitor.audience_of(email_list(1_200))
    body = {"audience_type": "LOOKALIKE", "name": "Alike", "seed_audience_id": seed}
    audience_id = visitor.ads("POST", AUDIENCES, json=body).json()["id"]
    seen = [status(visitor, audience_id)]
    for hours in (6, 24):
        visitor.advance(hours * HOUR)
        seen.append(status(visitor, audience_id))
    assert seen == ["PROCESSING", "LEARNING", "BOOKABLE"]
    assert size(visitor, audience_id)[0] >= 10_000


def test_processing_time_is_configurable() -> None:
    with visiting(SandboxConfig(processing_seconds=60, minimum_rows=5)) as visitor:
        audience_id = visitor.audience_of(email_list(200))
        visitor.advance(60)
        assert status(visitor, audience_id) == "BOOKABLE"


def test_only_the_two_newest_lists_stay_on_disk(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(1_000))
    for rows in (1_100, 1_200, 1_300):
        visitor.upload(email_list(rows), audience_id)
        visitor.inside(audience_id)
    directory = visitor.server.state.lists_directory
    assert len(list(directory.iterdir())) == 2
    assert visitor.http.get(f"/sandbox/audiences/{audience_id}/list").content == email_list(1_300)
    visitor.advance(SIX_HOURS)
    assert status(visitor, audience_id) == "BOOKABLE"


@pytest.mark.parametrize("line", [r'{"email_sha256":"\ud800"}', "[" * 60_000])
def test_p10_one_bad_line_does_not_break_the_ad_account(visitor: Visitor, line: str) -> None:
    visitor.http.post("/sandbox/list_format", json={"list_format": "lenient"})
    rows = [json.dumps({"email_sha256": digest(str(number))}) for number in range(1_000)]
    audience_id = visitor.audience_of("\n".join([*rows, line]).encode())
    visitor.advance(SIX_HOURS)
    assert status(visitor, audience_id) == "BOOKABLE"
    assert len(visitor.ads("GET", AUDIENCES).json()["audiences"]) == 1
    assert visitor.inside(audience_id)["list"]["problems"][0]["first_line"] == 1_001


def test_a_list_that_cannot_be_read_is_refused_once_and_the_ad_account_goes_on(tmp_path: Path) -> None:
    """What stands in place of the file is a directory: opening it fails, as on a broken disk."""
    with closing(SandboxState.open(directory=tmp_path)) as state:
        now = state.clock.now()
        fields = {"size": 1, "crc32c": "", "md5": "", "sha256": ""}
        state.received_lists.put(
            ReceivedList(id="broken", upload_id="u", audience_id="a", replacement=False, completed_at=now, **fields)
        )
        state.list_file("broken").mkdir()
        judge_list(state, "broken")
        judged = state.received_lists.get("broken")
        assert judged is not None
        assert judged.judgement is not None
        assert [problem.kind for problem in judged.judgement.problems] == ["unreadable"]
        assert judged.judgement.refusal
