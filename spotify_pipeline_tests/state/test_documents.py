"""What a column holds of a dataclass comes back as it was, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from pydantic import AwareDatetime, ConfigDict

from spotify_pipeline.state import Document, StateError


@dataclass(frozen=True)
class Note:
    at: AwareDatetime
    names: tuple[str, ...] = ()

    __pydantic_config__ = ConfigDict(extra="forbid")


NOTES = Document(Note, version=2, called="a note")
NOTE = Note(at=datetime(2026, 11, 16, 6, tzinfo=UTC), names=("ä", "b"))


def test_it_comes_back_as_it_was() -> None:
    assert NOTES.value(NOTES.text(NOTE)) == NOTE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        "{}",
        '{"format": 2}',
        '{"format": 1, "at": "2026-11-16T06:00:00Z"}',
        '{"format": 2, "at": "2026-11-16T06:00:00"}',
        '{"format": 2, "at": "2026-11-16T06:00:00Z", "ada@example.com": 1}',
    ],
)
def test_what_is_another_or_of_another_version_is_an_error_that_quotes_nothing(text: str) -> None:
    with pytest.raises(StateError, match="a note that this version of the project cannot read") as refused:
        NOTES.value(text)
    assert "ada" not in str(refused.value)
    assert refused.value.__cause__ is None
