"""A list at whose size batches are cut and buckets overflow, against the plain model."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from spotify_pipeline.customer_list import Layout, verify_customer_list, write_identifiers
from spotify_pipeline_tests.customer_list.making import ALL_TYPES, build
from spotify_pipeline_tests.customer_list.model import model_list


@pytest.mark.slow
@pytest.mark.parametrize("layout", list(Layout))
def test_more_rows_than_a_batch_and_a_bucket(tmp_path: Path, layout: Layout) -> None:
    """Sizes at which batches are cut, buckets are several, and one crowded digest overflows its bucket."""
    count = 300_000
    crowd = "household@example.com"
    numbers = pl.int_range(count, eager=True)
    table = pl.DataFrame({"n": numbers}).select(
        email=pl.when(pl.col("n") % 10 > 0).then(pl.lit(crowd)).otherwise(pl.format("p{}@example.com", "n")),
        billing_email=pl.lit(None, dtype=pl.String),
        phone=pl.lit(None, dtype=pl.String),
        country=pl.lit(None, dtype=pl.String),
        idfa=pl.format("EA7583CD-A667-48BC-B806-42{}", (pl.col("n") // 3).cast(pl.String).str.zfill(10)),
        consent=pl.lit(value=True),
    )
    report = write_identifiers([table], ALL_TYPES, tmp_path / "a.parquet", expected_rows=count)
    manifest = build(tmp_path / "a.parquet", report, tmp_path / "list.csv", layout)
    people = [{"email": [row["email"]], "device_id": [row["idfa"].lower()]} for row in table.iter_rows(named=True)]
    expected = model_list(people, layout)
    assert (tmp_path / "list.csv").read_bytes() == expected.data
    assert manifest.digests == expected.digests == {"email": count // 10 + 1, "device_id": count // 3}
    assert manifest.fingerprint == expected.fingerprint
    verify_customer_list(tmp_path / "list.csv", manifest)
