"""A process that runs today's partition of the feed `orders`, to be killed from outside: `python -m` this module."""

from __future__ import annotations

import dagster as dg

from spotify_pipeline_tests.components.feeds import SMALL_BATCHES, FeedRuns
from spotify_pipeline_tests.components.runs import definitions_of


def main() -> None:
    with dg.DagsterInstance.get() as instance:
        FeedRuns(definitions_of({"orders": SMALL_BATCHES}), instance).run()


if __name__ == "__main__":
    main()
