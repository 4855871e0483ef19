"""Why the state cannot be used."""

from __future__ import annotations

from spotify_pipeline.home import HomeError


class StateError(HomeError):
    """The state cannot be read or written; the message says why and what to do. Nothing of the step was kept."""


class StateConflict(StateError):
    """Something else is there under the same key, which a rule of the tables forbids."""


class StateOvertaken(StateError):
    """Another run holds the lease by now, so this one wrote nothing, and must write nothing more."""
