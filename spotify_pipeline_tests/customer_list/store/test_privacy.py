"""Raw values stay where they belong, whoever looks and whatever breaks."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from spotify_pipeline.customer_list import CustomerListError, write_identifiers
from spotify_pipeline.home import HomeError
from spotify_pipeline.rows import RowsError
from spotify_pipeline_tests.customer_list.making import (
    ALL_TYPES,
    EMAIL_ONLY,
    build,
    email_list,
    emails,
    names_below,
    segment,
)

HOSTILE = [
    "canary\x00nul@example.com",
    "canary\nnewline@example.com",
    "canary" + "x" * 10_000 + "@example.com",
    "canary\U0001f600,\"'@example.com",
    "canary\u202e@example.com",
    "=canary()@example.com",
    "'; drop table canary; --",
]


def test_p11_hostile_values_are_counted_and_never_shown(tmp_path: Path) -> None:
    table = segment({"email": value, "phone": value, "idfa": value, "consent": "1"} for value in HOSTILE)
    bytes_table = table.with_columns(pl.Series("email", [b"\xff\xfecanary@example.com"] * len(HOSTILE)))
    accepted = write_identifiers([table], ALL_TYPES, tmp_path / "a.parquet")
    report = write_identifiers([bytes_table], ALL_TYPES, tmp_path / "b.parquet")
    assert report.rows_dropped == {"no_consent": 0, "no_identifier": len(HOSTILE)}
    assert report.rejected["email"] == {"invalid": len(HOSTILE), "missing": len(HOSTILE)}
    for number, counts in enumerate([accepted, report]):
        manifest = build(tmp_path / f"{'ab'[number]}.parquet", counts, tmp_path / f"{number}" / "list.csv")
        assert "canary" not in counts.to_json() + manifest.to_json() + repr(counts) + repr(manifest)
        assert b"canary" not in (tmp_path / f"{number}" / "list.csv").read_bytes()
    assert not any("canary" in name for name in names_below(tmp_path))


def test_p09_files_are_private_whatever_the_umask(tmp_path: Path, open_umask: None) -> None:
    root = tmp_path / "data"
    seen: set[int] = set()

    def batches() -> Iterator[pl.DataFrame]:
        yield emails("a@example.com")
        for path in root.rglob("*"):
            seen.add(path.stat().st_mode & 0o777)
        yield emails("b@example.com")

    report = write_identifiers(batches(), EMAIL_ONLY, root / "identifiers" / "a.parquet")
    build(root / "identifiers" / "a.parquet", report, root / "lists" / "list.csv")
    assert seen == {0o600, 0o700}
    files = {path.name: path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()}
    assert files == {"a.parquet": 0o600, "list.csv": 0o600, "manifest.json": 0o600}
    assert {path.stat().st_mode & 0o777 for path in [root, *root.iterdir()]} == {0o700}


def test_failure_of_the_source_keeps_the_old_file(tmp_path: Path) -> None:
    def broken() -> Iterator[pl.DataFrame]:
        yield emails("new@example.com")
        raise RuntimeError("the warehouse went away")

    destination = tmp_path / "a.parquet"
    write_identifiers([emails("old@example.com")], EMAIL_ONLY, destination)
    before = destination.read_bytes()
    with pytest.raises(RuntimeError, match="warehouse"):
        write_identifiers(broken(), EMAIL_ONLY, destination)
    assert destination.read_bytes() == before
    assert names_below(tmp_path) == {"a.parquet"}


def test_living_builders_in_one_place_leave_each_other_alone(tmp_path: Path) -> None:
    def batches() -> Iterator[pl.DataFrame]:
        yield emails("a@example.com")
        write_identifiers([emails("b@example.com")], EMAIL_ONLY, tmp_path / "b.parquet")
        yield emails("c@example.com")

    assert write_identifiers(batches(), EMAIL_ONLY, tmp_path / "a.parquet").rows_kept == 2
    assert names_below(tmp_path) == {"a.parquet", "b.parquet"}


def test_failed_build_keeps_the_old_list_and_its_manifest(tmp_path: Path) -> None:
    path, _ = email_list(tmp_path, "a@example.com", "b@example.com")
    before = {name: (path.parent / name).read_bytes() for name in ("customer_list.csv", "manifest.json")}
    identifiers = tmp_path / "identifiers.parquet"
    data = identifiers.read_bytes()
    identifiers.write_bytes(data[:4] + b"canary@example.com" + data[22:])
    report = write_identifiers([emails("a@example.com", "b@example.com")], EMAIL_ONLY, tmp_path / "other.parquet")
    with pytest.raises(CustomerListError, match=r"Building the customer list stopped: .* withheld") as caught:
        build(identifiers, report, path)
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert {name: (path.parent / name).read_bytes() for name in before} == before
    assert names_below(path.parent) == set(before)


def test_p03_library_error_on_a_value_is_withheld(tmp_path: Path) -> None:
    """A batch with another type than the first cannot join the file; pyarrow and Polars would quote what they see."""
    objects = pl.DataFrame({"email": pl.Series([object(), "canary@example.com"], dtype=pl.Object)})
    with pytest.raises(RowsError) as caught:
        write_identifiers([objects], EMAIL_ONLY, tmp_path / "a.parquet")
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert names_below(tmp_path) == set()


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError):
        write_identifiers([emails("a@example.com")], EMAIL_ONLY, tmp_path / "file" / "a.parquet")
