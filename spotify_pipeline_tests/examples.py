"""How much a test tries: little in ``make test``, all of it in ``make test-rest``."""

from __future__ import annotations

import os
from functools import partial

import pytest

ALL = "ALL_EXAMPLES"
"""The environment variable with which ``make test-rest`` runs every property once more, with all of its examples."""

in_test_rest = partial(pytest.param, marks=pytest.mark.stress)
"""A parameter that ``make test`` leaves out."""


def examples(few: int, every: int) -> int:
    """The number of examples of a property: ``few`` for every change, ``every`` where all are asked for."""
    return every if os.environ.get(ALL) else few
