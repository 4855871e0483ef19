"""What is particular to an outbox in PostgreSQL."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import psycopg
import pytest

from spotify_pipeline.conversions.delivery.deliver import DeliveryPlan, deliver
from spotify_pipeline.conversions.outbox.model import OutboxError
from spotify_pipeline.conversions.outbox.opening import open_outbox
from spotify_pipeline.conversions.outbox.postgres import SCHEMA, PostgresDatabase
from spotify_pipeline.spotify import Secret
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.conversions.outbox_making import (
    CANARY,
    FakeSpotify,
    Place,
    no_sleep,
    orders,
    read_all,
    totals,
)


@pytest.fixture
def there(empty_database: str, tmp_path: Path) -> Place:
    return Place(tmp_path / "home", Secret(empty_database))


def asked(place: Place, statement: str) -> list[tuple[object, ...]]:
    assert place.url is not None
    with psycopg.connect(place.url.reveal(), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_bodies_are_deleted_as_their_events_are_settled_and_no_file_is_made(there: Place) -> None:
    with there.open() as outbox:
        read_all(outbox, orders(20))
        assert asked(there, f"SELECT count(*) FROM {SCHEMA}.bodies") == [(20,)]
        deliver(outbox, FakeSpotify(poison={orders(1)[0]}).send, DeliveryPlan(), clock=there.clock)
        assert asked(there, f"SELECT count(*) FROM {SCHEMA}.bodies") == [(0,)]
    assert not there.home.exists()


def test_a_look_works_while_a_run_holds_the_outbox_and_can_write_nothing(there: Place) -> None:
    with there.open() as outbox:
        read_all(outbox, orders(3))
        with there.look() as views:
            assert totals(views)["pending"] == 3
            with pytest.raises(OutboxError, match="SQLSTATE 25006"):
                views._database.change("DELETE FROM events")
    assert asked(there, f"SELECT count(*) FROM {SCHEMA}.events") == [(3,)]


def test_a05_a_session_that_is_cut_ends_the_run_and_frees_the_feed(there: Place) -> None:
    spotify = FakeSpotify()

    def cut() -> None:
        with there.open() as outbox:
            read_all(outbox, orders(30))
            outbox.claim(10, 100_000)
            assert there.url is not None
            postgres_server.end_sessions(there.url.reveal())
            outbox.accounts()

    with pytest.raises(OutboxError, match="cannot be used") as caught:
        cut()
    assert caught.value.__suppress_context__
    with there.open() as outbox:
        assert deliver(outbox, spotify.send, DeliveryPlan(), clock=there.clock).delivered == 30


@pytest.mark.parametrize("ends", ["well", "amid a transaction"])
def test_a_feed_is_free_for_the_next_holder_however_long_the_session_takes_to_end(there: Place, ends: str) -> None:
    assert there.url is not None
    before = PostgresDatabase(there.url, name="purchases")
    before.hold(wait=0, sleep=no_sleep)
    # They are dropped when the session ends, before the server lets go of what it held.
    before.change("DO $$BEGIN FOR i IN 1..1500 LOOP EXECUTE 'CREATE TEMPORARY TABLE t' || i || '()'; END LOOP; END$$")
    if ends != "well":
        before.change("BEGIN")
        with pytest.raises(OutboxError):
            before.change("SELECT 1 / 0")
    before.close()
    after = PostgresDatabase(there.url, name="purchases")
    after.hold(wait=0, sleep=no_sleep)
    after.close()


def test_an_outbox_of_another_format_is_not_touched(there: Place) -> None:
    with there.open() as outbox:
        read_all(outbox, orders(3))
    asked(there, f"UPDATE {SCHEMA}.outbox SET format = 99")
    for opening in (there.open(), there.look()):
        with pytest.raises(OutboxError, match="another version of this project"), opening:
            pass


def test_p12_neither_the_url_nor_a_value_is_in_an_error(there: Place, tmp_path: Path) -> None:
    secret = "postgresql://outbox:hunter2@/postgres?host=/nowhere"
    sentence = "SPOTIFY_PIPELINE_OUTBOX names cannot be reached"
    unreached = open_outbox("leads", home=tmp_path, url=Secret(secret))
    with pytest.raises(OutboxError, match=sentence) as unreachable, unreached:
        pass
    assert "hunter2" not in "".join(traceback.format_exception(unreachable.value))
    with there.open() as outbox:
        read_all(outbox, ["a"])
        asked(there, f"ALTER TABLE {SCHEMA}.bodies ADD CHECK (body = 'x') NOT VALID")
        with pytest.raises(OutboxError, match="SQLSTATE 23514") as refused:
            read_all(outbox, ["b"])
    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_without_its_driver_it_says_how_to_get_it(there: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(OutboxError, match="extra `postgres`"), there.open():
        pass
