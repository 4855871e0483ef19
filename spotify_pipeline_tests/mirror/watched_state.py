"""A state that tells of each commit, so that a test can end the run before it and after it, or make it fail."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

import sqlalchemy as sa

from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.mirror.fake_spotify import Crash


class WatchedState(StateStore):
    """What ``watch`` raises undoes the transaction before its commit, and comes too late after it."""

    watch: Callable[[str], None] = staticmethod(lambda _: None)

    @contextmanager
    def begin(self, within: sa.Connection | None = None) -> Generator[sa.Connection]:
        with super().begin(within) as transaction:
            yield transaction
            if within is None:
                self.watch("before a commit")
        if within is None:
            self.watch("after a commit")


class Steps:
    """Counts the steps, and ends the run by :class:`Crash` at step ``crash_at``, counted from 0."""

    def __init__(self, crash_at: int | None = None) -> None:
        self.names: list[str] = []
        self._crash_at = crash_at

    def __call__(self, name: str) -> None:
        number = len(self.names)
        self.names.append(name)
        if number == self._crash_at:
            raise Crash


@contextmanager
def ending_at(state: StateStore, step: int) -> Generator[Steps]:
    """End what runs within the block at one of its steps, as if the process were killed there."""
    assert isinstance(state, WatchedState)
    steps = Steps(step)
    state.watch = steps
    try:
        yield steps
    finally:
        del state.watch
