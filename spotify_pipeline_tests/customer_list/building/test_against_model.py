"""Random segments through both stages, against the plain model: every byte and every count."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import Layout, Manifest, verify_customer_list, write_identifiers
from spotify_pipeline_tests.customer_list.making import ALL_TYPES, build, in_batches, segment
from spotify_pipeline_tests.customer_list.model import ModelList, ModelPeople, model_list, model_people
from spotify_pipeline_tests.examples import examples

COLUMNS = {"email": ["email", "billing_email"], "phone": ["phone"], "device_id": ["idfa"]}
A_DIGEST = hashlib.sha256(b"somebody@example.com").hexdigest()

# Few values, so that people share them; each kind of dirt among them.
EMAILS = st.sampled_from(
    [
        None,
        "",
        "a@example.com",
        " A@Example.com\n",
        "b@example.com",
        "c@example.org",
        "nobody",
        A_DIGEST,
        A_DIGEST.upper(),
    ]
)
PHONES = st.sampled_from([None, "070-174 06 05", "+46701740605", "+1 202 555 0143", "(202) 555-0143", "12", A_DIGEST])
DEVICES = st.sampled_from(
    [None, "ea7583cd-a667-48bc-b806-42ecb2b48606", "EA7583CDA66748BCB80642ECB2B48606", "0" * 32, A_DIGEST]
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "email": EMAILS,
            "billing_email": EMAILS,
            "phone": PHONES,
            "country": st.sampled_from([None, "", " se ", "US", "ZZ"]),
            "idfa": DEVICES,
            "consent": st.sampled_from(["true", "T", " yes ", "y", "1", "1", "1", None, "", "no", "2", "truely"]),
        }
    ),
    max_size=40,
)


def people_of(rows: list[dict]) -> ModelPeople:
    return model_people(rows, COLUMNS, region_column="country", default_region="SE", consent_column="consent")


@settings(max_examples=examples(8, 80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, batch=st.integers(1, 45), layout=st.sampled_from(Layout))
def test_list_and_counts_equal_the_model(rows: list[dict], batch: int, layout: Layout) -> None:
    people = people_of(rows)
    expected = model_list(people.people, layout)
    with tempfile.TemporaryDirectory() as name:
        identifiers, destination = Path(name) / "identifiers.parquet", Path(name) / "list" / "customer_list.csv"
        report = write_identifiers(in_batches(segment(rows), batch), ALL_TYPES, identifiers, expected_rows=len(rows))
        manifest = build(identifiers, report, destination, layout)
        data = destination.read_bytes()
        verify_customer_list(destination, manifest)

    assert report.rows_read == len(rows)
    assert report.rows_kept == len(people.people)
    assert report.rows_dropped == people.dropped
    assert report.rejected == people.rejected
    assert report.values_kept == people.values_kept
    assert report.values_repeated == people.values_repeated
    if people.people:
        assert data == expected.data
        assert_manifest_states(manifest, people, expected)
    else:
        assert manifest.list_rows == 0
        assert data.count(b"\n") == 1


def assert_manifest_states(manifest: Manifest, people: ModelPeople, expected: ModelList) -> None:
    assert list(manifest.columns) == expected.columns
    assert manifest.rows_read == people.rows_read
    assert manifest.rows_dropped == people.dropped
    assert manifest.rows_kept == len(people.people)
    assert manifest.rejected == people.rejected
    assert manifest.rows_added_by_fan_out == expected.fanned_out - len(people.people)
    assert manifest.duplicates_removed == expected.fanned_out - expected.list_rows
    assert manifest.list_rows == expected.list_rows
    assert manifest.digests == expected.digests
    assert manifest.bytes == len(expected.data)
    assert manifest.sha256 == hashlib.sha256(expected.data).hexdigest()
    assert manifest.crc32c == expected.crc32c
    assert manifest.fingerprint == expected.fingerprint


@settings(max_examples=examples(8, 40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, random=st.randoms(use_true_random=False), batch=st.integers(1, 45), layout=st.sampled_from(Layout))
def test_equal_membership_gives_equal_bytes(rows: list[dict], random, batch: int, layout: Layout) -> None:
    """Neither the order of the source, nor its batches, nor repeated rows leave a trace in the file."""
    again = rows + [random.choice(rows) for _ in range(5) if rows]
    random.shuffle(again)
    with tempfile.TemporaryDirectory() as name:
        made = []
        for number, (table, size) in enumerate([(rows, 45), (again, batch)]):
            identifiers, destination = Path(name) / f"{number}.parquet", Path(name) / f"{number}" / "list.csv"
            report = write_identifiers(in_batches(segment(table), size), ALL_TYPES, identifiers)
            manifest = build(identifiers, report, destination, layout)
            made.append((destination.read_bytes(), manifest.fingerprint, manifest.digests))
    assert made[0] == made[1]


def test_any_other_member_gives_another_fingerprint(tmp_path: Path) -> None:
    fingerprints = set()
    for number, rows in enumerate([["a"], ["b"], ["a", "b"], ["a", "c"]]):
        identifiers = tmp_path / f"{number}.parquet"
        table = segment({"email": f"{row}@example.com", "consent": "1"} for row in rows)
        report = write_identifiers([table], ALL_TYPES, identifiers)
        fingerprints.add(build(identifiers, report, tmp_path / f"{number}" / "list.csv").fingerprint)
    assert len(fingerprints) == 4


def test_one_type_has_one_fingerprint_in_both_layouts(tmp_path: Path) -> None:
    report = write_identifiers(
        [segment([{"email": "a@example.com", "consent": "1"}])], ALL_TYPES, tmp_path / "a.parquet"
    )
    manifests = [build(tmp_path / "a.parquet", report, tmp_path / layout / "list.csv", layout) for layout in Layout]
    assert manifests[0].fingerprint == manifests[1].fingerprint
    assert manifests[0].sha256 != manifests[1].sha256
