"""The state: made on purpose, private, whole or not at all, and never mistaken for a new one."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from spotify_pipeline.state import Place, StateConflict, StateError, StateStore, engines, insert_missing
from spotify_pipeline.state.tables import alert, receipt, version

ONE = {"audience": "lapsed", "kind": "blocked", "content": "{}"}


def alerts(state: StateStore) -> int:
    with state.read() as transaction:
        return transaction.scalar(sa.select(sa.func.count()).select_from(alert)) or 0


class TestTransactions:
    def test_what_ends_well_is_kept(self, state: StateStore) -> None:
        with state.begin() as transaction:
            transaction.execute(alert.insert().values(ONE))
        assert alerts(state) == 1

    def test_what_raises_is_undone_and_raises_what_it_raised(self, state: StateStore) -> None:
        def fail() -> None:
            with state.begin() as transaction:
                transaction.execute(alert.insert().values(ONE))
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert alerts(state) == 0

    def test_a_rule_of_the_tables_is_a_conflict(self, state: StateStore) -> None:
        with state.begin() as transaction:
            transaction.execute(alert.insert().values(ONE))
        with pytest.raises(StateConflict), state.begin() as transaction:
            transaction.execute(alert.insert().values(ONE))

    def test_one_within_another_is_undone_with_it(self, state: StateStore) -> None:
        def fail() -> None:
            with state.begin() as transaction:
                with state.begin(transaction) as same:
                    same.execute(alert.insert().values(ONE))
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert alerts(state) == 0

    def test_a_row_is_inserted_unless_it_is_there(self, state: StateStore) -> None:
        for inserted in (True, False):
            with state.begin() as transaction:
                assert insert_missing(transaction, alert, ONE) is inserted
        assert alerts(state) == 1

    def test_p04_the_drivers_words_are_withheld(self, state: StateStore) -> None:
        with pytest.raises(StateError) as failed, state.begin() as transaction:
            transaction.execute(sa.text("SELECT * FROM nothing WHERE x = 'ada@example.com'"))
        assert "ada" not in str(failed.value)
        assert failed.value.__cause__ is None
        assert "spotify-pipeline doctor" in str(failed.value)

    @pytest.mark.parametrize("statement", ["update", "delete"])
    def test_a_receipt_is_neither_changed_nor_removed(self, state: StateStore, statement: str) -> None:
        row = {"ad_account_id": "a", "audience": "b", "number": 1, "previous": "", "digest": "d", "content": b"{}"}
        with state.begin() as transaction:
            transaction.execute(receipt.insert().values(row))
        change = receipt.update().values(number=2) if statement == "update" else receipt.delete()
        with pytest.raises(StateError), state.begin() as transaction:
            transaction.execute(change)
        with state.read() as transaction:
            assert transaction.scalar(sa.select(receipt.c.number)) == 1

    def test_a_fork_of_the_receipts_is_refused(self, state: StateStore) -> None:
        first = {"ad_account_id": "a", "audience": "b", "number": 1, "previous": "", "digest": "d", "content": b"{}"}
        with state.begin() as transaction:
            transaction.execute(receipt.insert().values(first))
        with pytest.raises(StateConflict), state.begin() as transaction:
            transaction.execute(receipt.insert().values({**first, "number": 2, "digest": "e"}))


class TestAFile:
    def test_p09_it_and_its_log_are_private_whatever_the_umask(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            state = StateStore.in_home(tmp_path / "home")
            with state.begin() as transaction:
                transaction.execute(alert.insert().values(ONE))
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "home").iterdir()}
        finally:
            os.umask(before)
        assert {"state.sqlite", "state.sqlite-wal", "state.id"} <= set(modes)
        assert set(modes.values()) == {0o600}

    def test_it_is_made_as_a_whole_once(self, tmp_path: Path) -> None:
        state = StateStore.in_home(tmp_path / "home")
        assert state.create()
        assert not state.create()
        assert not list((tmp_path / "home").glob(".state.sqlite.new*"))

    def test_what_a_killed_process_left_of_making_it_is_no_hindrance(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        (home / ".state.sqlite.new").write_bytes(b"half of a database")
        (home / ".state.sqlite.new-wal").write_bytes(b"half of its log")
        assert alerts(StateStore.in_home(home)) == 0

    def test_w20_one_that_is_gone_does_not_look_like_a_new_one(self, tmp_path: Path) -> None:
        state = StateStore.in_home(tmp_path / "home")
        state.create()
        for each in (tmp_path / "home").glob("state.sqlite*"):
            each.unlink()
        for store in (state, StateStore.in_home(tmp_path / "home")):
            with pytest.raises(StateError, match="is gone"):
                alerts(store)

    def test_one_that_was_exchanged_while_a_process_has_it_open_is_read_anew(self, tmp_path: Path) -> None:
        state = StateStore.in_home(tmp_path / "home")
        with state.begin() as transaction:
            transaction.execute(alert.insert().values(ONE))
        other = StateStore.in_home(tmp_path / "other")
        other.create()
        engines.close(other.place)
        for each in (tmp_path / "home").glob("state.sqlite*"):
            each.unlink()
        (tmp_path / "other" / "state.sqlite").rename(tmp_path / "home" / "state.sqlite")
        assert alerts(state) == 0

    def test_o08_one_that_others_can_read_is_refused(self, tmp_path: Path) -> None:
        StateStore.in_home(tmp_path / "home").create()
        (tmp_path / "home" / "state.sqlite").chmod(0o640)
        with pytest.raises(StateError, match="chmod 600"):
            alerts(StateStore.in_home(tmp_path / "home"))

    def test_o08_a_link_is_refused(self, tmp_path: Path) -> None:
        StateStore.in_home(tmp_path / "other").create()
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "state.sqlite").symlink_to(tmp_path / "other" / "state.sqlite")
        with pytest.raises(StateError, match="symbolic link"):
            alerts(StateStore.in_home(tmp_path / "home"))

    def test_one_on_a_network_share_is_refused_and_says_what_to_use(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        device = home.stat().st_dev
        table = tmp_path / "mountinfo"
        table.write_text(f"1 2 {os.major(device)}:{os.minor(device)} / / rw - nfs4 server:/ rw\n")
        with pytest.raises(StateError, match=r"network share \(nfs4\).*use PostgreSQL"):
            alerts(StateStore(Place.in_home(home), home, mount_table=table))

    def test_o09_a_damaged_one_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "state.sqlite").write_bytes(b"no database at all" * 100)
        (tmp_path / "home" / "state.sqlite").chmod(0o600)
        with pytest.raises(StateError, match="is damaged"):
            alerts(StateStore.in_home(tmp_path / "home"))

    def test_another_programs_database_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        with sqlite3.connect(tmp_path / "home" / "state.sqlite") as other:
            other.execute("CREATE TABLE theirs (x)")
        other.close()
        (tmp_path / "home" / "state.sqlite").chmod(0o600)
        with pytest.raises(StateError, match="no state of this project"):
            alerts(StateStore.in_home(tmp_path / "home"))

    def test_a_commit_survives_a_power_loss(self, tmp_path: Path) -> None:
        state = StateStore.in_home(tmp_path / "home")
        with state.read() as transaction:
            pragmas = {
                each: transaction.exec_driver_sql(f"PRAGMA {each}").scalar()
                for each in ("synchronous", "secure_delete", "journal_mode")
            }
        assert pragmas == {"synchronous": 2, "secure_delete": 1, "journal_mode": "wal"}


class TestVersions:
    def test_a_newer_one_is_refused_in_a_sentence(self, state: StateStore) -> None:
        with state.begin() as transaction:
            transaction.execute(version.update().values(version_num="9999"))
        with pytest.raises(StateError, match="newer version of this project"):
            alerts(StateStore(state.place, state.home))

    def test_an_older_one_names_the_command(self, state: StateStore) -> None:
        with state.begin() as transaction:
            transaction.execute(version.update().values(version_num="0000"))
        with pytest.raises(StateError, match="spotify-pipeline state upgrade"):
            alerts(StateStore(state.place, state.home))


@pytest.mark.e2e
class TestASharedDatabase:
    def test_an_empty_one_is_never_taken_as_new(self, empty_database: str, tmp_path: Path) -> None:
        state = StateStore(Place.of(empty_database, tmp_path), tmp_path)
        with pytest.raises(StateError, match="spotify-pipeline state create"):
            alerts(state)
        assert state.create()
        assert not state.create()
        assert alerts(state) == 0

    def test_a_process_that_was_stopped_in_a_transaction_keeps_others_waiting_for_minutes_at_most(
        self, empty_database: str, tmp_path: Path
    ) -> None:
        state = StateStore(Place.of(empty_database, tmp_path), tmp_path)
        state.create()
        with state.read() as transaction:
            limits = {
                each: transaction.exec_driver_sql(f"SHOW {each}").scalar()
                for each in ("idle_in_transaction_session_timeout", "lock_timeout", "idle_session_timeout")
            }
        # The session of a lock is idle for as long as it is held.
        assert limits == {
            "idle_in_transaction_session_timeout": "5min",
            "lock_timeout": "30s",
            "idle_session_timeout": "0",
        }

    def test_one_that_cannot_be_reached_is_named_without_its_password(self, tmp_path: Path) -> None:
        place = Place.of("postgresql://me:geheim@127.0.0.1:1/audiences", tmp_path)
        with pytest.raises(StateError) as failed:
            alerts(StateStore(place, tmp_path))
        assert "geheim" not in str(failed.value)
        assert "the database audiences at 127.0.0.1" in str(failed.value)
