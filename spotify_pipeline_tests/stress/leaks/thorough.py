"""Which runs of the scan every change waits for."""

from __future__ import annotations

import pytest

THOROUGH = frozenset(
    {
        "p07_p08_what_does_not_fit_in_memory_is_spilled",
        "p06_dagster_withholds_user_code_errors",
        "p02_a_step_that_is_to_be_tried_again",
        "p03_dbt_stops_on_a_row",
        "p03_reading_of_events_breaks",
    }
)
"""Runs that every change need not wait for; `make thorough` and `make leaks` have them."""


def marked(names: list[str]) -> list[object]:
    """The runs as a test's parameters."""
    return [pytest.param(name, marks=pytest.mark.stress) if name in THOROUGH else name for name in names]
