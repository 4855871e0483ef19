"""For all tests: a folder is a marker; slow files go first; no example of a property is timed.

``integration`` uses the sandbox, Dagster or a process; ``e2e`` the whole project, a browser or a server of databases;
``stress`` breaks things in many ways, ``contract`` compares with documents of others. Any other test is ``unit``.
"""

import pytest
from hypothesis import settings

from spotify_pipeline_tests.examples import examples

KINDS = ("integration", "e2e", "stress", "contract")

settings.register_profile("untimed", deadline=None, max_examples=examples(25, 100))
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its folder unless it has a mark of its own, and begin with slow files, so that no process ends
    alone with one of them.
    """
    for item in items:
        if not any(item.get_closest_marker(kind) for kind in KINDS):
            item.add_marker(next((kind for kind in KINDS if kind in item.path.parts), "unit"))
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)
