"""Leave to write: one holder at a time, over processes, and none that was overtaken."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from spotify_pipeline.retries import RetryPolicy
from spotify_pipeline.state import Place, StateOvertaken, StateStore
from spotify_pipeline.state.tables import alert

ONCE = RetryPolicy(what="a test", tries=1, after="it fails")


class Busy(Exception):
    pass


def hold(state: StateStore):
    return state.lease("audience lapsed", ONCE, busy=Busy())


def test_c09_a_second_one_is_turned_away_until_the_first_has_ended(state: StateStore) -> None:
    other = StateStore(state.place, state.home)
    with hold(state), pytest.raises(Busy), hold(other):
        pass
    with hold(other):
        pass


def test_two_homes_that_name_one_file_lock_each_other_out(tmp_path: Path) -> None:
    one, other = (
        StateStore(Place.of(f"sqlite:///{tmp_path}/shared/state.sqlite", home), home)
        for home in (tmp_path / "one", tmp_path / "other")
    )
    with hold(one), pytest.raises(Busy), hold(other):
        pass
    with hold(other) as fence:
        assert fence.number == 2


def test_another_lease_is_free(state: StateStore) -> None:
    with hold(state), state.lease("audience other", ONCE, busy=Busy()):
        pass


def test_each_holder_has_a_higher_fence(state: StateStore) -> None:
    fences = []
    for _ in range(3):
        with hold(state) as fence:
            fences.append(fence.number)
    assert fences == [1, 2, 3]


def test_c10_one_that_was_overtaken_writes_nothing(state: StateStore) -> None:
    with hold(state) as first:
        pass
    with hold(state) as second:
        with pytest.raises(StateOvertaken, match="taken audience lapsed over"), state.writing(first) as transaction:
            transaction.execute(alert.insert().values(audience="a", kind="k", content="{}"))
        assert not state.holds(first)
        assert state.holds(second)
        with state.writing(second) as transaction:
            assert transaction.execute(alert.select()).all() == []


def test_who_holds_it_is_told(state: StateStore) -> None:
    assert state.holder("audience lapsed") is None
    with hold(state):
        assert f"process {os.getpid()} on " in (state.holder("audience lapsed") or "")


def test_threads_take_turns(state: StateStore) -> None:
    turns = RetryPolicy(what="a test", pauses=(0.001,), within=60, after="it fails")
    inside, most, fences = [0], [0], []

    def run() -> None:
        for _ in range(5):
            with state.lease("audience lapsed", turns, busy=Busy()) as fence:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                fences.append(fence.number)
                inside[0] -= 1

    threads = [threading.Thread(target=run) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == [1]
    assert fences == list(range(1, 21))


@pytest.mark.integration
def test_o02_it_is_free_when_its_process_is_killed(state: StateStore) -> None:
    ready, held = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with hold(StateStore(state.place, state.home)):
                os.write(held, b"x")
                signal.pause()
        finally:
            os._exit(1)
    os.close(held)
    assert os.read(ready, 1) == b"x"
    with pytest.raises(Busy), hold(state):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    soon = RetryPolicy(what="a test", tries=500, pauses=(0.02,), after="it fails")
    with state.lease("audience lapsed", soon, busy=Busy()) as fence:
        assert fence.number == 2


@pytest.mark.integration
def test_a_fork_gets_connections_of_its_own(state: StateStore) -> None:
    with state.begin() as transaction:
        transaction.execute(alert.insert().values(audience="parent", kind="k", content="{}"))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with state.begin() as transaction:
                transaction.execute(alert.insert().values(audience="child", kind="k", content="{}"))
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with state.read() as transaction:
        assert {each.audience for each in transaction.execute(alert.select())} == {"parent", "child"}


def test_a_lock_file_says_nothing_of_what_it_is_for(tmp_path: Path) -> None:
    state = StateStore.in_home(tmp_path / "home")
    with state.lock("feed of ada@example.com"):
        names = [each.name for each in (tmp_path / "home" / "locks").iterdir()]
    assert len(names) == 1
    assert "ada" not in names[0]
