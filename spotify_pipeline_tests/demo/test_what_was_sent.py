"""What differs between two demos of the same code is replaced, and every other change is seen."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import random
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from spotify_pipeline_tests.demo.recorded_demo import Recorder
from spotify_pipeline_tests.demo.what_was_sent import differences, events_apart, main, normalized, total, what_was_sent

ACCOUNT = "a0000000-0000-4000-8000-000000000001"
LIST = "EMAIL_ID_SHA256\n" + "".join(f"{hashlib.sha256(bytes([n])).hexdigest()}\n" for n in range(3))
EVENTS = [f'{{"event_id":"order-{n}","event_time":"2026-11-15T0{n}:00:00.000Z","amount":1{n}.50}}' for n in range(4)]

Change = Callable[[Path], None]


def make_demo(directory: Path, seed: int) -> Path:
    """What a small demo leaves; everything that is random or of a moment depends on the seed."""
    draws = random.Random(seed)
    known, trace, session = (str(uuid.UUID(int=draws.getrandbits(128), version=4)) for _ in range(3))
    upload, token = draws.randbytes(16).hex(), draws.randbytes(20).hex()
    port, day = draws.randint(1024, 65535), f"2026-12-{draws.randint(10, 28)}"
    sent = draws.sample(EVENTS, k=len(EVENTS))
    bearer = ["authorization", f"Bearer {token}"]
    signed = f"X-Goog-Date=202612{draws.randint(10, 28)}T101112Z&X-Goog-Signature={token}&upload_id={session}"
    create = {"audience_id": known, "name": "Listeners", "description": f"[sp:{draws.randbytes(4).hex()}]"}
    requests: list[tuple[str, str, str, list[str], str]] = [
        ("GET", f"/ads/v3/ad_accounts/{ACCOUNT}/audiences", "limit=50&offset=0", bearer, ""),
        ("PUT", f"/upload/lists/{upload}", signed, ["content-type", "text/csv"], LIST),
        ("POST", f"/ads/v3/ad_accounts/{ACCOUNT}/audiences", "", bearer, json.dumps(create)),
        ("GET", f"/ads/v3/ad_accounts/{ACCOUNT}/audiences/{known}", "", bearer, ""),
        ("POST", "/capi-direct/events/", "", bearer, f'{{"conversion_events":{{"events":[{",".join(sent)}]}}}}'),
    ]
    (directory / "requests").mkdir(parents=True)
    for number, (method, path, query, header, body) in enumerate(requests, 1):
        headers = [["host", f"127.0.0.1:{port}"], header, ["content-length", str(len(body))]]
        request = {"method": method, "path": path, "query": query, "headers": headers, "status": 200}
        (directory / f"requests/{number:04}.json").write_text(json.dumps(request))
        (directory / f"requests/{number:04}.body").write_text(body)
    (directory / "sandbox" / "lists").mkdir(parents=True)
    (directory / "sandbox" / "lists" / trace).write_text(LIST)
    with closing(sqlite3.connect(directory / "sandbox" / "sandbox.sqlite")) as database, database:
        database.execute("CREATE TABLE events (number INTEGER, event_id, name, time, times, altered)")
        events = [(json.loads(each)["event_id"], "PURCHASE", 0, 1, 0) for each in sent]
        database.executemany("INSERT INTO events (event_id, name, time, times, altered) VALUES (?, ?, ?, ?, ?)", events)
    receipt = {
        "at": f"{day}T08:09:10.123456+00:00",
        "audience_id": known,
        "digest": token,
        "previous": "",
        "rows": 3,
        "sha256": hashlib.sha256(LIST.encode()).hexdigest(),
        "snapshot": day,
        "traces": [trace],
    }
    kept = directory / "receipts" / ACCOUNT / "listeners"
    kept.mkdir(parents=True)
    (kept / "000001.json").write_text(json.dumps(receipt))
    return directory


def test_dates_ports_secrets_and_random_ids_are_replaced() -> None:
    first, second = "6f1c2d3e-4b5a-4978-8695-a4b3c2d1e0f9", "0f" * 16
    texts = [
        f"POST http://127.0.0.1:8710/{first}?X-Goog-Signature=ab12&upload_id=s3-cret HTTP",
        f"at 2026-11-30T07:07:48.095423+00:00 on 2026-11-30, {second}, again {first.replace('-', '')}",
        "authorization: Bearer sandbox-token",
        "grant_type=refresh_token&refresh_token=sandbox-refresh-token",
    ]
    assert normalized(texts) == [
        "POST http://127.0.0.1:<port>/<id 1>?X-Goog-Signature=<secret>&upload_id=<secret> HTTP",
        "at <time> on <time>, <id 2>, again <id 1>",
        "authorization: Bearer <secret>",
        "grant_type=refresh_token&refresh_token=<secret>",
    ]


def test_digests_counts_and_ids_of_the_default_world_stay() -> None:
    text = f"{ACCOUNT} {'0f' * 32} 67,562 rows of 1991932 bytes, DoM8ag==, /swG2EztDGuAC6JxFGawUg=="
    assert normalized([text]) == [text]


def test_two_demos_of_the_same_code_are_equal(tmp_path: Path) -> None:
    items, others = (what_was_sent(make_demo(tmp_path / str(seed), seed)) for seed in (1, 2))
    assert differences(items, others) == []
    assert total(items) == total(others)
    assert [item.kind for item in items] == [*["request"] * 5, "list", "events", "events", "receipt"]
    assert items[5].name == f"listeners, {len(LIST)} bytes"


def changing(pattern: str, old: str, new: str) -> Change:
    """Replace a text once in the only file of a pattern."""

    def change(directory: Path) -> None:
        (file,) = directory.glob(pattern)
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))

    return change


def swap_two_requests(directory: Path) -> None:
    for kind in ("json", "body"):
        one, other = (directory / f"requests/000{number}.{kind}" for number in (3, 4))
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)


def ask_for_another_audience(directory: Path) -> None:
    file = directory / "requests/0004.json"
    request: dict[str, Any] = json.loads(file.read_text())
    request["path"] = request["path"].rsplit("/", 1)[0] + f"/{uuid.UUID(int=9, version=4)}"
    file.write_text(json.dumps(request))


CHANGES: dict[str, Change] = {
    "a cell of the list": changing("sandbox/lists/*", LIST[20:24], "0000"),
    "a cell of the uploaded list": changing("requests/0002.body", LIST[20:24], "0000"),
    "requests in another order": swap_two_requests,
    "the id of another audience": ask_for_another_audience,
    "a parameter": changing("requests/0001.json", "limit=50", "limit=51"),
    "a header": changing("requests/0002.json", "text/csv", "text/plain"),
    "a field of a body": changing("requests/0003.body", "Listeners", "Listener"),
    "an event": changing("requests/0005.body", "12.50", "12.5"),
    "a field of the receipt": changing("receipts/*/*/*.json", '"rows": 3', '"rows": 4'),
    "a field less of the receipt": changing("receipts/*/*/*.json", '"rows": 3, ', ""),
    "a request less": lambda directory: (directory / "requests/0001.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen(change: Change, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = (make_demo(tmp_path / str(seed), seed) for seed in (1, 2))
    change(after)
    assert main([str(after), "--against", str(before)]) == 1
    assert "DIFFERENT from" in capsys.readouterr().out


def test_events_are_set_apart_as_they_were_spelled() -> None:
    body = f'{{"a":1,"events":[{EVENTS[0]},{EVENTS[1]}]}}'
    assert events_apart(body) == ('{"a":1,"events":[...]}', EVENTS[:2])
    assert events_apart('{"a":1}') == ('{"a":1}', [])
    assert events_apart('{"events":[]}') == ('{"events":[...]}', [])


def test_a_directory_without_a_demo_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert f"{tmp_path} holds no receipts of a demo." in capsys.readouterr().err


def test_the_recorder_keeps_requests_as_they_arrive(tmp_path: Path) -> None:
    async def length(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())), 201)

    recorder = Recorder(
        Starlette(routes=[Route("/lists/{name}", length, methods=["PUT"])]), tmp_path, itertools.count(1)
    )

    async def put() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(recorder), base_url="http://sandbox") as client:
            return await client.put("/lists/a%20b?part=1", content=b"\x00\xff", headers={"X-Part": "1"})

    response = asyncio.run(put())
    assert (response.status_code, response.text) == (201, "2")
    assert (tmp_path / "0001.body").read_bytes() == b"\x00\xff"
    request = json.loads((tmp_path / "0001.json").read_text())
    assert (request["method"], request["path"], request["query"]) == ("PUT", "/lists/a%20b", "part=1")
    assert ["x-part", "1"] in request["headers"]
    assert request["status"] == 201
