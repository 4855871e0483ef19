"""What is particular to an outbox in PostgreSQL."""

from __future__ import annotations

import traceback
from pathlib import Path

import psycopg
import pytest

from spotify_pipeline.conversions.delivery.deliver import DeliveryPlan, deliver
from spotify_pipeline.conversions.outbox.model import OutboxBusy
from spotify_pipeline.state import StateError, StateOvertaken, new_key
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.conversions.outbox_making import (
    CANARY,
    FakeSpotify,
    Place,
    orders,
    read_all,
    state_at,
)

KEY = new_key()


@pytest.fixture
def there(empty_database: str, tmp_path: Path) -> Place:
    state = state_at(tmp_path / "home", empty_database, KEY)
    state.create()
    return Place(state)


def test_a05_another_machine_takes_a_feed_over_whose_session_was_cut(
    there: Place, empty_database: str, tmp_path: Path
) -> None:
    other = Place(state_at(tmp_path / "other", empty_database, KEY))

    def cut() -> None:
        with there.open() as outbox:
            read_all(outbox, orders(30))
            outbox.claim(10, 100_000)
            with pytest.raises(OutboxBusy), other.open():
                pass
            postgres_server.end_sessions(empty_database)
            with other.open() as taken_over:
                spotify = FakeSpotify()
                assert deliver(taken_over, spotify.send, DeliveryPlan(), clock=other.clock).delivered == 30
            read_all(outbox, orders(31))

    with pytest.raises(StateOvertaken):
        cut()


def test_p12_a_value_is_in_no_error(there: Place, empty_database: str) -> None:
    with there.open() as outbox:
        read_all(outbox, ["a"])
        with psycopg.connect(empty_database, autocommit=True) as connection:
            connection.execute("ALTER TABLE spotify_pipeline.event ADD CHECK (key <> 'b')")
        with pytest.raises(StateError, match="SQLSTATE 23514") as refused:
            read_all(outbox, ["b"])
    said = "".join(traceback.format_exception(refused.value))
    assert CANARY not in said
    assert "'b'" not in said
