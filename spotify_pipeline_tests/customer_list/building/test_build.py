"""Stage two on small lists: the file's exact bytes, and what makes it refuse."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from spotify_pipeline.customer_list import CustomerListError, Layout, Manifest, build_customer_list, write_identifiers
from spotify_pipeline.identity import RULES_VERSION
from spotify_pipeline_tests.customer_list.making import (
    ALL_TYPES,
    EMAIL_ONLY,
    NOW,
    build,
    email_list,
    emails,
    segment,
)

USER = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"  # user@example.com
PHONE = "50389806e2857c36e22b0a1ed1e7df8606ebc0e931f6c083e73486f7a87d9a9f"  # +14155551234
DEVICE = "6cd6140c54b2741b81b0099b232a3ddaeed82df456f43563574877baec22b632"


def everyone() -> pl.DataFrame:
    return segment(
        [
            {"email": "user@example.com", "phone": "+14155551234", "consent": "1"},
            {"email": "user@example.com", "idfa": "ea7583cd-a667-48bc-b806-42ecb2b48606", "consent": "1"},
        ]
    )


def test_wide_list_as_spotify_reads_it(tmp_path: Path) -> None:
    report = write_identifiers([everyone()], ALL_TYPES, tmp_path / "a.parquet")
    build(tmp_path / "a.parquet", report, tmp_path / "list.csv", Layout.WIDE)
    assert (tmp_path / "list.csv").read_bytes() == (
        "EMAIL_ID_SHA256,PHONE_NUMBER_SHA256,DEVICE_ID_SHA256\n"
        f"{USER},,{DEVICE}\n"
        f"{USER},{PHONE},\n"
    ).encode()  # fmt: skip


def test_long_list(tmp_path: Path) -> None:
    report = write_identifiers([everyone()], ALL_TYPES, tmp_path / "a.parquet")
    manifest = build(tmp_path / "a.parquet", report, tmp_path / "list.csv", Layout.LONG)
    assert (tmp_path / "list.csv").read_bytes() == (
        "type,value\n"
        f"PHONE_NUMBER_SHA256,{PHONE}\n"
        f"DEVICE_ID_SHA256,{DEVICE}\n"
        f"EMAIL_ID_SHA256,{USER}\n"
    ).encode()  # fmt: skip
    assert (manifest.rows_kept, manifest.rows_added_by_fan_out, manifest.duplicates_removed) == (2, 2, 1)


def test_column_without_a_value_is_left_out(tmp_path: Path) -> None:
    report = write_identifiers([everyone()[:1]], ALL_TYPES, tmp_path / "a.parquet")
    manifest = build(tmp_path / "a.parquet", report, tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_text().splitlines()[0] == "EMAIL_ID_SHA256,PHONE_NUMBER_SHA256"
    assert manifest.columns == ("email", "phone")
    assert manifest.digests == {"email": 1, "phone": 1}


def test_manifest_names_its_origin_and_survives_json(tmp_path: Path) -> None:
    path, manifest = email_list(tmp_path, "a@example.com", "b@example.com", None)
    assert (manifest.audience, manifest.snapshot, manifest.built_at) == ("lapsed", "2026-11-16", NOW)
    assert (manifest.rules_version, manifest.layout) == (RULES_VERSION, Layout.WIDE)
    assert Manifest.from_json((path.parent / "manifest.json").read_bytes()) == manifest
    assert manifest.md5 == base64.b64encode(hashlib.md5(path.read_bytes()).digest()).decode()  # noqa: S324


@pytest.mark.parametrize(
    "change",
    [
        {"rows_read": 4},
        {"rows_kept": 3},
        {"list_rows": 1},
        {"duplicates_removed": -1, "rows_added_by_fan_out": -1},
        {"digests": {"email": 3}},
        {"digests": {"email": 0}},
        {"digests": {"email": 2, "phone": 1}},
        {"layout": Layout.LONG, "digests": {"email": 1}},
        {"format": 4},
        {"built_at": NOW.replace(tzinfo=None)},
    ],
)
def test_manifest_whose_counts_disagree_cannot_be_made(tmp_path: Path, change: dict) -> None:
    _, manifest = email_list(tmp_path, "a@example.com", "b@example.com", None)
    with pytest.raises(CustomerListError):
        replace(manifest, **change)


@pytest.mark.parametrize("other", [2, 4])
def test_another_manifest_format_is_refused_in_words(tmp_path: Path, other: int) -> None:
    _, manifest = email_list(tmp_path, "a@example.com")
    with pytest.raises(CustomerListError, match=f"format {other}; this program reads 3"):
        Manifest.from_json(manifest.to_json().replace('"format": 3', f'"format": {other}'))


@pytest.mark.parametrize("text", ["", "null", "{}", '{"audience": "lapsed"}'])
def test_broken_manifest_is_refused(text: str) -> None:
    with pytest.raises(CustomerListError, match="cannot be read"):
        Manifest.from_json(text)


def test_time_without_a_zone_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    report = write_identifiers([emails("a@example.com")], EMAIL_ONLY, tmp_path / "a.parquet")
    with pytest.raises(CustomerListError, match="time zone"):
        build_customer_list(
            tmp_path / "a.parquet",
            report,
            tmp_path / "list.csv",
            layout=Layout.WIDE,
            audience="lapsed",
            snapshot="2026-11-16",
            built_at=NOW.replace(tzinfo=None),
        )
    assert not (tmp_path / "list.csv").exists()


def test_old_manifest_is_gone_before_the_list_changes(tmp_path: Path) -> None:
    """So that a crash between the two never leaves a manifest that vouches for another list."""
    path, _ = email_list(tmp_path, "a@example.com")
    path.unlink()
    (path / "in_the_way").mkdir(parents=True)
    report = write_identifiers([emails("b@example.com")], EMAIL_ONLY, tmp_path / "b.parquet")
    with pytest.raises(CustomerListError, match="Is a directory"):
        build(tmp_path / "b.parquet", report, path)
    assert not path.with_name("manifest.json").exists()


def test_missing_identifiers(tmp_path: Path) -> None:
    report = write_identifiers([emails("a@example.com")], EMAIL_ONLY, tmp_path / "a.parquet")
    with pytest.raises(CustomerListError, match="Materialize the identifiers first"):
        build(tmp_path / "b.parquet", report, tmp_path / "list.csv")


def test_report_of_other_identifiers(tmp_path: Path) -> None:
    write_identifiers([emails("a@example.com")], EMAIL_ONLY, tmp_path / "a.parquet")
    other = write_identifiers([emails("a@example.com", "b@example.com")], EMAIL_ONLY, tmp_path / "b.parquet")
    with pytest.raises(CustomerListError, match="has 1 rows, its report says 2"):
        build(tmp_path / "a.parquet", other, tmp_path / "list.csv")


def test_identifiers_of_other_rules_are_not_mixed_in(tmp_path: Path) -> None:
    report = write_identifiers([emails("a@example.com")], EMAIL_ONLY, tmp_path / "a.parquet")
    older = replace(report, rules_version=RULES_VERSION - 1)
    with pytest.raises(CustomerListError, match="Materialize the identifiers again"):
        build(tmp_path / "a.parquet", older, tmp_path / "list.csv")


def test_foreign_identifiers_with_holes(tmp_path: Path) -> None:
    """Empty lists and nulls in lists are no values; a row without any is not dropped in silence."""
    people = segment([{"email": f"p{n}@example.com", "consent": "1"} for n in range(2)])
    report = write_identifiers([people], ALL_TYPES, tmp_path / "a.parquet")
    phones = ["+14155551234", None]
    pl.DataFrame(
        {"email": [[], [None, "user@example.com"]], "phone": phones}, schema_overrides={"email": pl.List(pl.String)}
    ).write_parquet(tmp_path / "b.parquet")
    build(tmp_path / "b.parquet", report, tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_text().splitlines()[1:] == [f",{PHONE}", f"{USER},"]
    pl.DataFrame({"email": [[None], ["user@example.com"]]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(CustomerListError, match="holds none"):
        build(tmp_path / "b.parquet", report, tmp_path / "list.csv")


def test_one_person_with_many_combinations(tmp_path: Path) -> None:
    """Fan-out beyond the batch size is cut between people and loses nobody."""
    people = 100
    addresses = [[f"p{n}a{m}@example.com" for m in range(40)] for n in range(people)]
    phones = [[f"+1415{n:03}{m:04}" for m in range(30)] for n in range(people)]
    source = segment([{"email": f"p{n}@example.com", "consent": "1"} for n in range(people)])
    report = write_identifiers([source], ALL_TYPES, tmp_path / "a.parquet")
    pl.DataFrame({"email": addresses, "phone": phones}).write_parquet(tmp_path / "b.parquet")
    manifest = build(tmp_path / "b.parquet", report, tmp_path / "list.csv")
    assert manifest.list_rows == people * 40 * 30
    assert manifest.rows_added_by_fan_out == people * 40 * 30 - people
    assert manifest.digests == {"email": people * 40, "phone": people * 30}
