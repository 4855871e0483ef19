"""What a fault can do to a request, as small frozen models with a JSON form. ``do`` names each in JSON.

The models say what; the middleware does it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from spotify_pipeline.sandbox.http import CHUNK_QUANTUM

Text = str | tuple[str, ...]
"""The value of a header; several values are several headers of that name."""

_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_FRAMING = {"content-length", "transfer-encoding"}
_CANNOT_BE_SENT = (
    "cannot be sent in a header; use Latin-1 without line breaks or other control characters, "
    "and no blank at either end"
)


def _sendable(headers: Mapping[str, Text]) -> Mapping[str, Text]:
    for name, text in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid header name; use ASCII letters, digits and hyphens")
        if name.lower() in _FRAMING:
            raise ValueError(f"{name} is written by the sandbox; to break an answer off, use truncate")
        if not _is_sendable(text):
            raise ValueError(f"the value of {name} {_CANNOT_BE_SENT}")
    return headers


def _sendable_value(text: Text | None) -> Text | None:
    if text is not None and not _is_sendable(text):
        raise ValueError(f"the value {_CANNOT_BE_SENT}")
    return text


def _is_sendable(text: Text) -> bool:
    return all(_VALUE.fullmatch(value) for value in ((text,) if isinstance(text, str) else text))


# Headers are checked when a fault is made: one that HTTP cannot carry would break the request instead. Names and values
# are those of RFC 9110 (5.1, 5.5, 5.6.2), with Latin-1 above ASCII.
SendableHeaders = Annotated[Mapping[str, Text], AfterValidator(_sendable)]
"""Headers by name. Those that say how long the body is are not among them: they follow from the body."""

SendableText = Annotated[Text | None, AfterValidator(_sendable_value)]
"""The value of one header, or None."""


class Described(BaseModel):
    """A frozen model whose JSON leaves out what has its default value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        document = cast("dict[str, object]", serialize(self))
        fields = type(self).model_fields
        return {
            name: value
            for name, value in document.items()
            if name == "do" or getattr(self, name) != fields[name].default
        }


class Reply(Described):
    """Answer this. ``repeat`` repeats the body, ``gzip`` compresses it, ``header_bytes`` adds a header that long."""

    do: Literal["reply"] = "reply"
    status: int = Field(ge=200, le=599)
    headers: SendableHeaders = Field(default={})
    body: str = ""
    repeat: int = Field(default=1, ge=1, le=1 << 30)
    gzip: bool = False
    header_bytes: int = Field(default=0, ge=0, le=1 << 24)


class Acknowledge(Described):
    """Answer 308 with what the session holds, ``beyond`` bytes more than that, a ``range`` as given, or none at all.

    ``as_200`` says it as ``200`` with ``X-HTTP-Status-Code-Override: 308``.
    """

    do: Literal["acknowledge"] = "acknowledge"
    beyond: int = Field(default=0, ge=0)
    range: SendableText = None
    without_range: bool = False
    as_200: bool = False


class Cut(Described):
    """End the connection without an answer: by a TCP reset or an orderly close, before or after reading the body."""

    do: Literal["cut"] = "cut"
    how: Literal["reset", "close"] = "reset"
    read_body: bool = False


class Stall(Described):
    """Do nothing for so many (real) seconds, then go on. Neither reads nor writes meanwhile."""

    do: Literal["stall"] = "stall"
    seconds: float = Field(gt=0, le=3600)


class Alter(Described):
    """Change parts of the answer: status, headers set and removed, body."""

    do: Literal["alter"] = "alter"
    status: int | None = Field(default=None, ge=200, le=599)
    headers: SendableHeaders = Field(default={})
    remove: tuple[str, ...] = ()
    body: str | None = None


class EditJson(Described):
    """Change a JSON answer. A path names fields, joined by dots; ``*`` is every entry of a list.

    ``set`` gives fields that are there another value; ``pluck`` replaces the objects of a list by one of their fields;
    ``add`` adds once more with every use of the fault.
    """

    do: Literal["edit_json"] = "edit_json"
    set: Mapping[str, object] = Field(default={})
    drop: tuple[str, ...] = ()
    rename: Mapping[str, str] = Field(default={})
    pluck: Mapping[str, str] = Field(default={})
    add: Mapping[str, int] = Field(default={})


class HideNewest(Described):
    """Leave the audience that was created last out of the page that has it."""

    do: Literal["hide_newest"] = "hide_newest"


class ForAnother(Described):
    """Answer a success with the body of another object of its kind: the one with this ``id``, else the newest.

    A list becomes one of something else. An answer that would be about nothing else is left alone.
    """

    do: Literal["for_another"] = "for_another"
    id: str | None = None


class Truncate(Described):
    """Announce the whole answer, send so many bytes of its body, and close the connection.

    An answer whose body is no longer than that is left alone.
    """

    do: Literal["truncate"] = "truncate"
    keep: int = Field(default=10, ge=0)


class Drip(Described):
    """Send the answer's head or body one byte at a time, so many (real) seconds apart.

    An answer without a body is left alone where the body is to drip.
    """

    do: Literal["drip"] = "drip"
    seconds: float = Field(gt=0, le=3600)
    part: Literal["head", "body"] = "head"


class Lose(Described):
    """Drop the last so many bytes that the session holds; None drops all."""

    do: Literal["lose"] = "lose"
    bytes: int | None = Field(default=CHUNK_QUANTUM, ge=1)


class Intrude(Described):
    """Another writer appends so many bytes to the session."""

    do: Literal["intrude"] = "intrude"
    bytes: int = Field(default=CHUNK_QUANTUM, ge=1, le=1 << 26)


class EndSession(Described):
    """The session is forgotten (404 from now on) or cancelled (410)."""

    do: Literal["end_session"] = "end_session"
    how: Literal["forgotten", "cancelled"] = "forgotten"


class EndHere(Described):
    """The store takes this chunk for the last: the object ends where the chunk ends."""

    do: Literal["end_here"] = "end_here"


class MoveClock(Described):
    """The sandbox's clock jumps forward."""

    do: Literal["move_clock"] = "move_clock"
    seconds: float = Field(gt=0)


class EditQuery(Described):
    """The operation sees another value of a query parameter: ``value``, or the number sent moved by ``shift``."""

    do: Literal["edit_query"] = "edit_query"
    name: str
    value: str | None = None
    shift: int = 0


class KeepRefreshToken(Described):
    """The token endpoint does not rotate: the answer has no refresh token and the one that was sent stays good."""

    do: Literal["keep_refresh_token"] = "keep_refresh_token"


class Corrupt(Described):
    """One bit of the next byte that arrives is flipped."""

    do: Literal["corrupt"] = "corrupt"


Before = Annotated[
    Reply | Cut | Stall | Lose | Intrude | EndSession | EndHere | MoveClock | EditQuery | KeepRefreshToken,
    Field(discriminator="do"),
]
During = Annotated[Reply | Acknowledge | Cut | Stall | Corrupt, Field(discriminator="do")]
After = Annotated[
    Reply | Acknowledge | Cut | Stall | Alter | EditJson | HideNewest | ForAnother | Truncate | Drip | Lose | Intrude,
    Field(discriminator="do"),
]
Ending = Reply | Acknowledge | Cut | Truncate | Drip
"""Actions after which the request is over."""
