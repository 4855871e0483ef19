"""What a library waits by itself is in the table too, so its numbers are looked up."""

from __future__ import annotations

import inspect
from itertools import islice

import pytest
from dagster._utils.backoff import exponential_delay_generator
from dagster_duckdb import DuckDBResource

from spotify_pipeline.retries import WAREHOUSE_READ


def test_dagster_s_resource_waits_for_the_warehouse_as_the_module_says():
    assert f"max_retries={WAREHOUSE_READ.retries}," in inspect.getsource(DuckDBResource)
    pauses = tuple(islice(exponential_delay_generator(), WAREHOUSE_READ.retries))
    assert pauses == pytest.approx(WAREHOUSE_READ.pauses)
