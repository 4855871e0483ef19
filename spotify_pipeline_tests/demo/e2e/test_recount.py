"""The recount itself: that it counts rightly, and that no difference slips past it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest

from spotify_pipeline_tests.demo.recount import (
    HEADER,
    TYPES,
    CannotCompareError,
    RecountResult,
    main,
    read_list,
    recount,
)

YAML = """
type: spotify_pipeline.CustomerListAudience
attributes:
  name: Lapsed subscribers
  segment: {{dbt_model: lapsed_subscribers, consent_column: marketing_consent}}
  identifiers:
    email: [email, billing_email]
    phone: {{column: phone, region_column: country, default_region: SE}}
    device_id: device_id
  guards: {{min_rows: {min_rows}}}
"""

CUSTOMERS = """
    (1, ' Ann@Example.com', 'ann@example.org', '070-174 06 05', 'se', null, '2026-11-01', '2026-11-15'),
    (1, 'stale@example.com', null, null, 'SE', null, null, '2026-11-08'),
    (2, 'no@example.com', null, null, 'SE', null, '2026-11-01', '2026-11-15'),
    (3, 'unknown@example.com', null, null, 'SE', null, '2026-11-01', '2026-11-15'),
    (4, 'not an address', null, '12', null, '00000000-0000-0000-0000-000000000000', '2026-11-01', '2026-11-15'),
    (5, 'ANN@example.com', 'ann@example.com', null, null, null, '2026-08-19', '2026-11-15'),
    (6, 'late@example.com', null, null, null, null, '2026-08-18', '2026-11-15'),
    (7, null, null, '070-1740605', null, 'EA7583CDA66748BCB80642ECB2B48606', '2026-11-16', '2026-11-15'),
    (8, 'asked@example.com', null, null, null, null, '2026-11-01', '2026-11-15')
"""
CONSENTS = """
    (1, 1, 'advertising', false, '2026-01-01 00:00:00'), (2, 1, 'advertising', true, '2026-01-02 00:00:00'),
    (3, 2, 'advertising', true, '2026-01-01 00:00:00'), (4, 2, 'advertising', false, '2026-01-01 00:00:00'),
    (5, 3, 'advertising', null, '2026-01-01 00:00:00'),
    (6, 4, 'advertising', true, '2026-01-01 00:00:00'), (7, 5, 'advertising', true, '2026-01-01 00:00:00'),
    (8, 6, 'advertising', true, '2026-01-01 00:00:00'), (9, 7, 'advertising', true, '2026-01-01 00:00:00'),
    (10, 8, 'newsletter', true, '2026-01-01 00:00:00')
"""


def sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


ANN = sha256("ann@example.com")
ANN_AT_WORK = sha256("ann@example.org")
PHONE = sha256("+46701740605")
DEVICE = sha256("ea7583cd-a667-48bc-b806-42ecb2b48606")
EXPECTED = {(ANN, PHONE, ""), (ANN_AT_WORK, PHONE, ""), (ANN, "", ""), ("", PHONE, DEVICE)}


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Eight people, each of them a case."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(f"""
            create schema raw;
            create table raw.customers as select customer_id, email, billing_email, phone, country, device_id,
                'premium' as plan, 'email' as signed_up_with, date '2020-01-01' as signed_up_on,
                cancelled_on::date as cancelled_on, loaded_at::timestamp as loaded_at
            from (values {CUSTOMERS})
                as t(customer_id, email, billing_email, phone, country, device_id, cancelled_on, loaded_at);
            create table raw.consents as select consent_id, customer_id, channel, granted,
                changed_at::timestamp as changed_at
            from (values {CONSENTS}) as t(consent_id, customer_id, channel, granted, changed_at);
            create table raw.events (event_id varchar, customer_id bigint, event varchar, happened_at timestamp);
        """)
    return path


@pytest.fixture
def audiences(tmp_path: Path) -> Path:
    return audience_folder(tmp_path / "audiences", min_rows=1)


def audience_folder(folder: Path, *, min_rows: int) -> Path:
    (folder / "lapsed").mkdir(parents=True)
    (folder / "lapsed" / "defs.yaml").write_text(YAML.format(min_rows=min_rows))
    return folder


def csv_of(rows: set[tuple[str, str, str]], *more: tuple[str, str, str]) -> str:
    lines = [",".join(HEADER[identifier] for identifier in TYPES)]
    return "\n".join([*lines, *(",".join(row) for row in [*sorted(rows), *more])]) + "\n"


class TestCounting:
    @pytest.fixture
    def result(self, warehouse: Path, audiences: Path) -> RecountResult:
        return recount(warehouse, audiences=audiences)["lapsed"]

    def test_rows_are_every_combination_of_a_persons_distinct_digests(self, result: RecountResult) -> None:
        assert result.rows == EXPECTED

    def test_people_are_counted_at_each_step(self, result: RecountResult) -> None:
        assert result.people_read == 7  # number 6 cancelled a day too early
        assert result.people_without_consent == 3  # no, unknown, never asked
        assert result.people_kept == 3

    def test_rejections_are_counted_by_reason(self, result: RecountResult) -> None:
        assert result.rejected["email", "invalid"] == 1
        assert result.rejected["phone", "invalid"] == 1
        assert result.rejected["device_id", "zeroed"] == 1
        assert result.rejected["device_id", "missing"] == 2

    def test_digests_are_counted_once(self, result: RecountResult) -> None:
        assert result.digests() == {"email": 2, "phone": 1, "device_id": 1}


class TestComparing:
    @pytest.mark.parametrize(
        ("received", "says"),
        [
            (csv_of(EXPECTED), "  equal\n"),
            (csv_of(EXPECTED - {(ANN, "", "")}), "1 missing, 0 unexpected, 0 repeated"),
            (csv_of(EXPECTED, (sha256("x"), "", "")), "0 missing, 1 unexpected, 0 repeated"),
            (csv_of(EXPECTED, (ANN, "", "")), "0 missing, 0 unexpected, 1 repeated"),
            (csv_of(EXPECTED, ("", "", "")), "0 missing, 1 unexpected, 0 repeated"),
            (csv_of(EXPECTED).replace(ANN, ANN.upper()), "2 missing, 2 unexpected, 0 repeated"),
        ],
    )
    def test_a_directory_of_lists(
        self,
        warehouse: Path,
        audiences: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        received: str,
        says: str,
    ) -> None:
        (tmp_path / "lapsed.csv").write_text(received)
        status = run(warehouse, audiences, str(tmp_path))
        printed = capsys.readouterr().out
        assert says in printed
        assert status == (0 if "equal" in says else 1)
        assert "7 read" in printed
        assert "3 kept" in printed
        assert "4 rows  (email 2, phone 1, device_id 1)" in printed

    def test_no_value_is_printed(
        self, warehouse: Path, audiences: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "lapsed.csv").write_text(csv_of(EXPECTED, (sha256("x"), "", "")))
        run(warehouse, audiences, str(tmp_path))
        printed = "".join(capsys.readouterr())
        assert "@" not in printed
        assert not any(digest in printed for digest in (ANN, PHONE, DEVICE, sha256("x")))

    def test_a_list_that_should_have_been_sent_and_was_not(
        self, warehouse: Path, audiences: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(warehouse, audiences, str(tmp_path)) == 1
        assert "nothing received" in capsys.readouterr().out

    @pytest.mark.parametrize(("sent", "status"), [(False, 0), (True, 1)])
    def test_a_list_too_small_must_not_arrive(
        self, warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], sent: bool, status: int
    ) -> None:
        if sent:
            (tmp_path / "lapsed.csv").write_text(csv_of(EXPECTED))
        assert run(warehouse, audience_folder(tmp_path / "a", min_rows=5), str(tmp_path)) == status
        assert ("received although too small" if sent else "nothing received: right") in capsys.readouterr().out

    @pytest.mark.parametrize(
        "received",
        ["", "EMAIL_ID_SHA256,EMAIL_ID_SHA256\n", "email\n", "EMAIL_ID_SHA256\na,b\n", ANN + "\n"],
        ids=["empty", "column twice", "unknown column", "too wide", "no header"],
    )
    def test_a_file_that_is_no_list_cannot_be_compared(
        self, warehouse: Path, audiences: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], received: str
    ) -> None:
        (tmp_path / "lapsed.csv").write_text(received)
        assert run(warehouse, audiences, str(tmp_path)) == 2
        assert "cannot compare" in capsys.readouterr().out

    def test_a_column_may_be_left_out_and_stand_anywhere(self) -> None:
        lines = ["DEVICE_ID_SHA256,EMAIL_ID_SHA256", "d,e", ",e"]
        assert set(read_list(lines, TYPES)) == {("e", "", "d"), ("e", "", "")}

    def test_a_column_that_the_audience_does_not_have_is_a_fault(self) -> None:
        with pytest.raises(CannotCompareError, match="another header"):
            read_list(["EMAIL_ID_SHA256,DEVICE_ID_SHA256"], ["email"])


class TestSandbox:
    def test_the_list_of_the_audience_of_that_name_is_taken(
        self, warehouse: Path, audiences: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        named = [{"name": "Ärendet", "id": "a"}, {"name": "Lapsed subscribers", "id": "b"}]
        answers = {
            "/sandbox/audiences": json.dumps({"audiences": named}, ensure_ascii=False),
            "/sandbox/audiences/b/list": csv_of(EXPECTED),
        }
        with served(answers) as url:
            assert run(warehouse, audiences, url + "/") == 0
        assert "  equal\n" in capsys.readouterr().out

    def test_two_audiences_of_one_name_cannot_be_told_apart(
        self, warehouse: Path, audiences: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        twice = [{"name": "Lapsed subscribers", "id": name} for name in "ab"]
        with served({"/sandbox/audiences": json.dumps({"audiences": twice})}) as url:
            assert run(warehouse, audiences, url) == 2
        assert "2 audiences of this name" in capsys.readouterr().out

    def test_no_audience_is_no_list(self, warehouse: Path, audiences: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with served({"/sandbox/audiences": '{"audiences": []}'}) as url:
            assert run(warehouse, audiences, url) == 1
        assert "nothing received" in capsys.readouterr().out

    def test_a_sandbox_that_is_not_there(
        self, warehouse: Path, audiences: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with served({}) as url:
            pass
        assert run(warehouse, audiences, url) == 2
        assert "cannot compare" in capsys.readouterr().out


class TestAsking:
    def test_without_a_list_it_only_counts(
        self, warehouse: Path, audiences: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--warehouse", str(warehouse), "--audiences", str(audiences)]) == 0
        assert "not compared" in capsys.readouterr().out

    def test_a_model_that_nobody_wrote_by_hand_is_named(
        self, warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = audience_folder(tmp_path / "a", min_rows=1)
        file = folder / "lapsed" / "defs.yaml"
        file.write_text(file.read_text().replace("dbt_model: lapsed_subscribers", "dbt_model: somebody"))
        assert run(warehouse, folder, str(tmp_path)) == 2
        assert "segments_by_hand.py says nothing of the model somebody" in capsys.readouterr().err

    def test_a_warehouse_that_is_not_there(
        self, audiences: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(tmp_path / "nowhere.duckdb", audiences, str(tmp_path)) == 2
        assert "nowhere.duckdb" in capsys.readouterr().err

    @pytest.mark.slow
    def test_every_audience_that_ships_can_be_recounted(self, built_warehouse: Path) -> None:
        results = recount(built_warehouse)
        assert results
        for result in results.values():
            assert result.people_read >= result.people_kept + result.people_without_consent
            assert result.rows
            assert ("", "", "") not in result.rows


def run(warehouse: Path, audiences: Path, received: str) -> int:
    return main(["--warehouse", str(warehouse), "--audiences", str(audiences), "--received", received])


@contextmanager
def served(answers: Mapping[str, str]) -> Iterator[str]:
    """A loopback server with these bodies by path, and its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
