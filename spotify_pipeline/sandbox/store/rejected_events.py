"""Events that a test wants refused: whatever request holds one is answered 400, however good it is otherwise."""

from __future__ import annotations

from collections.abc import Collection


class Poison:
    """The ids and content names that are poison now. In memory only, as scripted faults are."""

    def __init__(self) -> None:
        self._event_ids: frozenset[str] = frozenset()
        self._content_names: frozenset[str] = frozenset()

    @property
    def event_ids(self) -> frozenset[str]:
        """Ids of events that are refused."""
        return self._event_ids

    @property
    def content_names(self) -> frozenset[str]:
        """Content names whose events are refused."""
        return self._content_names

    def plant(self, event_ids: Collection[str] = (), content_names: Collection[str] = ()) -> None:
        """Refuse these from now on, in place of those before."""
        self._event_ids = frozenset(event_ids)
        self._content_names = frozenset(content_names)

    def clear(self) -> None:
        """Refuse nothing of the kind."""
        self.plant()

    def field_of(self, event_id: str, content_name: str | None) -> str | None:
        """The field by which an event is poison, or None."""
        if event_id in self._event_ids:
            return "event_id"
        return "content_name" if content_name in self._content_names else None
