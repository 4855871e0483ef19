"""What every warehouse must do. Derive a test class, and make the warehouse in its fixture ``made``."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from spotify_pipeline.warehouse import (
    RANK_COLUMN,
    Between,
    OwnTable,
    Ranking,
    Relation,
    SegmentError,
    SegmentReader,
    Warehouse,
)

Make = Callable[[pa.Table], Warehouse]
"""A warehouse, not open, whose table ``crm.people`` has these rows, in columns of these types."""

PEOPLE = Relation.parse("crm.people")
CANARY = "canary-7f3a@example.com"
NAN, LONG_AGO = math.nan, datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
ROWS = pa.table(
    {
        "email": pa.array(["a@example.com", "b@example.com", None, "d@example.com", CANARY], pa.string()),
        "agreed": pa.array([True, False, True, None, True], pa.bool_()),
        "spent": pa.array([1.5, NAN, 7.0, None, 7.0], pa.float64()),
        "visits": pa.array([3, 1, None, 2, 9], pa.int64()),
        "born": pa.array([date(1990, 1, 1), None, date(2001, 2, 3), None, None], pa.date32()),
        "changed": pa.array([LONG_AGO + timedelta(days=n) for n in (0, 4, 1, 2, 3)], pa.timestamp("us", "UTC")),
        "seen": pa.array([datetime(2026, 11, n) for n in (1, 2, 3, 4, 5)], pa.timestamp("us")),  # noqa: DTZ001
    }
)
OWN = pa.schema([("day", pa.date32()), ("at", pa.timestamp("us", "UTC")), ("rows", pa.int64()), ("ok", pa.bool_()),
                 ("share", pa.float64()), ("name", pa.string()), ("mark", pa.binary())])  # fmt: skip
ONE = {"day": date(2026, 11, 2), "at": LONG_AGO, "rows": 7, "ok": True, "share": 0.5, "name": "a", "mark": b"x"}


def own(*rows: dict[str, object]) -> pa.RecordBatch:
    """Rows of a table of ours."""
    return pa.RecordBatch.from_pylist(list(rows), schema=OWN)


class WarehouseContract:
    """Reading and, where the class has it, writing."""

    writes = True

    @pytest.fixture
    def made(self) -> Make:
        """Makes the warehouse under test."""
        raise NotImplementedError

    @pytest.fixture
    def people(self, made: Make, tmp_path: Path) -> Iterator[SegmentReader]:
        """The table of people, open."""
        with made(ROWS) as warehouse, closing(SegmentReader(warehouse, PEOPLE, tmp_path / "spill")) as segment:
            yield segment

    def test_the_columns_have_their_types(self, people: SegmentReader) -> None:
        assert list(people.columns()) == ROWS.schema.names
        assert [*people.columns().values()][1:5] == [pa.bool_(), pa.float64(), pa.int64(), pa.date32()]

    def test_every_row_comes_once_with_the_columns_asked_for(self, people: SegmentReader) -> None:
        batches = list(people.batches(["visits", "email"], 2, identifiers=["email"]))
        assert max(each.height for each in batches) <= 2
        rows = pl.concat(batches)
        assert rows.columns == ["visits", "email"]
        assert sorted(map(str, rows.rows())) == sorted(
            map(str, zip(*ROWS.select(["visits", "email"]).to_pydict().values(), strict=True))
        )
        assert people.count() == rows.height

    @pytest.mark.parametrize(
        ("only", "visits"),
        [
            (Between("visits", at_least=2, below=9), {2, 3}),
            (Between("visits", below=2, or_missing=True), {1, None}),
            (Between("visits"), {1, 2, 3, 9}),
            (Between("changed", at_least=LONG_AGO + timedelta(days=3)), {9, 1}),
            (Between("born", at_least=date(2000, 1, 1)), {None}),
        ],
    )
    def test_a_range_keeps_its_rows(self, people: SegmentReader, only: Between, visits: set[int | None]) -> None:
        found = [value for each in people.batches(["visits"], only=only) for value in each["visits"]]
        assert set(found) == visits
        assert people.count(only) == len(found)

    def test_the_newest_row_is_known_in_utc(self, people: SegmentReader) -> None:
        assert people.newest("changed") == LONG_AGO + timedelta(days=4)
        assert people.newest("seen") == datetime(2026, 11, 5, tzinfo=UTC)
        assert people.newest("born") == datetime(2001, 2, 3, tzinfo=UTC)

    def test_no_row_is_the_newest_of_an_empty_table(self, made: Make, tmp_path: Path) -> None:
        with made(ROWS.slice(0, 0)) as warehouse:
            segment = SegmentReader(warehouse, PEOPLE, tmp_path / "spill")
            assert segment.newest("changed") is None
            assert segment.count() == sum(each.height for each in segment.batches(["email"])) == 0

    @pytest.mark.parametrize(
        ("highest_first", "emails"),
        [
            (True, [CANARY, None, "a@example.com", "b@example.com", "d@example.com"]),
            (False, ["a@example.com", CANARY, None, "b@example.com", "d@example.com"]),
        ],
    )
    def test_rows_without_a_value_rank_last_and_columns_break_ties(
        self, people: SegmentReader, highest_first: bool, emails: list[str | None]
    ) -> None:
        rows = pl.concat(people.batches(["email"], rank=Ranking("spent", highest_first))).sort(RANK_COLUMN)
        assert rows.columns == ["email", RANK_COLUMN]
        assert rows[RANK_COLUMN].to_list() == [1, 2, 3, 4, 5]
        assert rows[RANK_COLUMN].dtype == pl.Int64
        assert rows["email"].to_list() == emails

    def test_what_cannot_serve_is_refused_by_name_before_anything_is_read(self, people: SegmentReader) -> None:
        for refused, sentence in (
            (lambda: people.batches(["born"], identifiers=["born"]), "crm.people.born holds .*no identifier can be"),
            (lambda: people.batches(["born"], consent=["born"]), "crm.people.born holds .*which can never say yes"),
            (lambda: people.batches(["email"], rank=Ranking("email", True)), "cannot say who stays"),
            (lambda: people.batches(["e_mail"]), "crm.people has no column e_mail. It has: email, agreed"),
            (lambda: iter([people.newest("email")]), "not a date or time"),
        ):
            with pytest.raises(SegmentError, match=sentence) as caught:
                list(refused())
            assert "canary" not in str(caught.value)

    def test_a_table_that_is_not_there_says_so(self, made: Make, tmp_path: Path) -> None:
        with made(ROWS) as warehouse:
            segment = SegmentReader(warehouse, Relation.parse("crm.nobody"), tmp_path / "spill")
            for ask in (segment.columns, segment.count, lambda: list(segment.batches(["email"]))):
                with pytest.raises(SegmentError, match=r"no table or view crm\.nobody"):
                    ask()

    def test_a_table_of_ours_is_created_and_added_to(self, made: Make, tmp_path: Path) -> None:
        self._skip_if_it_only_reads()
        warehouse, table = made(ROWS), OwnTable("history", OWN)
        for batches in ([own(ONE)], [], [own(ONE), own(ONE, {**ONE, "rows": None})]):
            table.append(warehouse, batches)
        with warehouse:
            segment = SegmentReader(warehouse, table.relation, tmp_path / "spill")
            rows = pl.concat(segment.batches(OWN.names))
            assert segment.columns() == dict(zip(OWN.names, OWN.types, strict=True))
        assert rows.height == 4
        assert [row for row in rows.to_dicts() if row["rows"] is not None] == [ONE] * 3

    def test_p03_what_fails_adds_nothing_and_quotes_nothing(self, made: Make, tmp_path: Path) -> None:
        self._skip_if_it_only_reads()
        warehouse, table = made(ROWS), OwnTable("history", OWN)

        def broken() -> Iterator[pa.RecordBatch]:
            yield own(ONE)
            raise ValueError(CANARY)

        table.append(warehouse, [own(ONE)])
        for batches in (broken(), [own(ONE), own(ONE).select(["day"])]):
            with pytest.raises(SegmentError, match=r"spotify_pipeline\.history") as caught:
                table.append(warehouse, batches)
            assert "canary" not in str(caught.value)
            assert CANARY not in "".join(traceback.format_exception(caught.value))
        with warehouse:
            assert SegmentReader(warehouse, table.relation, tmp_path / "spill").count() == 1
            assert SegmentReader(warehouse, PEOPLE, tmp_path / "spill").count() == ROWS.num_rows

    def test_a_table_of_ours_that_has_other_columns_is_left_as_it_is(self, made: Make, tmp_path: Path) -> None:
        self._skip_if_it_only_reads()
        warehouse = made(ROWS)
        OwnTable("history", OWN).append(warehouse, [own(ONE)])
        other = pa.schema([("day", pa.date32()), ("note", pa.string())])
        with pytest.raises(SegmentError, match=r"spotify_pipeline\.history has the columns day .* Nothing was added"):
            OwnTable("history", other).append(warehouse, [])
        with warehouse:
            assert SegmentReader(warehouse, OwnTable("history", OWN).relation, tmp_path / "spill").count() == 1

    def _skip_if_it_only_reads(self) -> None:
        if not self.writes:
            pytest.skip("the class only reads")
