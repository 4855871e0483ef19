"""Headers that a fault may send, checked when it is made: one that HTTP cannot carry would break the request instead.

Names and values are those of RFC 9110 (5.1, 5.5, 5.6.2), with Latin-1 above ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

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
            raise ValueError(f"{name!r} is no name of a header; use ASCII letters, digits and hyphens")
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


SendableHeaders = Annotated[Mapping[str, Text], AfterValidator(_sendable)]
"""Headers by name. Those that say how long the body is are not among them: they follow from the body."""

SendableText = Annotated[Text | None, AfterValidator(_sendable_value)]
"""The value of one header, or None."""
