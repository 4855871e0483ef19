"""Bodies are sealed and go with their event; nobody waits for a warehouse; who was overtaken writes nothing."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from spotify_pipeline.conversions.delivery.deliver import DeliveryPlan, deliver
from spotify_pipeline.conversions.model.verdict import State
from spotify_pipeline.conversions.outbox.model import OutboxError, Settled
from spotify_pipeline.conversions.outbox.spool import spooled
from spotify_pipeline.retries import OUTBOX_HELD
from spotify_pipeline.spotify import PermissionDenied
from spotify_pipeline.state import StateError, StateOvertaken, tables
from spotify_pipeline_tests.conversions.outbox_making import (
    CANARY,
    MONDAY,
    NOON,
    FakeSpotify,
    Place,
    orders,
    pending,
    read_all,
    totals,
    verdict,
    verdicts,
)

DELIVERED = Settled(state=State.DELIVERED)


def test_p03_bodies_go_with_their_delivery_and_are_never_in_clear(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(30))
        assert len(place.bodies()) == 30
        with place.state.read() as transaction:
            sealed = b"".join(transaction.scalars(sa.select(tables.event_body.c.sealed)))
        assert CANARY.encode() not in sealed
        deliver(outbox, FakeSpotify(poison={orders(1)[0]}).send, DeliveryPlan(), clock=place.clock)
        assert place.bodies() == {}
    for file in place.state.home.rglob("*"):
        assert file.is_dir() or CANARY.encode() not in file.read_bytes()


def test_p03_bodies_of_settled_events_go_at_once_though_others_wait(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(30))
        batch = outbox.claim(10, 100_000)
        outbox.settle({each.number: DELIVERED for each in batch}, at=NOON)
        assert len(place.bodies()) == 20
        # A verdict that replaces another, and one that takes the body away.
        rows = [*map(verdict, orders(30)[:28]), verdict(orders(30)[28], "dead", "amount_missing", "amount")]
        outbox.record(MONDAY, [verdicts(*rows, verdict(orders(30)[29]))], at=NOON)
        assert len(place.bodies()) == 19
        waiting = [*orders(18, first=10), orders(30)[29]]
        assert sorted(each.event_id for each in outbox.claim(99, 100_000)) == waiting


def test_p03_of_a_reading_that_broke_off_nothing_stays(place: Place) -> None:
    def broken() -> Generator[pl.DataFrame]:
        yield pending(*orders(5, first=50))
        raise RuntimeError

    with place.open() as outbox:
        read_all(outbox, orders(3))
        with pytest.raises(RuntimeError):
            outbox.record(MONDAY, broken(), at=NOON)
        assert len(place.bodies()) == 3
        assert totals(outbox)["read"] == 3


def test_others_write_to_the_state_while_the_warehouse_is_read(place: Place) -> None:
    def slow() -> Generator[pl.DataFrame]:
        for name in ("one", "two"):
            with place.open(name):
                yield pending(name)

    with place.open() as outbox:
        assert outbox.record(MONDAY, slow(), at=NOON).new == 2


def test_p03_what_is_read_ahead_is_in_no_file_that_others_can_read() -> None:
    with spooled(pending(*orders(3, first=each)) for each in (0, 3)) as frames:
        unnamed = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        contents = [each.read_bytes() for each in unnamed if str(each.readlink()).endswith("(deleted)")]
        assert any(contents)
        assert not any(CANARY.encode() in each or b"order-0000" in each for each in contents)
        assert [frame["key"].to_list() for frame in frames] == [orders(3), orders(3, first=3)]


def test_pending_bodies_that_are_lost_are_written_anew_by_reading_their_day_again(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(3))
    with place.state.begin() as transaction:  # as it is when the key was lost
        transaction.execute(tables.event_body.delete())
    with place.open() as outbox:
        with pytest.raises(OutboxError, match=r"bodies of 3 pending events .* Materialize its days since 2026-11-02"):
            outbox.claim(1, 1)
        read_all(outbox, orders(3))
        assert len(outbox.claim(9, 100_000)) == 3


def test_bodies_that_are_damaged_are_named_and_not_quoted(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(3))
        with place.state.begin() as transaction:
            sealed = transaction.scalar(sa.select(tables.event_body.c.sealed)) or b""
            transaction.execute(tables.event_body.update().values(sealed=sealed[:-1] + bytes([sealed[-1] ^ 1])))
        with pytest.raises(StateError, match="damaged"):
            outbox.claim(1, 1)


def test_a05_who_was_overtaken_writes_nothing_more(place: Place) -> None:
    def overtaken() -> None:
        with place.open() as outbox:
            read_all(outbox, orders(3))
            batch = outbox.claim(2, 100_000)
            with place.state.begin() as transaction:  # as another run does, once this one's lock is lost
                transaction.execute(tables.lease.update().values(fence=tables.lease.c.fence + 1))
            outbox.settle({each.number: DELIVERED for each in batch}, at=NOON)

    with pytest.raises(StateOvertaken, match="Another run has taken feed purchases over"):
        overtaken()
    with place.look() as views:
        assert totals(views) == {"read": 3, "delivered": 0, "pending": 3, "filtered": 0, "dead": 0}
    with place.open() as outbox:
        assert len(outbox.claim(9, 100_000)) == 3


@contextmanager
def full_disk(room: int) -> Generator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_c19_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    here = Place.in_home(tmp_path)
    with here.open() as outbox:
        read_all(outbox, orders(50))
    with pytest.raises((StateError, OutboxError), match=r"Free some space"), here.open() as outbox, full_disk(100):
        outbox.record(MONDAY, [pending(*orders(500))], at=NOON)
    with here.open() as outbox:
        assert totals(outbox) == {"read": 50, "delivered": 0, "pending": 50, "filtered": 0, "dead": 0}
    spotify = FakeSpotify()
    with pytest.raises(StateError, match="cannot be"), here.open() as outbox, full_disk(100):
        deliver(outbox, spotify.send, DeliveryPlan(batch_events=10), clock=here.clock)
    with here.open() as outbox:
        assert totals(outbox)["pending"] + totals(outbox)["delivered"] == 50
        deliver(outbox, spotify.send, DeliveryPlan(), clock=here.clock)
        assert totals(outbox)["delivered"] == 50
    assert spotify.view == orders(50)


def test_a_look_shows_one_moment_while_a_run_is_at_work(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(3))
        with place.look() as views:
            assert totals(views)["pending"] == 3
            outbox.settle({each.number: DELIVERED for each in outbox.claim(2, 100_000)}, at=NOON)
            assert totals(views)["pending"] == 3
        with place.look() as views:
            assert totals(views)["delivered"] == 2


def test_a_look_works_after_a_run_was_killed(tmp_path: Path) -> None:
    here = Place.in_home(tmp_path)
    run = (
        "import os, sys; from pathlib import Path\n"
        "from spotify_pipeline_tests.conversions.outbox_making import Place, orders, read_all\n"
        "with Place.in_home(Path(sys.argv[1])).open() as outbox:\n"
        "    read_all(outbox, orders(3)); outbox.claim(2, 9999); os._exit(9)"
    )
    ended = subprocess.run([sys.executable, "-c", run, str(tmp_path)], check=False)
    assert ended.returncode == 9
    with here.look() as views:
        assert totals(views)["pending"] == 3
    with here.open() as outbox:
        assert len(outbox.claim(9, 9_999)) == 3


def test_a_token_that_ended_for_days_does_not_pile_up_bodies(place: Place) -> None:
    for _ in range(4):
        spotify = FakeSpotify(answers=[(PermissionDenied("403"), False)])
        with place.open() as outbox:
            read_all(outbox, orders(20))
            with pytest.raises(PermissionDenied):
                deliver(outbox, spotify.send, DeliveryPlan(), clock=place.clock)
    assert len(place.bodies()) == 20


@pytest.mark.parametrize("feed", ["", "../leads", "Leads", "a" * 64, "leads\n"])
def test_s02_a_feed_has_a_name_that_leads_nowhere(tmp_path: Path, feed: str) -> None:
    with pytest.raises(OutboxError, match="Invalid feed name"), Place.in_home(tmp_path / "home").open(feed):
        pass
    assert not (tmp_path / "home").exists()


def test_the_lease_of_a_feed_is_named_for_it(place: Place) -> None:
    with (
        place.open(),
        pytest.raises(OutboxError, match="held"),
        place.state.lease("feed purchases", OUTBOX_HELD, busy=OutboxError("held"), within=0.0),
    ):
        pass
