"""Stage one: consent, columns of any type, counts, and what the Parquet file may hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import polars as pl
import pyarrow.parquet as pq
import pytest

from spotify_pipeline.customer_list import (
    CustomerListError,
    IdentifiersReport,
    digests_of,
    read_report,
    write_identifiers,
)
from spotify_pipeline.identity import RULES_VERSION, Email, Phone, identifier_types
from spotify_pipeline.rows import IdentifierColumns, IdentifierPlan, RowsError
from spotify_pipeline_tests.customer_list.making import (
    ALL_TYPES,
    EMAIL_ONLY,
    build,
    emails,
    names_below,
    segment,
)


def plan_of(identifier: str, *columns: str, consent: str | None = None, **options) -> IdentifierPlan:
    return IdentifierPlan(
        identifiers={identifier: IdentifierColumns(kind=identifier_types()[identifier](**options), columns=columns)},
        consent_column=consent,
    )


def values_of(tmp_path: Path, table: pl.DataFrame, plan: IdentifierPlan) -> list:
    write_identifiers([table], plan, tmp_path / "a.parquet")
    return pl.read_parquet(tmp_path / "a.parquet").to_series().to_list()


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([True, False, None], pl.Boolean, 1),
        ([1, 0, 2, -1, None], pl.Int8, 1),
        ([Decimal(1), Decimal(0)], pl.Decimal(38, 0), 1),
        ([Decimal("1.00"), Decimal("1.50"), Decimal("0.00"), Decimal("-1.00"), None], pl.Decimal(3, 2), 1),
        ([1.0, 0.0, 1.5, -1.0, 2.0, float("nan"), float("inf"), None], pl.Float64, 1),
        ([1.0, 0.5], pl.Float32, 1),
        (["true", "T", " Yes\n", "y", "1", "no", "", "on", "yes please", None], pl.String, 5),
        (["1.0", "1.00", "1,0", "1.", "\ufeffyes", "yes\u200e", "\0TRUE", '"yes"', "'1'"], pl.String, 9),
        (["1.5", "-1", "+1", "01", "1e0", "10", "1.01", "nan", "{yes}", '"no"', "1 0"], pl.String, 0),
        (["yes", "no", None], pl.Categorical, 1),
        ([None, None], pl.Null, 0),
    ],
)
def test_p12_only_a_plain_yes_is_consent(tmp_path: Path, values: list, dtype, expected: int) -> None:
    table = emails(*(f"p{n}@example.com" for n in range(len(values)))).with_columns(ok=pl.Series(values, dtype=dtype))
    report = write_identifiers([table], plan_of("email", "email", consent="ok"), tmp_path / "a.parquet")
    assert report.rows_kept == expected
    assert report.rows_dropped == {"no_consent": len(values) - expected, "no_identifier": 0}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (pl.Series([datetime(2026, 1, 1, tzinfo=UTC)]), "Datetime"),
        (pl.Series([date(2026, 1, 1)]), "Date"),
        (pl.Series([b"yes"]), "Binary"),
        (pl.Series([["yes"]]), "List"),
        (pl.Series([{"yes@example.com": True}]), "Struct"),
        (pl.Series([timedelta(1)]), "Duration"),
    ],
)
def test_a14_a_consent_column_that_can_never_say_yes_is_refused_by_its_type(
    tmp_path: Path, values: pl.Series, name: str
) -> None:
    table = emails("a@example.com").with_columns(ok=values)
    with pytest.raises(RowsError, match=f"consent column 'ok' holds {name}, which can never say yes") as caught:
        write_identifiers([table], plan_of("email", "email", consent="ok"), tmp_path / "a.parquet")
    assert "example.com" not in str(caught.value)


def test_values_of_people_without_consent_are_not_even_judged(tmp_path: Path) -> None:
    table = segment([{"email": "not an address", "consent": "no"}])
    report = write_identifiers([table], ALL_TYPES, tmp_path / "a.parquet")
    assert report.rejected == {"email": {}, "phone": {}, "device_id": {}}


@pytest.mark.parametrize("column", ["email", "consent"])
def test_p12_missing_column_is_named(tmp_path: Path, column: str) -> None:
    table = segment([]).drop(column)
    with pytest.raises(RowsError, match=f"no column '{column}'. Its columns are: .*phone"):
        write_identifiers([table], ALL_TYPES, tmp_path / "a.parquet")
    assert names_below(tmp_path) == set()


@pytest.mark.parametrize(
    "phones",
    [
        pl.Series([46701740605]),
        pl.Series([46701740605.0, None]),
        pl.Series([Decimal("46701740605.00")]),
        pl.Series([b"46701740605"]),
        pl.Series(["46701740605"], dtype=pl.Categorical),
    ],
)
def test_phone_columns_of_other_types_give_the_same_number(tmp_path: Path, phones: pl.Series) -> None:
    as_text = values_of(tmp_path, pl.DataFrame({"p": ["46701740605"]}), plan_of("phone", "p", default_region="SE"))
    plan = plan_of("phone", "p", default_region="SE")
    assert values_of(tmp_path, phones.alias("p").to_frame(), plan) == as_text != []


def test_uuids_as_bytes_are_device_ids(tmp_path: Path) -> None:
    uuid = UUID("ea7583cd-a667-48bc-b806-42ecb2b48606")
    ascii_only = UUID(bytes=b"sixteen letters!")
    table = pl.DataFrame({"idfa": [uuid.bytes, ascii_only.bytes]})
    assert values_of(tmp_path, table, plan_of("device_id", "idfa")) == [str(uuid), str(ascii_only)]


def test_device_ids_in_the_chosen_case(tmp_path: Path) -> None:
    table = pl.DataFrame({"idfa": ["ea7583cd-a667-48bc-b806-42ecb2b48606"]})
    plan = plan_of("device_id", "idfa", case="upper")
    assert values_of(tmp_path, table, plan) == ["EA7583CD-A667-48BC-B806-42ECB2B48606"]


def test_row_region_goes_before_the_default(tmp_path: Path) -> None:
    table = pl.DataFrame({"p": ["070-174 06 05", "(202) 555-0143"], "c": [" ", "US"]})
    plan = plan_of("phone", "p", region_column="c", default_region="SE")
    assert values_of(tmp_path, table, plan) == ["+46701740605", "+12025550143"]


@pytest.mark.parametrize(
    "values", [pl.Series([[1]]), pl.Series([[["a@example.com"]]]), pl.Series([{"a": "a@example.com"}])]
)
def test_nested_columns_are_refused_by_name(tmp_path: Path, values: pl.Series) -> None:
    with pytest.raises(RowsError, match="column 'email' holds") as caught:
        write_identifiers([values.alias("email").to_frame()], EMAIL_ONLY, tmp_path / "a.parquet")
    assert "example.com" not in str(caught.value)


def test_several_columns_keep_distinct_values_in_column_order(tmp_path: Path) -> None:
    table = segment(
        [
            {"email": "z@example.com", "billing_email": "a@example.com", "consent": "1"},
            {"email": "Z@example.com", "billing_email": " z@example.com", "consent": "1"},
            {"email": "no", "billing_email": None, "phone": "+12025550143", "consent": "1"},
        ]
    )
    report = write_identifiers([table], ALL_TYPES, tmp_path / "a.parquet")
    identifiers = pl.read_parquet(tmp_path / "a.parquet")
    assert identifiers.columns == ["email", "phone", "device_id"]
    assert identifiers["email"].to_list() == [["z@example.com", "a@example.com"], ["z@example.com"], None]
    assert report.values_repeated == {"email": 1, "phone": 0, "device_id": 0}
    assert report.rejected["email"] == {"invalid": 1, "missing": 1}


def test_a_list_of_texts_is_several_values_of_one_person(tmp_path: Path) -> None:
    people = [["a@example.com", "B@example.com", "a@example.com"], [" c@example.com", "no", None], [], [None], None]
    table = pl.DataFrame({"email": pl.Series(people, dtype=pl.List(pl.String))})
    report = write_identifiers([table.head(1), table.slice(1)], EMAIL_ONLY, tmp_path / "a.parquet")
    assert pl.read_parquet(tmp_path / "a.parquet")["email"].to_list() == [
        ["a@example.com", "b@example.com"],
        ["c@example.com"],
    ]
    assert (report.values_kept, report.values_repeated) == ({"email": 3}, {"email": 1})
    assert report.rejected["email"] == {"invalid": 1, "missing": 4}
    manifest = build(tmp_path / "a.parquet", report, tmp_path / "list.csv")
    assert manifest.digests == {"email": 3}


def test_lists_and_single_values_and_the_regions_of_their_rows_go_together(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "home": pl.Series([["0701740605", "0701740606.0"], ["2025550143"], None], dtype=pl.List(pl.String)),
            "work": ["+46701740605", None, "(202) 555-0144"],
            "country": ["SE", "\ufeffus", '"US"'],
        }
    )
    plan = plan_of("phone", "home", "work", region_column="country")
    report = write_identifiers([table], plan, tmp_path / "a.parquet")
    assert pl.read_parquet(tmp_path / "a.parquet")["phone"].to_list() == [
        ["+46701740605", "+46701740606"],
        ["+12025550143"],
        ["+12025550144"],
    ]
    assert (report.values_repeated, report.rejected) == ({"phone": 1}, {"phone": {"missing": 2}})


@pytest.mark.parametrize(
    "phones", [pl.Series([46701740605.5]), pl.Series([Decimal("46701740605.25")]), pl.Series([4.6e17])]
)
def test_a_number_with_digits_that_no_phone_number_has_is_nobodys(tmp_path: Path, phones: pl.Series) -> None:
    plan = plan_of("phone", "p", default_region="SE")
    report = write_identifiers([phones.alias("p").to_frame()], plan, tmp_path / "a.parquet")
    assert report.rejected == {"phone": {"invalid": 1}}


def test_arrays_and_json_as_text_are_counted_and_not_read(tmp_path: Path) -> None:
    damaged = [
        "{a@example.com}",
        '["a@example.com"]',
        '"{""a@example.com""}"',
        " [ ] ",
        "['a@example.com', 'b@example.com']",
    ]
    table = emails(*damaged, "a@example.com", "[a", "a]@example.com", None)
    report = write_identifiers([table], EMAIL_ONLY, tmp_path / "a.parquet")
    assert report.rejected["email"] == {"invalid": 7, "missing": 1}
    assert report.arrays_as_text == {"email": 5}
    assert read_report(tmp_path / "a.parquet") == report
    assert build(tmp_path / "a.parquet", report, tmp_path / "list.csv").arrays_as_text == {"email": 5}
    assert digests_of([table], EMAIL_ONLY).arrays == {"email": 5}


@pytest.mark.parametrize("expected_rows", [2, 4])
def test_w05_partial_read_keeps_nothing(tmp_path: Path, expected_rows: int) -> None:
    destination = tmp_path / "a.parquet"
    write_identifiers([emails("old@example.com")], EMAIL_ONLY, destination)
    before = destination.read_bytes()
    with pytest.raises(CustomerListError, match=f"has {expected_rows} rows, but 3 were read"):
        write_identifiers(
            [emails("a@example.com", "b@example.com"), emails(None)],
            EMAIL_ONLY,
            destination,
            expected_rows=expected_rows,
        )
    assert destination.read_bytes() == before
    assert names_below(tmp_path) == {"a.parquet"}


def test_no_batch_at_all_is_an_empty_segment(tmp_path: Path) -> None:
    report = write_identifiers(iter([]), ALL_TYPES, tmp_path / "a.parquet", expected_rows=0)
    manifest = build(tmp_path / "a.parquet", report, tmp_path / "list.csv")
    assert manifest.list_rows == 0
    assert manifest.digests == {"email": 0, "phone": 0, "device_id": 0}
    assert (tmp_path / "list.csv").read_text() == "EMAIL_ID_SHA256,PHONE_NUMBER_SHA256,DEVICE_ID_SHA256\n"


def test_report_travels_in_the_file(tmp_path: Path) -> None:
    report = write_identifiers([emails("a@example.com", None)], EMAIL_ONLY, tmp_path / "a.parquet")
    assert read_report(tmp_path / "a.parquet") == report
    assert IdentifiersReport.from_json(report.to_json()) == report
    assert report.rules_version == RULES_VERSION


def test_report_of_an_earlier_version_is_still_read(tmp_path: Path) -> None:
    report = write_identifiers([emails("a@example.com")], EMAIL_ONLY, tmp_path / "a.parquet")
    older = report.to_json().replace(',"source_rows":null,"source_updated_at":null', "")
    assert "source" not in older
    assert IdentifiersReport.from_json(older) == report


def test_foreign_parquet_has_no_report(tmp_path: Path) -> None:
    emails("a@example.com").write_parquet(tmp_path / "a.parquet")
    with pytest.raises(CustomerListError, match="not written by this project"):
        read_report(tmp_path / "a.parquet")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"rows_read": 1}'])
def test_broken_report_is_refused(text: str) -> None:
    with pytest.raises(CustomerListError, match="cannot be read"):
        IdentifiersReport.from_json(text)


def test_report_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    report = write_identifiers([emails("a@example.com", None)], EMAIL_ONLY, tmp_path / "a.parquet")
    with pytest.raises(CustomerListError, match="3 rows were read, but 1 kept and 1 dropped"):
        IdentifiersReport.from_json(report.to_json().replace('"rows_read":2', '"rows_read":3'))


def test_parquet_holds_the_identifiers_and_nothing_else(tmp_path: Path) -> None:
    table = segment([{"email": f"person{n}@example.com", "consent": "yes"} for n in range(5)]).with_columns(
        customer_id=pl.lit("customer-4711")
    )
    write_identifiers([table[:3], table[3:]], ALL_TYPES, tmp_path / "a.parquet")
    footer = pq.read_metadata(tmp_path / "a.parquet")
    assert footer.num_row_groups == 2
    for group in [footer.row_group(number) for number in range(2)]:
        columns = [group.column(number) for number in range(footer.num_columns)]
        assert not any(column.is_stats_set for column in columns)
        assert {column.compression for column in columns} == {"ZSTD"}
    data = (tmp_path / "a.parquet").read_bytes()
    footer_bytes = data[-8 - int.from_bytes(data[-8:-4], "little") :]
    assert b"example.com" not in footer_bytes
    assert b"4711" not in data


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: IdentifierColumns(kind=Email(), columns=()),
        lambda: IdentifierColumns(kind=Email(), columns=("email", "email")),
        lambda: IdentifierPlan(identifiers={}),
        lambda: IdentifierPlan(identifiers={"email": IdentifierColumns(kind=Phone(), columns=("phone",))}),
    ],
)
def test_plan_without_sense_is_refused(wrong) -> None:
    with pytest.raises(RowsError):
        wrong()
