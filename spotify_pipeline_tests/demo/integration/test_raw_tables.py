"""The demo's raw tables: the same again for the same seed, of nobody real, in a file that is private."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import phonenumbers
import pytest

from spotify_pipeline.demo.phone_numbers import PLANS
from spotify_pipeline.demo.raw_tables import DEFAULT_AS_OF, RawTablesError, write_raw_tables
from spotify_pipeline_tests.demo.dirt import EVERY_PADDING, phone_dirt
from spotify_pipeline_tests.demo.warehouses import content, rows_of


class TestSameAgain:
    def test_the_bytes_are_those_of_version_3(self, tmp_path: Path) -> None:
        """Pinned: whoever changes what is generated must raise GENERATOR_VERSION, and change this line with it."""
        write_raw_tables(tmp_path / "warehouse.duckdb", people=500, seed=7)
        pinned = "75bcf82f7837e958419136405c322579db0b6d78f34b086e825a8211dfb0fee9"
        assert content(tmp_path / "warehouse.duckdb") == pinned

    def test_same_seed_same_bytes_and_another_seed_others(self, tmp_path: Path) -> None:
        first, again, other = (tmp_path / name / "warehouse.duckdb" for name in ("first", "again", "other"))
        for warehouse, seed in ((first, 1), (again, 1), (other, 2)):
            write_raw_tables(warehouse, people=2_000, seed=seed)
        assert content(first) == content(again)
        assert content(first) != content(other)

    def test_more_people_do_not_change_those_before(self, tmp_path: Path) -> None:
        few, many = tmp_path / "few.duckdb", tmp_path / "many.duckdb"
        write_raw_tables(few, people=100)
        write_raw_tables(many, people=200)
        by_number = {row["customer_id"]: row for row in rows_of(many, "raw.customers") if row["loaded_at"].day == 15}
        assert all(
            by_number[row["customer_id"]] == row for row in rows_of(few, "raw.customers") if row["loaded_at"].day == 15
        )

    def test_a_second_run_leaves_the_tables_alone(self, tmp_path: Path) -> None:
        warehouse = tmp_path / "warehouse.duckdb"
        made = write_raw_tables(warehouse, people=100)
        with duckdb.connect(warehouse) as connection:
            connection.execute("update raw.customers set plan = 'touched' where customer_id = 1")
        found = write_raw_tables(warehouse, people=100)
        assert (made.reused, found.reused) == (False, True)
        assert replace(made, reused=True) == found
        with duckdb.connect(warehouse) as connection:
            assert connection.execute("select count(*) from raw.customers where plan = 'touched'").fetchall() == [(1,)]

    @pytest.mark.parametrize("change", [{"people": 101}, {"seed": 8}, {"as_of": date(2026, 11, 17)}])
    def test_other_inputs_make_the_tables_anew(self, tmp_path: Path, change: dict[str, Any]) -> None:
        warehouse = tmp_path / "warehouse.duckdb"
        inputs: dict[str, Any] = {"people": 100, "seed": 7, "as_of": DEFAULT_AS_OF}
        write_raw_tables(warehouse, **inputs)
        before = content(warehouse)
        assert not write_raw_tables(warehouse, **inputs | change).reused
        assert content(warehouse) != before

    def test_an_interrupted_run_is_done_again(self, tmp_path: Path) -> None:
        warehouse = tmp_path / "warehouse.duckdb"
        write_raw_tables(warehouse, people=100)
        whole = content(warehouse)
        with duckdb.connect(warehouse) as connection:
            connection.execute("delete from raw._generator")
            connection.execute("delete from raw.events")
        assert not write_raw_tables(warehouse, people=100).reused
        assert content(warehouse) == whole


class TestNobodyIsMeant:
    def test_addresses_are_of_reserved_domains(self, raw_warehouse: Path) -> None:
        rows = rows_of(raw_warehouse, "raw.customers")
        values = [row[column] for row in rows for column in ("email", "billing_email") if row[column]]
        hosts = {value.strip(EVERY_PADDING).lower().rpartition("@")[2] for value in values if "@" in value}
        assert hosts
        for host in hosts:
            assert re.fullmatch(r"-?([a-z-]+\.)*example\.?(\.(com|net|org))?", host), host

    def test_clean_numbers_are_possible_ones_of_ten_countries(self, contactable: list[dict[str, Any]]) -> None:
        regions: set[int | None] = set()
        for row in contactable:
            if phone_dirt(row["phone"]) == "clean":
                number = phonenumbers.parse(row["phone"])
                assert phonenumbers.is_possible_number(number)
                regions.add(number.country_code)
        assert regions == {int(plan.calling_code) for plan in PLANS.values()}
        assert len(PLANS) == 10

    @pytest.mark.parametrize("spelled", ["national", "international", "dialled_abroad"])
    def test_every_spelling_reads_as_a_number_set_aside(self, contactable: list[dict[str, Any]], spelled: str) -> None:
        read: Counter[str] = Counter()
        for row in contactable:
            country = (row["country"] or "").strip().upper().replace("UK", "GB")
            if country and phone_dirt(row["phone"]) == spelled:
                number = phonenumbers.parse(row["phone"], country)
                assert is_set_aside(country, str(number.national_number)), (country, row["phone"])
                read[country] += 1
        assert set(read) == set(PLANS)


def is_set_aside(country: str, number: str) -> bool:
    """Whether a national number lies in one of the ranges of its country's table."""
    ranges = PLANS[country].ranges
    return any(len(number) == len(r.first) and 0 <= int(number) - int(r.first) < r.count for r in ranges)


class TestTime:
    def test_nothing_happens_after_the_day_of_the_data(self, raw_warehouse: Path) -> None:
        end = datetime.combine(date(2026, 11, 16), time())
        assert max(row["happened_at"] for row in rows_of(raw_warehouse, "raw.events")) < end
        assert max(row["changed_at"] for row in rows_of(raw_warehouse, "raw.consents")) < end
        customers = rows_of(raw_warehouse, "raw.customers")
        assert max(row["signed_up_on"] for row in customers) <= end.date()
        cancelled = [row for row in customers if row["cancelled_on"]]
        assert all(row["signed_up_on"] <= row["cancelled_on"] <= end.date() for row in cancelled)

    def test_nobody_acts_before_signing_up(self, raw_warehouse: Path) -> None:
        joined = {row["customer_id"]: row["signed_up_on"] for row in rows_of(raw_warehouse, "raw.customers")}
        for table, moment in (("events", "happened_at"), ("consents", "changed_at")):
            rows = rows_of(raw_warehouse, f"raw.{table}")
            assert all(joined[row["customer_id"]] <= row[moment].date() for row in rows)

    def test_purchases_alone_have_an_amount_and_a_currency(self, raw_warehouse: Path) -> None:
        events = rows_of(raw_warehouse, "raw.events")
        priced = {row["event"] for row in events if row["amount"] is not None and row["currency"] is not None}
        unpriced = {row["event"] for row in events if row["amount"] is None and row["currency"] is None}
        assert (priced, unpriced) == ({"purchase"}, {"listened", "newsletter_opened"})
        assert len({row["event_id"] for row in events}) == len(events)


class TestFile:
    def test_the_file_and_a_new_directory_are_private(self, tmp_path: Path) -> None:
        warehouse = tmp_path / "new" / "warehouse.duckdb"
        write_raw_tables(warehouse, people=10)
        assert warehouse.stat().st_mode & 0o777 == 0o600
        assert warehouse.parent.stat().st_mode & 0o777 == 0o700

    def test_a_directory_that_was_there_keeps_its_mode(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        write_raw_tables(tmp_path / "warehouse.duckdb", people=10)
        assert tmp_path.stat().st_mode & 0o777 == 0o755

    def test_other_tables_of_the_schema_stay(self, tmp_path: Path) -> None:
        warehouse = tmp_path / "warehouse.duckdb"
        with duckdb.connect(warehouse) as connection:
            connection.execute("create schema raw; create table raw.mine as select 1 as one")
        write_raw_tables(warehouse, people=10)
        with duckdb.connect(warehouse) as connection:
            assert connection.execute("select one from raw.mine").fetchall() == [(1,)]

    def test_source_tables_of_somebody_else_are_not_replaced(self, tmp_path: Path) -> None:
        warehouse = tmp_path / "warehouse.duckdb"
        with duckdb.connect(warehouse) as connection:
            connection.execute("create schema raw; create table raw.customers as select 1 as one")
        with pytest.raises(RawTablesError, match=r"tables that are not the demo's \(customers\)"):
            write_raw_tables(warehouse, people=10)
        with duckdb.connect(warehouse) as connection:
            assert connection.execute("select one from raw.customers").fetchall() == [(1,)]

    def test_nobody_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RawTablesError, match="at least one person, not 0"):
            write_raw_tables(tmp_path / "warehouse.duckdb", people=0)

    def test_a_file_that_is_no_database_is_named(self, tmp_path: Path) -> None:
        warehouse = tmp_path / "warehouse.duckdb"
        warehouse.write_text("not a database, however long this sentence is made to be" * 100)
        with pytest.raises(RawTablesError, match=r"Cannot write .*warehouse\.duckdb"):
            write_raw_tables(warehouse, people=10)

    def test_a_file_in_use_says_what_to_close(self, tmp_path: Path, holding: Callable[[Path], None]) -> None:
        warehouse = tmp_path / "warehouse.duckdb"
        write_raw_tables(warehouse, people=10)
        holding(warehouse)
        with pytest.raises(RawTablesError, match="Close other programs that use it"):
            write_raw_tables(warehouse, people=10)
