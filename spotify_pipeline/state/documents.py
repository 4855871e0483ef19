"""What a column holds of a dataclass: JSON, with the version of its format."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from spotify_pipeline.state.errors import StateError

T = TypeVar("T")
_FORMAT = "format"


class Document(Generic[T]):
    """How one dataclass is kept. It says itself, by pydantic's ``extra="forbid"``, that it is read as a whole."""

    def __init__(self, of: type[T], *, version: int, called: str) -> None:
        """``version``: of the format. ``called``: what it is, for sentences, such as "an approval"."""
        self._adapter = TypeAdapter(of)
        self._version = version
        self._called = called

    def text(self, value: T) -> str:
        """What the column is to hold."""
        fields: dict[str, Any] = self._adapter.dump_python(value, mode="json")
        return json.dumps({_FORMAT: self._version, **fields})

    def value(self, text: str) -> T:
        """What the column says.

        Raises:
            StateError: it is no such document, or of another version. The sentence quotes nothing of it.
        """
        try:
            fields = json.loads(text)
            if fields.pop(_FORMAT) == self._version:
                return self._adapter.validate_python(fields)
        except (ValidationError, ValueError, AttributeError, KeyError, TypeError):
            pass
        raise StateError(
            f"The state holds {self._called} that this version of the project cannot read. Nothing was sent. Update "
            "the project on this machine; if it is up to date, restore the newest backup of the state."
        )
