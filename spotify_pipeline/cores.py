"""Does one task for each of many items on several cores, and gives the results in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST = 2
"""Threads of one stage: each holds an item and its result, and Polars uses further cores within a step by itself."""


def in_order(task: Callable[[Item], Result], items: Iterable[Item], *, threads: int | None = None) -> Generator[Result]:
    """``task`` of each item, in the order of the items, some items ahead of the consumer.

    Polars, pyarrow and hashlib release the interpreter's lock while they work, so threads use all cores. Items are
    taken in the consumer's thread, and no more of them are under way than there are threads. What a task raises is
    raised in its turn; what the items raise, at once. Then, and where the consumer stops, tasks that did not begin are
    dropped, and those that did are waited for.

    Args:
        task: it must not change what another task reads.
        items: taken one by one.
        threads: at most so many; by default as many as Polars has (``POLARS_MAX_THREADS``), and two at most.
    """
    threads = threads or min(MOST, pl.thread_pool_size())
    if threads == 1:
        yield from map(task, items)
        return
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="in order") as pool:
        try:
            for item in items:
                under_way.append(pool.submit(task, item))
                if len(under_way) == threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for each in under_way:
                each.cancel()
