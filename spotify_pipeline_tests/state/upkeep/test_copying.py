"""A state that is moved, backed up or restored: whole, verified, and with nobody's wish to be forgotten lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from spotify_pipeline.state import (
    Place,
    StateError,
    StateOvertaken,
    StateStore,
    back_up,
    engines,
    move,
    restore,
    tables,
)
from spotify_pipeline.state.tables import alert, initialised, lease, metadata, receipt

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def other(tmp_path: Path) -> StateStore:
    return StateStore.in_home(tmp_path / "other")


def fill(state: StateStore, receipts: int = 1_202) -> None:
    """Some rows, among them a chain of receipts and text beyond ASCII."""
    previous = ""
    with state.begin() as transaction:
        for number in range(1, receipts + 1):
            digest = f"{number:064x}"
            row = {"number": number, "previous": previous, "digest": digest, "content": b"\x00\xff" * number}
            transaction.execute(receipt.insert().values(ad_account_id="a", audience="b", **row))
            previous = digest
        transaction.execute(alert.insert().values(audience="größe", kind="blocked", content='{"x": "ü"}'))


def ask(state: StateStore, request: str, digest: str) -> None:
    """Somebody asks to be forgotten."""
    row = {"id": request, "requested_at": NOW, "deadline": NOW, "identifiers": 1, "rules_version": 1, "digests": 1}
    with state.begin() as transaction:
        transaction.execute(tables.erasure.insert().values(row))
        transaction.execute(tables.erasure_digest.insert().values(request=request, digest=digest))
        transaction.execute(tables.erasure_waiting.insert().values(request=request, audience="lapsed"))


def contents(state: StateStore) -> dict[str, list[tuple[object, ...]]]:
    with state.read() as transaction:
        return {
            table.name: sorted((tuple(row) for row in transaction.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
            if table is not initialised
        }


class TestMove:
    def test_everything_arrives_and_the_first_one_is_closed(self, state: StateStore, tmp_path: Path) -> None:
        fill(state)
        before = contents(state)
        moved = move(state, other(tmp_path), now=NOW)
        assert moved.rows["receipt"] == 1_202
        assert contents(other(tmp_path)) == before
        with pytest.raises(StateError, match=r"was moved to .* on 2026-11-30"):
            contents(StateStore(state.place, state.home))

    def test_what_is_numbered_goes_on_after_the_last_number(self, state: StateStore, tmp_path: Path) -> None:
        row = {"ad_account_id": "a", "audience": "b", "content": "{}"}
        with other(tmp_path).begin() as transaction:
            transaction.execute(tables.approval.insert(), [row, row])
        move(other(tmp_path), state, now=NOW)
        with state.begin() as transaction:
            transaction.execute(tables.approval.insert().values(row))
        assert [each[0] for each in contents(state)["approval"]] == [1, 2, 3]

    def test_one_process_that_has_it_open_writes_nothing_more(self, state: StateStore, tmp_path: Path) -> None:
        with state.begin() as transaction:
            transaction.execute(alert.insert().values(audience="a", kind="k", content="{}"))
        move(StateStore(state.place, state.home), other(tmp_path), now=NOW)
        with pytest.raises(StateError, match="was moved to"), state.begin():
            pass

    def test_another_state_is_left_as_it_is(self, state: StateStore, tmp_path: Path) -> None:
        fill(state)
        target = other(tmp_path)
        with target.begin() as transaction:
            transaction.execute(alert.insert().values(audience="theirs", kind="k", content="{}"))
        before = contents(target)
        with pytest.raises(StateError, match="is another one"):
            move(state, target, now=NOW)
        assert contents(target) == before
        assert contents(StateStore(state.place, state.home))["receipt"]

    def test_former_files_that_are_kept_in_the_home_are_no_hindrance(self, state: StateStore, tmp_path: Path) -> None:
        (tmp_path / "other" / "journal").mkdir(parents=True)
        fill(state)
        before = contents(state)
        move(state, other(tmp_path), now=NOW)
        assert contents(other(tmp_path)) == before

    @pytest.mark.e2e
    def test_nor_are_they_where_machines_share_a_database(self, empty_database: str, tmp_path: Path) -> None:
        (tmp_path / "other" / "journal").mkdir(parents=True)
        shared = StateStore(Place.of(empty_database, tmp_path), tmp_path / "other")
        fill(StateStore.in_home(tmp_path))
        move(StateStore.in_home(tmp_path), shared, now=NOW)
        assert len(contents(shared)["receipt"]) == 1_202

    def test_what_broke_off_between_the_two_is_finished_by_another(self, state: StateStore, tmp_path: Path) -> None:
        fill(state)
        back_up(state, tmp_path / "copy.sqlite")  # as if the process had died before it closed the first one
        (tmp_path / "other").mkdir()
        (tmp_path / "copy.sqlite").rename(tmp_path / "other" / "state.sqlite")
        move(state, other(tmp_path), now=NOW)
        with pytest.raises(StateError, match="was moved to"):
            contents(StateStore(state.place, state.home))


class TestBackUp:
    def test_a_backup_is_one_private_file_with_everything(self, state: StateStore, tmp_path: Path) -> None:
        fill(state)
        back_up(state, tmp_path / "backups" / "monday.sqlite")
        assert [each.name for each in (tmp_path / "backups").iterdir()] == ["monday.sqlite"]
        assert (tmp_path / "backups" / "monday.sqlite").stat().st_mode & 0o777 == 0o600

    def test_a_backup_replaces_none(self, state: StateStore, tmp_path: Path) -> None:
        (tmp_path / "monday.sqlite").write_bytes(b"another")
        with pytest.raises(StateError, match="exists"):
            back_up(state, tmp_path / "monday.sqlite")
        assert (tmp_path / "monday.sqlite").read_bytes() == b"another"


class TestRestore:
    def test_a_backup_comes_back_and_what_was_there_is_kept(self, tmp_path: Path) -> None:
        state = StateStore.in_home(tmp_path / "home")
        fill(state)
        before = contents(state)
        back_up(state, tmp_path / "monday.sqlite")
        with state.begin() as transaction:
            transaction.execute(alert.insert().values(audience="later", kind="k", content="{}"))
        restore(tmp_path / "monday.sqlite", StateStore.in_home(tmp_path / "home"), now=NOW)
        assert contents(StateStore.in_home(tmp_path / "home")) == before
        assert contents(state) == before, "a process that had the former one open reads this one"
        assert list((tmp_path / "home").glob("state.sqlite.before-20261130T120000Z"))

    def test_c10_a_run_from_before_the_restore_writes_nothing(self, tmp_path: Path) -> None:
        from spotify_pipeline.retries import AUDIENCE_HELD

        state = StateStore.in_home(tmp_path / "home")
        back_up(state, tmp_path / "monday.sqlite")
        with state.lease("audience a", AUDIENCE_HELD, busy=KeyError()) as first:
            pass
        back_up(state, tmp_path / "tuesday.sqlite")
        with state.lease("audience a", AUDIENCE_HELD, busy=KeyError()) as fence:
            restore(tmp_path / "tuesday.sqlite", StateStore.in_home(tmp_path / "home"), now=NOW)
            with pytest.raises(StateOvertaken), state.writing(fence):
                pass
        with state.read() as transaction:
            assert (transaction.scalar(sa.select(lease.c.fence)) or 0) > first.number + 1_000

    def test_a_lost_state_is_restored(self, tmp_path: Path) -> None:
        state = StateStore.in_home(tmp_path / "home")
        fill(state)
        before = contents(state)
        back_up(state, tmp_path / "monday.sqlite")
        for each in (tmp_path / "home").glob("state.sqlite*"):
            each.unlink()
        restore(tmp_path / "monday.sqlite", StateStore.in_home(tmp_path / "home"), now=NOW)
        assert contents(StateStore.in_home(tmp_path / "home")) == before

    def test_who_asked_to_be_forgotten_since_stays_forgotten_and_who_was_taken_back_stays_so(
        self, tmp_path: Path
    ) -> None:
        state = StateStore.in_home(tmp_path / "home")
        ask(state, "erasure-2026-11-01-00000001", "a" * 64)
        back_up(state, tmp_path / "monday.sqlite")
        ask(state, "erasure-2026-11-02-00000002", "b" * 64)
        with state.begin() as transaction:
            transaction.execute(tables.erasure_digest.delete().where(tables.erasure_digest.c.digest == "a" * 64))
            transaction.execute(tables.erasure.update().where(tables.erasure.c.identifiers == 1).values(identifiers=7))
        expected = contents(state)
        restore(tmp_path / "monday.sqlite", StateStore.in_home(tmp_path / "home"), now=NOW)
        assert contents(state) == expected

    def test_it_says_so_where_it_cannot_read_who_asked_to_be_forgotten_since(self, tmp_path: Path) -> None:
        state = StateStore.in_home(tmp_path / "home")
        fill(state)
        back_up(state, tmp_path / "monday.sqlite")
        engines.close(state.place)
        (tmp_path / "home" / "state.sqlite").write_bytes(b"no database at all" * 99)
        restored = restore(tmp_path / "monday.sqlite", StateStore.in_home(tmp_path / "home"), now=NOW)
        assert "is damaged" in restored.unread
        assert restored.rows["receipt"] == 1_202

    @pytest.mark.parametrize("content", [None, b"", b"no database at all" * 99])
    def test_what_is_no_backup_changes_nothing(self, tmp_path: Path, content: bytes | None) -> None:
        state = StateStore.in_home(tmp_path / "home")
        fill(state)
        before = contents(state)
        if content is not None:
            (tmp_path / "monday.sqlite").write_bytes(content)
        with pytest.raises(StateError):
            restore(tmp_path / "monday.sqlite", StateStore.in_home(tmp_path / "home"), now=NOW)
        assert contents(StateStore.in_home(tmp_path / "home")) == before

    @pytest.mark.e2e
    def test_a_database_that_holds_a_state_is_left_as_it_is(self, empty_database: str, tmp_path: Path) -> None:
        state = StateStore(Place.of(empty_database, tmp_path), tmp_path)
        state.create()
        fill(state)
        before = contents(state)
        back_up(state, tmp_path / "monday.sqlite")
        with pytest.raises(StateError, match="There is a state in the database"):
            restore(tmp_path / "monday.sqlite", StateStore(state.place, state.home), now=NOW)
        assert contents(state) == before
