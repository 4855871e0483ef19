"""A process that makes, moves or restores a state is killed at each step: no state looks new that is not.

Nor is anybody's wish to be forgotten lost. A step is a commit, or a file that is renamed or removed.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.state import Place, StateError, StateStore, back_up, engines, move, restore, tables
from spotify_pipeline_tests.state.upkeep.test_copying import ask, contents, fill

pytestmark = pytest.mark.stress
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
EARLIER, LATER = "erasure-2026-11-01-00000001", "erasure-2026-11-02-00000002"
_KILLED = 9


def ends(change: Callable[[], object], *, killed_at: int) -> bool:
    """Whether ``change`` came to its end in a process that is killed at the step of that number."""
    child = os.fork()
    if child == 0:
        left = itertools.count(killed_at, -1)

        def step(*_: object) -> None:
            if next(left) == 0:
                os._exit(_KILLED)

        sys.addaudithook(lambda name, _: step() if name in ("os.rename", "os.remove") else None)
        event.listen(sa.Engine, "commit", step)
        try:
            change()
        except BaseException:  # noqa: BLE001 - a child must not go on as a second run of all tests
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, _KILLED)
    return code == 0


def homes(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    for step in range(200):
        home = tmp_path / f"killed-at-{step}"
        home.mkdir(mode=0o700)
        yield step, home
    raise AssertionError("it never ends")


def requests(state: StateStore) -> set[str] | None:
    """Who asked to be forgotten; None where the state refuses to be used."""
    try:
        return {each.id for each in ErasureLedger(state).requests()}
    except StateError:
        return None


class TestCreate:
    def test_a_new_one_that_was_not_finished_is_made_by_the_next_process(self, tmp_path: Path) -> None:
        for step, home in homes(tmp_path):
            ended = ends(StateStore.in_home(home).create, killed_at=step)
            assert requests(StateStore.in_home(home)) == set()
            if ended:
                break
        assert step > 1


class TestRestore:
    @pytest.mark.parametrize("is_lost", [False, True])
    def test_each_time_the_former_state_the_new_one_or_a_refusal_is_there(self, tmp_path: Path, is_lost: bool) -> None:
        for step, home in homes(tmp_path):
            if self._is_safe_at(step, home, is_lost=is_lost):
                break
        assert step > 3

    def _is_safe_at(self, step: int, home: Path, *, is_lost: bool) -> bool:
        state = StateStore.in_home(home)
        fill(state, receipts=3)
        ask(state, EARLIER, "a" * 64)
        back_up(state, home / "monday.sqlite")
        before = contents(state)
        asked = {EARLIER} if is_lost else {EARLIER, LATER}
        ask(state, LATER, "b" * 64)
        with state.begin() as transaction:
            transaction.execute(tables.alert.insert().values(audience="later", kind="k", content="{}"))
        engines.close(state.place)
        if is_lost:
            (home / "state.sqlite").unlink()
        change = partial(restore, home / "monday.sqlite", StateStore.in_home(home), now=NOW)
        ended = ends(change, killed_at=step)
        assert requests(StateStore.in_home(home)) in ([asked] if ended else [asked, None])
        restore(home / "monday.sqlite", StateStore.in_home(home), now=NOW + timedelta(hours=1))
        assert requests(StateStore.in_home(home)) == asked
        after = contents(StateStore.in_home(home))
        assert (after["receipt"], after["alert"]) == (before["receipt"], before["alert"])
        return ended


class TestMove:
    def test_each_time_the_first_one_goes_on_or_all_is_in_the_second(self, tmp_path: Path) -> None:
        for step, home in homes(tmp_path):
            state, target = StateStore.in_home(home), StateStore.in_home(home / "other")
            if self._is_safe_at(step, state, target):
                break
        assert step > 1

    def test_so_it_is_where_the_second_is_a_database_of_machines(self, empty_database: str, tmp_path: Path) -> None:
        place = Place.of(empty_database, tmp_path)
        for step, home in homes(tmp_path):
            with engines.begun(engines.engine_of(place), place, writes=True) as transaction:
                transaction.execute(sa.text(f"DROP SCHEMA IF EXISTS {engines.SCHEMA} CASCADE"))
            engines.close(place)
            state = StateStore.in_home(home)
            if self._is_safe_at(step, state, StateStore(place, home)):
                break
        assert step > 1

    def _is_safe_at(self, step: int, state: StateStore, target: StateStore) -> bool:
        fill(state, receipts=3)
        ask(state, EARLIER, "a" * 64)
        before = contents(state)
        engines.close(state.place)
        change = partial(move, state, StateStore(target.place, target.home), now=NOW)
        ended = ends(change, killed_at=step)
        fresh = StateStore(state.place, state.home)
        assert requests(fresh) == (None if ended else {EARLIER}), "the first one goes on until all is done"
        if target.place.is_shared or (target.place.file is not None and target.place.file.exists()):
            assert requests(StateStore(target.place, target.home)) in ({EARLIER}, None), "the second looks new"
        if not ended:
            move(fresh, StateStore(target.place, target.home), now=NOW)
        assert contents(StateStore(target.place, target.home)) == before
        return ended
