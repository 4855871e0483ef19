"""The outbox as files of this machine: private, without what is no longer needed, and plain about what is wrong."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import pytest

from spotify_pipeline.conversions.delivery.deliver import DeliveryPlan, deliver
from spotify_pipeline.conversions.model.verdict import State
from spotify_pipeline.conversions.outbox.duckdb import DuckDBDatabase
from spotify_pipeline.conversions.outbox.model import OutboxBusy, OutboxError, Settled
from spotify_pipeline.conversions.outbox.opening import view_outbox
from spotify_pipeline.home import HomeError
from spotify_pipeline.spotify import PermissionDenied
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


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return Place(tmp_path / "home")


def files(place: Place) -> list[Path]:
    return [each for each in place.home.rglob("*") if each.is_file()]


def bodies_in_files(place: Place) -> int:
    """How many bodies there are, in whatever file."""
    held = sum(pl.read_parquet(each).height for each in files(place) if each.suffix == ".parquet")
    plain = sum(CANARY.encode() in each.read_bytes() for each in files(place) if each.suffix != ".parquet")
    assert not plain, "a body is in the clear"
    return held


def test_p07_every_file_and_directory_is_private_while_it_is_used_and_after(here: Place) -> None:
    def modes() -> set[tuple[bool, int]]:
        return {(each.is_dir(), stat.S_IMODE(each.stat().st_mode)) for each in here.home.rglob("*")}

    private = {(True, 0o700), (False, 0o600)}
    with here.open() as outbox:
        read_all(outbox, orders(3))
        assert modes() == private
        outbox.claim(1, 1)
        assert modes() == private
    assert modes() == private
    with here.look():
        assert modes() == private


@pytest.mark.parametrize("umask", [0, 0o022])
def test_p09_p23_the_log_is_private_from_the_first_byte_however_often_it_is_made(tmp_path: Path, umask: int) -> None:
    log = tmp_path / "shop.duckdb.wal"
    before = os.umask(umask)
    modes: list[int] = []
    try:
        database = DuckDBDatabase(tmp_path / "shop.duckdb", name="shop")
        for _ in range(2):
            database.change("UPDATE feeds SET guarantee = 'at_most_once'")
            modes.append(stat.S_IMODE(log.stat().st_mode))
            database.rows("CHECKPOINT")
            assert not log.exists()
            with database.transaction():
                database.change("UPDATE feeds SET guarantee = 'at_least_once'")
            modes.append(stat.S_IMODE(log.stat().st_mode))
            database.rows("CHECKPOINT")
        database.close()
        modes.append(stat.S_IMODE((tmp_path / "shop.duckdb").stat().st_mode))
    finally:
        assert os.umask(before) == umask
    assert modes == [0o600] * 5


def test_p03_bodies_leave_the_disk_with_their_delivery(here: Place) -> None:
    with here.open() as outbox:
        read_all(outbox, orders(30))
        assert bodies_in_files(here) == 30
        deliver(outbox, FakeSpotify(poison={orders(1)[0]}).send, DeliveryPlan(), clock=here.clock)
    assert bodies_in_files(here) == 0
    with here.open() as outbox:
        assert totals(outbox)["read"] == 30


def test_p03_bodies_of_settled_events_go_though_others_wait(here: Place) -> None:
    with here.open() as outbox:
        read_all(outbox, orders(30))
        batch = outbox.claim(10, 100_000)
        outbox.settle({each.number: Settled(state=State.DELIVERED) for each in batch}, at=NOON)
    assert bodies_in_files(here) == 20
    with here.open() as outbox:
        # A verdict that replaces another, and one that takes the body away.
        rows = [*map(verdict, orders(30)[:28]), verdict(orders(30)[28], "dead", "amount_missing", "amount")]
        rows.append(verdict(orders(30)[29]))
        outbox.record(MONDAY, [verdicts(*rows)], at=NOON)
    assert bodies_in_files(here) == 19
    with here.open() as outbox:
        assert sorted(each.event_id for each in outbox.claim(99, 100_000)) == [*orders(18, first=10), orders(30)[29]]


def test_p03_bodies_that_no_event_names_are_deleted_with_the_next_opening(here: Place) -> None:
    def broken() -> Generator[pl.DataFrame]:
        yield pending(*orders(5, first=50))
        assert bodies_in_files(here) == 8
        raise RuntimeError

    with here.open() as outbox:
        read_all(outbox, orders(3))
        with pytest.raises(RuntimeError):
            outbox.record(MONDAY, broken(), at=NOON)
    assert bodies_in_files(here) == 3


def test_p03_bodies_leave_the_disk_while_a_long_delivery_goes_on(here: Place) -> None:
    with here.open() as outbox:
        outbox.record(MONDAY, [pending(*orders(2_000, first=2_000 * part)) for part in range(6)], at=NOON)
        settled = 0
        while settled < 11_000:
            batch = outbox.claim(1_000, 10**9)
            outbox.settle({each.number: Settled(state=State.DELIVERED) for each in batch}, at=NOON)
            settled += len(batch)
        assert bodies_in_files(here) < 12_000


def test_pending_bodies_that_are_lost_are_written_anew_by_reading_their_day_again(here: Place) -> None:
    with here.open() as outbox:
        read_all(outbox, orders(3))
    (lost,) = here.home.rglob("*.parquet")
    lost.unlink()
    with here.open() as outbox:
        with pytest.raises(OutboxError, match=r"bodies of 3 pending events .* Materialize its days since 2026-11-02"):
            outbox.claim(1, 1)
        read_all(outbox, orders(3))
        assert len(outbox.claim(9, 100_000)) == 3


def test_bodies_that_are_damaged_are_named_and_not_quoted(here: Place) -> None:
    with here.open() as outbox:
        read_all(outbox, orders(3))
        (damaged,) = here.home.rglob("*.parquet")
        damaged.write_bytes(b"PAR1" + CANARY.encode())
    with here.open() as outbox:
        with pytest.raises(OutboxError, match=r"1\.bodies\.parquet cannot be read") as caught:
            outbox.claim(1, 1)
        assert CANARY not in str(caught.value)
        read_all(outbox, orders(3))
        assert len(outbox.claim(9, 100_000)) == 3
    assert bodies_in_files(here) == 3


@pytest.mark.parametrize("content", [b"order,amount\n", b"\0" * 20_000, b""], ids=["foreign", "zeros", "empty"])
def test_a_file_that_is_no_outbox_is_left_as_it_is(here: Place, content: bytes) -> None:
    file = here.home / "outbox" / "purchases.duckdb"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with (
        pytest.raises(OutboxError, match=r"purchases\.duckdb cannot be opened as the outbox .* Nothing was sent"),
        here.open(),
    ):
        pass
    assert file.read_bytes() == content


def test_another_database_or_the_outbox_of_another_feed_is_not_taken_for_it(here: Place) -> None:
    folder = here.home / "outbox"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "purchases.duckdb")) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 1 AS id")
    with pytest.raises(OutboxError, match="is not the outbox of the feed purchases"), here.open():
        pass
    with here.open("leads") as outbox:
        read_all(outbox, ["a"])
    (folder / "leads.duckdb").rename(folder / "purchases.duckdb")
    with pytest.raises(OutboxError, match="is not the outbox of the feed purchases"), here.look():
        pass


def test_a_newer_outbox_is_not_touched(here: Place) -> None:
    with here.open() as outbox:
        read_all(outbox, ["a"])
    with duckdb.connect(str(here.home / "outbox" / "purchases.duckdb")) as connection:
        connection.execute("UPDATE outbox SET format = 99")
    with pytest.raises(OutboxError, match=r"newer version of this project \(format 99, this one knows"), here.open():
        pass


@contextmanager
def full_disk(room: int) -> Generator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_c19_a_full_disk_is_said_and_nothing_is_lost(here: Place) -> None:
    with here.open() as outbox:
        read_all(outbox, orders(50))
    with pytest.raises((OutboxError, HomeError), match="cannot be written"), here.open() as outbox, full_disk(100):
        outbox.record(MONDAY, [pending(*orders(500))], at=NOON)
    with here.open() as outbox:
        assert totals(outbox) == {"read": 50, "delivered": 0, "pending": 50, "filtered": 0, "dead": 0}
    spotify = FakeSpotify()
    with pytest.raises(OutboxError, match="its disk is full"), here.open() as outbox, full_disk(100):
        deliver(outbox, spotify.send, DeliveryPlan(batch_events=10), clock=here.clock)
    with here.open() as outbox:
        assert totals(outbox)["pending"] + totals(outbox)["delivered"] == 50
        deliver(outbox, spotify.send, DeliveryPlan(), clock=here.clock)
        assert totals(outbox)["delivered"] == 50
    assert spotify.view == orders(50)


def test_a_look_says_in_a_sentence_that_a_run_holds_the_outbox_and_works_after_it(here: Place) -> None:
    with here.open() as outbox:
        read_all(outbox, orders(3))
        waited: list[float] = []
        with (
            pytest.raises(OutboxBusy, match="Another run holds"),
            view_outbox("purchases", home=here.home, sleep=waited.append),
        ):
            pass
        assert sum(waited) == 5
    with here.look() as views:
        assert totals(views)["pending"] == 3


def test_a_look_works_after_a_run_was_killed(here: Place) -> None:
    run = (
        "import os, sys; from pathlib import Path\n"
        "from spotify_pipeline_tests.conversions.outbox_making import Place, orders, read_all\n"
        "with Place(Path(sys.argv[1])).open() as outbox:\n"
        "    read_all(outbox, orders(3)); outbox.claim(2, 9999); os._exit(9)"
    )
    ended = subprocess.run([sys.executable, "-c", run, str(here.home)], check=False)
    assert ended.returncode == 9
    with here.look() as views:
        assert totals(views)["pending"] == 3
    with here.open() as outbox:
        assert len(outbox.claim(9, 9_999)) == 3


def test_a_token_that_ended_for_days_does_not_pile_up_bodies(here: Place) -> None:
    for _ in range(4):
        spotify = FakeSpotify(answers=[(PermissionDenied("403"), False)])
        with here.open() as outbox:
            read_all(outbox, orders(20))
            with pytest.raises(PermissionDenied):
                deliver(outbox, spotify.send, DeliveryPlan(), clock=here.clock)
    assert bodies_in_files(here) == 20


@pytest.mark.parametrize("feed", ["", "../leads", "Leads", "a" * 64, "leads\n"])
def test_s02_a_feed_has_a_name_that_leads_nowhere(here: Place, feed: str) -> None:
    for opening in (here.open(feed), here.look(feed)):
        with pytest.raises(OutboxError, match="Invalid feed name"), opening:
            pass
    assert not here.home.exists()
