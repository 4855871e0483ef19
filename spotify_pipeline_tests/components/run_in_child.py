"""A process that mirrors the audience `people`, to be stopped from outside: `python -m` this module."""

from __future__ import annotations

import dagster as dg

from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, definitions_of


def main() -> None:
    with dg.DagsterInstance.get() as instance:
        Deployment(definitions_of({"people": PEOPLE}), instance).run("spotify_audience")


if __name__ == "__main__":
    main()
