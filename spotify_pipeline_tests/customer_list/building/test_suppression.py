"""Whoever is suppressed is left out whole, whichever of their identifiers gave them away."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import (
    CustomerListError,
    Layout,
    Manifest,
    digests_of,
    non_consenting_digests,
    verify_customer_list,
    write_identifiers,
)
from spotify_pipeline.customer_list.normalize import read_declined
from spotify_pipeline.rows import DigestSet, RowsError, Suppressions
from spotify_pipeline_tests.customer_list.making import ALL_TYPES, EMAIL_ONLY, build, emails, in_batches, segment
from spotify_pipeline_tests.customer_list.model import hexed, model_list
from spotify_pipeline_tests.customer_list.people import (
    PEOPLE,
    VALUES,
    cells_in,
    digest_set,
    digests,
    list_of,
    people_with_values,
    rows_in,
)
from spotify_pipeline_tests.examples import examples


def test_p03_an_invalid_text_among_digests_is_not_quoted() -> None:
    with pytest.raises(ValueError, match="not a valid one") as caught:
        DigestSet.of(pl.Series([hexed("ada@example.com"), "canary@example.com"]))
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@settings(max_examples=examples(8, 60))
@given(people=PEOPLE, opted_out=VALUES, erased=VALUES, layout=st.sampled_from(Layout))
def test_p13_suppressed_people_are_left_out_whole(people, opted_out, erased, layout: Layout) -> None:
    suppressions = Suppressions(sources={"opt_outs": digest_set(opted_out), "erasure": digest_set(erased)})
    unwanted = {hexed(value) for value in [*opted_out, *erased]}
    everybody = people_with_values(people)
    staying = [person for person in everybody if not digests(person) & unwanted]
    with tempfile.TemporaryDirectory() as name:
        path, manifest = list_of(Path(name), people, layout, suppressions=suppressions)
        verify_customer_list(path, manifest)
        data = path.read_bytes()
    assert manifest.rows_dropped["suppressed"] == len(everybody) - len(staying)
    assert manifest.rows_kept == len(staying)
    assert manifest.suppressions == {"opt_outs": len(set(opted_out)), "erasure": len(set(erased))}
    if staying:
        assert data == model_list(staying, layout).data
    else:
        assert manifest.list_rows == 0


def test_p13_person_who_opts_out_between_runs_is_not_in_the_next_bytes(tmp_path: Path) -> None:
    """By a telephone number alone, although the list has the person's addresses in rows of their own."""
    leaving = {"email": "a@example.com", "billing_email": "b@example.com", "phone": "+12025550101"}
    people = [leaving, {"email": "c@example.com"}]
    before, _ = list_of(tmp_path / "before", people)
    opted_out = digests_of([segment([{"phone": "(202) 555-0101", "country": "US"}])], ALL_TYPES)
    after, manifest = list_of(
        tmp_path / "after", people, suppressions=Suppressions(sources={"opt_outs": opted_out.digests})
    )
    assert opted_out.rows == 1
    for value in ("a@example.com", "b@example.com", "+12025550101"):
        assert hexed(value).encode() in before.read_bytes()
        assert hexed(value).encode() not in after.read_bytes()
    assert cells_in(rows_in(after)) == {("email", hexed("c@example.com"))}
    assert manifest.rows_dropped == {"no_consent": 0, "no_identifier": 0, "suppressed": 1}


def test_sources_that_hold_nobody_are_counted_and_change_no_byte(tmp_path: Path) -> None:
    people = [{"email": "a@example.com"}]
    plain, without = list_of(tmp_path / "a", people)
    same, manifest = list_of(tmp_path / "b", people, suppressions=Suppressions(sources={"opt_outs": DigestSet.of()}))
    assert plain.read_bytes() == same.read_bytes()
    assert manifest.rows_dropped["suppressed"] == manifest.suppressions["opt_outs"] == 0
    assert "suppressed" not in without.rows_dropped


@settings(max_examples=examples(8, 40))
@given(people=PEOPLE, batch=st.integers(1, 30))
def test_digests_of_a_segment_are_those_of_all_its_rows(people, batch: int) -> None:
    """Consent is not asked: an opt-out needs none."""
    table = segment({**person, "consent": "no"} for person in people)
    found = digests_of(in_batches(table.drop("consent"), batch), ALL_TYPES)
    declined = non_consenting_digests(in_batches(table, batch), ALL_TYPES)
    values = [value for person in people_with_values(people) for held in person.values() for value in held]
    expected = digest_set([*values, *(value.upper() for value in values if value.startswith("ea75"))])
    assert found.rows == len(people)
    assert found.digests.fingerprint == declined.fingerprint == expected.fingerprint


def test_p12_only_rows_without_consent_decline() -> None:
    table = segment(
        {"email": f"{consent}@example.com", "consent": consent} for consent in ("yes", "no", "maybe", None, "1")
    )
    declined = non_consenting_digests([table], ALL_TYPES)
    assert declined.fingerprint == digest_set([f"{each}@example.com" for each in ("no", "maybe", "none")]).fingerprint
    assert len(non_consenting_digests([table], EMAIL_ONLY)) == 0


def test_p12_a_digest_that_another_row_consents_with_does_not_decline() -> None:
    """Else a list that was just built of these rows would lose a household's phone, and with it who agreed."""
    table = segment(
        [
            {"email": "a@example.com", "phone": "+12015550100", "consent": "yes"},
            {"email": "b@example.com", "phone": "+12015550100", "consent": "no"},
        ]
    )
    assert non_consenting_digests([table], ALL_TYPES).fingerprint == digest_set(["b@example.com"]).fingerprint


@settings(max_examples=examples(8, 40))
@given(people=PEOPLE, consents=st.lists(st.sampled_from(["yes", "no"]), min_size=25, max_size=25), erased=VALUES)
def test_who_declined_is_learned_as_identifiers_are_read(people, consents, erased) -> None:
    """So the segment is not read again; with digests that another row consents with, and without erased people."""
    table = segment({**person, "consent": said} for person, said in zip(people, consents, strict=False))
    agreed = digests_of([table.filter(pl.col("consent") == "yes")], ALL_TYPES).digests
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "snapshot.declined"
        write_identifiers(
            in_batches(table, 7), ALL_TYPES, Path(name) / "a.parquet", erased=digest_set(erased), declined=file
        )
        declined = read_declined(file)
        assert file.stat().st_mode & 0o777 == 0o600
    assert declined is not None
    expected = non_consenting_digests([table], ALL_TYPES) - digest_set(erased)
    assert (declined - agreed).fingerprint == expected.fingerprint


def test_a_segment_of_digests_suppresses_as_well() -> None:
    found = digests_of([emails(hexed("a@example.com"), "not an address", None)], EMAIL_ONLY)
    assert found.digests.fingerprint == digest_set(["a@example.com"]).fingerprint


def test_p12_missing_columns_of_such_segments_are_named() -> None:
    with pytest.raises(RowsError, match="no column 'billing_email'"):
        digests_of([emails("a@example.com")], ALL_TYPES)
    with pytest.raises(RowsError, match="no column 'consent'"):
        non_consenting_digests([segment([]).drop("consent")], ALL_TYPES)


@given(st.lists(st.integers(0, 40)), st.lists(st.none() | st.integers(0, 50)))
def test_a_digest_is_in_the_set_or_not(held: list[int], asked: list[int | None]) -> None:
    digests_asked = pl.Series([hexed(f"{n}") if n is not None else None for n in asked], dtype=pl.String)
    answers = digest_set(f"{n}" for n in held).holds(digests_asked)
    assert answers.to_list() == [n in held for n in asked]


def test_manifest_says_what_the_report_said_and_what_the_file_holds(tmp_path: Path) -> None:
    changed = datetime(2026, 11, 15, 22, 0, tzinfo=UTC)
    table = segment([{"email": "a@example.com", "billing_email": "b@example.com", "phone": "+12025550101"}] * 2)
    table = table.with_columns(consent=pl.lit("1"))
    report = write_identifiers([table], ALL_TYPES, tmp_path / "a.parquet", expected_rows=2, updated_at=changed)
    manifest = build(tmp_path / "a.parquet", report, tmp_path / "list" / "list.csv")
    assert (report.source_rows, report.source_updated_at) == (2, changed)
    assert (manifest.source_rows, manifest.source_updated_at) == (2, changed)
    assert manifest.values_kept == {"email": 4, "phone": 2, "device_id": 0}
    assert manifest.cells == {"email": 2, "phone": 2}
    assert manifest.digests == {"email": 2, "phone": 1}
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_time_of_the_newest_row_needs_a_zone(tmp_path: Path) -> None:
    naive = datetime(2026, 11, 15, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(CustomerListError, match="time zone"):
        write_identifiers([emails("a@example.com")], EMAIL_ONLY, tmp_path / "a.parquet", updated_at=naive)
