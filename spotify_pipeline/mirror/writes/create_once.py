"""Creates something at Spotify once, whatever becomes of the answers.

Spotify's own tools say: never repeat a create call blindly. So what is asked for is announced first, durably; a lost
answer is followed by looking; and only what is not there is asked for again, and only where that names the same id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from spotify_pipeline.spotify import Conflict, NotFound, SpotifyError, SpotifyUnavailable

T = TypeVar("T")

_MAY_MEAN_THAT_IT_EXISTS = frozenset({400, 404, 409})
"""How Spotify may refuse an id whose creation it carried out before: taken, or its upload used up."""


@dataclass(frozen=True, kw_only=True)
class CreateOnce(Generic[T]):
    """One creation.

    Attributes:
        ask: asks for it.
        look_first: the next step where it stays unknown whether it was created.
        announce: makes it durable that it is asked for now, and gives what takes that back: called where it was refused
            for certain. An error of it is raised before anything is asked for.
        look: finds it where the answer was lost; None where it is not shown.
        if_taken: gives it where Spotify says that it is taken, by a call before; None where something else is. An
            error of it leaves open which.
        found: told what was found after the answer was lost.
        again: told before it is asked for once more; None where that might create a second.
    """

    ask: Callable[[], T]
    look_first: str
    announce: Callable[[], Callable[[], None]] = lambda: lambda: None
    look: Callable[[], T | None] = lambda: None
    if_taken: Callable[[Conflict], T | None] = lambda _: None
    found: Callable[[T], None] = lambda _: None
    again: Callable[[], None] | None = None

    def run(self, *, may_exist: bool = False) -> T:
        """What was created, or found where the answer was lost (C02, C03, C04).

        Args:
            may_exist: whether the same was asked for before, and that may have been carried out or may yet be: then
                even a refusal proves nothing.

        Raises:
            SpotifyError: with ``may_have_happened``, it may exist: look first. Else it was refused for certain.
            MirrorRefused: as ``announce`` and ``look`` raise it.
        """
        first = self._created_or_in_doubt(may_exist=may_exist)
        if not isinstance(first, SpotifyError):
            return first
        if self.again is None or not first.may_have_happened:
            raise self._open(first)
        self.again()
        second = self._created_or_in_doubt(may_exist=True)
        if not isinstance(second, SpotifyError):
            return second
        raise self._open(second if second.may_have_happened else first)

    def _created_or_in_doubt(self, *, may_exist: bool) -> T | SpotifyError:
        """It, or the error that leaves it open whether there is one."""
        try:
            return self._asked()
        except SpotifyError as error:
            if not error.may_have_happened and not (may_exist and error.status in _MAY_MEAN_THAT_IT_EXISTS):
                raise
            doubt = error
        try:
            found = self.look()
        except SpotifyError:
            raise self._open(doubt) from None
        if found is None:
            return doubt
        self.found(found)
        return found

    def _asked(self) -> T:
        take_back = self.announce()
        try:
            return self.ask()
        except Conflict as taken:
            before = self.if_taken(taken)
            if before is not None:
                return before
            take_back()
            raise
        except SpotifyError as error:
            if not error.may_have_happened:
                take_back()
            raise

    def _open(self, doubt: SpotifyError) -> SpotifyError:
        if isinstance(doubt, NotFound):
            # Of this type it would say that nothing was created.
            return SpotifyUnavailable(
                doubt.message, next_step=self.look_first, trace_id=doubt.trace_id, may_have_happened=True
            )
        doubt.next_step = self.look_first if doubt.may_have_happened else f"{doubt.next_step} {self.look_first}"
        return doubt
