"""Headers that faults may send: what HTTP cannot carry is refused when the fault is scripted."""

from __future__ import annotations

import pytest

from spotify_pipeline.sandbox import FaultInvalid, named_fault, read_fault
from spotify_pipeline_tests.sandbox.visitor import ADS, Visitor

BUSINESSES = f"{ADS}/businesses"
NOT_SENDABLE = {
    "em dash in a value": {"X-A": "a \N{EM DASH} b"},
    "line break in a value": {"X-A": "a\r\nX-B: c"},
    "line break at the end": {"X-A": "a\n"},
    "control character": {"X-A": "\x01"},
    "blank before a value": {"X-A": " a"},
    "second of two values": {"X-A": ["a", "b\nc"]},
    "em dash in a name": {"X\N{EM DASH}A": "a"},
    "line break in a name": {"X-A\r\nX-B": "a"},
    "blank in a name": {"X A": "a"},
    "colon in a name": {"X-A:": "a"},
    "no name": {"": "a"},
    "length": {"Content-Length": "5"},
    "framing": {"transfer-encoding": "chunked"},
}


@pytest.mark.parametrize("headers", NOT_SENDABLE.values(), ids=list(NOT_SENDABLE))
@pytest.mark.parametrize("do", ["reply", "alter"])
def test_headers_that_cannot_be_sent_are_refused(visitor: Visitor, do: str, headers: dict[str, object]) -> None:
    status = {"status": 503} if do == "reply" else {}
    document = {"operation": "list_businesses", "after": [{"do": do, "headers": headers, **status}]}
    with pytest.raises(FaultInvalid, match=rf"^after\.0\.{do}\.headers: "):
        read_fault(document)
    refused = visitor.http.post("/sandbox/faults", json=document)
    assert (refused.status_code, list(refused.json())) == (400, ["error"])
    assert visitor.ads("GET", BUSINESSES).status_code == 200


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("F22", {"location": "https://elsewhere.example/\N{EM DASH}"}, "F22: headers: the value of Location"),
        ("F18", {"retry_after": "7\r\n"}, "F18: headers: the value of Retry-After"),
        (
            "too_many_requests",
            {"reset": "12 \N{EM DASH}"},
            "too_many_requests: headers: the value of X-RateLimit-Reset",
        ),
        ("F23", {"value": "bytes=0\N{EN DASH}9"}, "F23: range: "),
        ("F23", {"value": ("bytes=0-9", "bytes=0-9\r\n")}, "F23: range: "),
    ],
)
def test_named_faults_refuse_them_too(name: str, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(FaultInvalid) as refused:
        named_fault(name, **options)
    assert str(refused.value).startswith(sentence)


def test_a_range_that_cannot_be_sent_is_refused() -> None:
    acknowledge = {"do": "acknowledge", "range": "bytes=0-1\r\nX-B: c"}
    with pytest.raises(FaultInvalid, match=r"^after\.0\.acknowledge\.range: "):
        read_fault({"operation": "put_upload", "after": [acknowledge]})


@pytest.mark.parametrize("value", ["", "a b\tc", "caf\xe9", "!~"])
@pytest.mark.parametrize("do", ["reply", "alter"])
def test_odd_headers_that_can_be_sent_arrive(visitor: Visitor, do: str, value: str) -> None:
    headers = {"x-odd!#$%&'*+-.^_`|~": value}
    status = {"status": 503} if do == "reply" else {}
    action = {"do": do, "headers": headers, **status}
    visitor.server.state.faults.script(read_fault({"operation": "list_businesses", "after": [action]}))
    answer = visitor.ads("GET", BUSINESSES)
    assert dict(answer.headers.raw)[next(iter(headers)).encode()] == value.encode("latin-1")
    assert visitor.server.state.faults.unconsumed() == []
