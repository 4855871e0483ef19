"""A task for each of many items on several threads: results in order, bounded, and stopped cleanly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from spotify_pipeline.cores import in_order

PATIENCE = 30.0


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_results_come_in_the_order_of_the_items(threads: int, count: int) -> None:
    assert list(in_order(lambda n: n * n, range(count), threads=threads)) == [n * n for n in range(count)]


def test_a_later_item_that_is_done_first_waits_for_its_turn() -> None:
    second_done = threading.Event()

    def task(number: int) -> int:
        if number == 0:
            assert second_done.wait(PATIENCE), "both should be under way"
        else:
            second_done.set()
        return number

    assert list(in_order(task, range(2), threads=2)) == [0, 1]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_no_more_items_are_taken_than_there_are_threads(threads: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    with closing(in_order(lambda n: n, items(), threads=threads)) as results:
        for number in results:
            assert len(taken) <= number + threads


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_what_a_task_raises_comes_in_its_turn(threads: int) -> None:
    def task(number: int) -> int:
        if number == 3:
            raise KeyError
        return number

    results = in_order(task, range(9), threads=threads)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(results)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_what_the_items_raise_comes_too(threads: int) -> None:
    def items() -> Iterator[int]:
        yield 0
        raise KeyError

    with pytest.raises(KeyError):
        list(in_order(lambda n: n, items(), threads=threads))


def test_a_consumer_that_stops_leaves_no_task_running() -> None:
    under_way: set[int] = set()
    may_end = threading.Event()

    def task(number: int) -> int:
        under_way.add(number)
        if number:
            assert may_end.wait(PATIENCE)
        under_way.discard(number)
        return number

    with closing(in_order(task, range(9), threads=2)) as results:
        assert next(results) == 0
        may_end.set()
    assert not under_way
    assert not [each for each in threading.enumerate() if each.name.startswith("in order")]
