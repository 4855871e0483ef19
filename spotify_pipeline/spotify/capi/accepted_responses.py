"""Decides which responses mean that Spotify accepted the events of a request. With any other, this is unknown.

Spotify's contract has one: status 200 with ``{"message": "SUCCESS"}``. A response counts only if its status and its
JSON equal one of those configured; another word, number or case does not count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, cast

from spotify_pipeline.spotify.transport import Response

CONTRACT = '200 {"message": "SUCCESS"}'
ANY = "{any}"
EVENTS = "{events}"

_STATED = re.compile(r"\s*(2[0-9]{2})\s+(\{.*\})\s*", re.DOTALL)
_MOST_BYTES = 10_000
"""Of a response that is read to the end: Spotify's is one word."""
_DEEPEST, _MOST_SHOWN = 4, 8
_LARGEST_SHOWN = 9_999


class _NoSuchJson(ValueError):
    """A key occurs twice, or a number is not valid in JSON."""


@dataclass(frozen=True)
class AcceptedResponse:
    """One response that means that all events of a request were accepted.

    Attributes:
        status: 200 to 299.
        body: an object. In it, the text ``{events}`` stands for the number of events that were sent, and ``{any}`` for
            any value.
    """

    status: int
    body: Mapping[str, object]

    @classmethod
    def parse(cls, stated: str) -> AcceptedResponse:
        """Read what a person configures, such as ``200 {"message": "SUCCESS"}``.

        Raises:
            ValueError: it is not a status from 200 to 299 with a JSON object that has a value.
        """
        found = _STATED.fullmatch(stated)
        body = _read(found[2].encode()) if found else None
        if found is None or not isinstance(body, dict) or set(_leaves(cast("object", body))) <= {ANY}:
            raise ValueError(
                f"write a response as its status and its JSON, such as {CONTRACT}; {EVENTS} stands for the number of "
                f"events that were sent and {ANY} for any value, and at least one value must be given"
            )
        return cls(int(found[1]), cast("Mapping[str, object]", body))


CONTRACT_ONLY = (AcceptedResponse(200, {"message": "SUCCESS"}),)


def accepts_all(response: Response, events: int, accepted: Sequence[AcceptedResponse] = CONTRACT_ONLY) -> bool:
    """Whether the response is one of the accepted ones, for all ``events`` of the request."""
    if len(response.body) > _MOST_BYTES:
        return False
    said = _read(response.body)
    return isinstance(said, dict) and any(
        each.status == response.status and _is(cast("object", said), each.body, events) for each in accepted
    )


def masked_response(response: Response, known_words: frozenset[str]) -> str:
    """A response that is safe to show: texts and keys are shown if each of their words is known, numbers up to four
    digits; anything else is ``...``.
    """
    if not response.body.strip():
        return f"{response.status} without a body"
    said = _read(response.body[: _MOST_BYTES + 1])
    if isinstance(said, dict | list):
        return f"{response.status} {json.dumps(_masked(cast('object', said), known_words, _DEEPEST))}"
    kind = "HTML" if response.body.lstrip()[:1] == b"<" else "something that is not a JSON object"
    return f"{response.status} with {kind}"


def _read(body: bytes) -> object:
    """The JSON in it; None where it is not valid, or has a key twice."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_each_key_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise _NoSuchJson
    return dict(pairs)


def _no_number(_name: str) -> NoReturn:
    raise _NoSuchJson


def _is(said: object, stated: object, events: int) -> bool:
    if stated == ANY:
        return True
    if stated == EVENTS:
        return isinstance(said, int) and not isinstance(said, bool) and said == events
    if isinstance(stated, Mapping):
        if not isinstance(said, dict):
            return False
        wanted, found = cast("Mapping[str, object]", stated), cast("dict[str, object]", said)
        return found.keys() == wanted.keys() and all(_is(found[key], value, events) for key, value in wanted.items())
    if isinstance(stated, list):
        each, others = cast("list[object]", stated), cast("list[object]", said) if isinstance(said, list) else None
        return others is not None and len(each) == len(others) and all(map(_is, others, each, [events] * len(each)))
    # True is not 1, nor 1 the same as 1.0.
    return type(said) is type(stated) and said == stated


def _leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for each in cast("dict[str, object]", value).values() for leaf in _leaves(each)]
    if isinstance(value, list):
        return [leaf for each in cast("list[object]", value) for leaf in _leaves(each)]
    return [value if isinstance(value, str) else json.dumps(value)]


def _masked(value: object, known: frozenset[str], depth: int) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if 0 <= value <= _LARGEST_SHOWN else "..."
    if isinstance(value, str):
        return value if _is_known(value, known) else "..."
    if depth and isinstance(value, dict):
        pairs = list(cast("dict[str, object]", value).items())[:_MOST_SHOWN]
        return {key if _is_known(key, known) else "...": _masked(each, known, depth - 1) for key, each in pairs}
    if depth and isinstance(value, list):
        return [_masked(each, known, depth - 1) for each in cast("list[object]", value)[:_MOST_SHOWN]]
    return "..."


def _is_known(text: str, known: frozenset[str]) -> bool:
    if len(text) > 80 or not re.fullmatch(r"[A-Za-z_. ]*", text):
        return False
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return all(word in known for word in re.split(r"[_. ]+", apart.strip("_. ").lower()) if word)
