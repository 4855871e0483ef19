"""A home of the time before the state is taken over as a whole, or not at all."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from spotify_pipeline.conversions import open_outbox, view_outbox
from spotify_pipeline.former_home import FormerHomeError, import_home
from spotify_pipeline.mirror import ApprovalStore, Journal, Receipt, ReceiptBook
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.spotify import TokenStore
from spotify_pipeline.state import StateError, StateStore, back_up, restore, tables

ACCOUNT = "a0000000-0000-4000-8000-000000000001"
ISSUER = "https://accounts.example.com"
SESSION = "https://storage.example.com/upload?id=geheim"
DIGEST = "d" * 64


def receipt(number: int, previous: str) -> Receipt:
    said = {"format": 1, "kind": "created", "audience": "lapsed", "ad_account_id": ACCOUNT, "sp_trace_ids": []}
    return Receipt(body={**said, "number": number, "previous": previous, "at": f"2026-11-2{number}T06:00:00+00:00"})


FIRST = receipt(1, "")
DUE = receipt(2, FIRST.digest)


def write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What the version before the state left: one of each."""
    home = tmp_path / "home"
    entry = {
        "format": 3,
        "ad_account_id": ACCOUNT,
        "audience_id": "b0000000-0000-4000-8000-000000000002",
        "snapshot": "2026-11-21",
        "file_sha256": "1" * 64,
        "receipts": 1,
        "receipt_head": FIRST.digest,
        "receipt_due": dict(DUE.body),
        "unfinished": {"kind": "replace", "phase": "list being sent", "list": None},
    }
    write(home / "journal" / ACCOUNT / "lapsed.json", entry)
    opened = {"audience_id": "b2", "uri": SESSION, "opened_at": 1.0, "size": 7, "crc32c": "AAAAAA=="}
    write(home / "journal" / ACCOUNT / "lapsed.session", opened)
    write(home / "receipts" / ACCOUNT / "lapsed" / "000001.json", FIRST.to_bytes().decode())
    approval = {
        "audience": "lapsed",
        "ad_account_id": ACCOUNT,
        "file_sha256": "2" * 64,
        "reason": "A campaign ended.",
        "approved_by": "ada",
        "approved_at": "2026-11-20T06:00:00+00:00",
        "expires_at": "2026-11-21T06:00:00+00:00",
        "source": "command line",
        "used_at": "2026-11-20T07:00:00+00:00",
        "used_for": "2" * 64,
    }
    write(home / "approvals" / ACCOUNT / "lapsed.json", {"format": 1, "approvals": [approval]})
    digests = json.dumps({"email": [DIGEST], "phone": [], "device_id": [], "digest": [DIGEST]})
    request = {
        "id": "erasure-2026-11-20-0000abcd",
        "requested_at": "2026-11-20T06:00:00Z",
        "deadline": "2026-12-20T06:00:00Z",
        "identifiers": 1,
        "waiting": ["lapsed"],
        "digests_sha256": hashlib.sha256(digests.encode()).hexdigest(),
        "rules_version": 1,
    }
    back = {**request, "id": "erasure-2026-11-19-0000abcd", "digests_sha256": "", "waiting": []}
    back["taken_back"] = {"by": "ada", "at": "2026-11-20T06:00:00Z"}
    write(home / "erasures" / "ledger.json", {"format": 2, "requests": [back, request]})
    write(home / "erasures" / f"{request['id']}.digests.json", digests)
    key = {"issuer": ISSUER, "client_id": "client", "label": "default"}
    tokens = {
        **key,
        "business_id": None,
        "refresh_token": "refresh-geheim",
        "previous_refresh_token": None,
        "authorized_at": 1_700_000_000.0,
        "seeded_at": None,
        "access_token": None,
        "renew_at": 0.0,
        "scopes": ["ads"],
        "needs_sign_in": False,
        "refresh_started_at": None,
        "seed_sha256": None,
    }
    used = {**key, "label": "other", "seed_sha256": "3" * 64}
    write(home / "tokens.json", {"version": 2, "authorizations": [tokens], "signed_out": [used]})
    write_outbox(home / "outbox" / "shop.duckdb")
    return home


def write_outbox(file: Path) -> None:
    file.parent.mkdir()
    with duckdb.connect(str(file)) as outbox:
        outbox.execute("CREATE TABLE outbox (format integer)")
        outbox.execute("CREATE TABLE feeds (feed integer, name text, guarantee text)")
        outbox.execute(
            "CREATE TABLE days (feed integer, day date, new bigint, repeated bigint, read_at timestamp,"
            " forgotten boolean, unwanted bigint, replay boolean, first_read_at timestamp)"
        )
        outbox.execute(
            "CREATE TABLE events (feed integer, number bigint, day date, key text, event_name text, state text,"
            " reason text, fields text, place bigint, replay boolean, settled_at timestamp, event_time timestamp)"
        )
        outbox.execute("CREATE TABLE totals (feed integer, day date, state text, reason text, events bigint)")
        outbox.execute("CREATE TABLE readings (feed integer, day date, verdict text, rows bigint, accepted boolean)")
        outbox.execute("CREATE TABLE stops (feed integer, stopped_at timestamp, answer text, known text)")
        outbox.execute("INSERT INTO outbox VALUES (2)")
        outbox.execute("INSERT INTO feeds VALUES (1, 'shop', 'at_most_once')")
        outbox.execute(
            "INSERT INTO days VALUES (1, '2026-11-20', 3, 0, '2026-11-21 06:00', false, 1, false, '2026-11-20 06:00'),"
            " (1, '2026-01-01', 2, 0, '2026-01-02', true, 0, false, '2026-01-01')"
        )
        outbox.execute(
            "INSERT INTO events VALUES"
            " (1, 1, '2026-11-20', 'order-1', 'purchase', 'delivered', NULL, NULL, NULL, false, '2026-11-21', NULL),"
            " (1, 2, '2026-11-20', 'order-2', 'purchase', 'pending', NULL, NULL, 1, false, NULL, '2026-11-20 05:00'),"
            " (1, 3, '2026-11-20', 'order-3', 'purchase', 'dead', 'refused', NULL, NULL, false, '2026-11-21', NULL)"
        )
        outbox.execute("INSERT INTO totals VALUES (1, '2026-01-01', 'delivered', NULL, 2)")
        outbox.execute(
            "INSERT INTO readings VALUES (1, '2026-11-20', '', 0, false), (1, '2026-11-20', 'pending', 3, false)"
        )
        outbox.execute("INSERT INTO stops VALUES (1, '2026-11-21 06:00', '207', '202')")


def test_everything_is_there_afterwards(home: Path) -> None:
    state = StateStore.in_home(home)
    imported = import_home(home, state)
    assert imported.counts == {
        "sign-ins": 1,
        "receipts": 1,
        "audiences": 1,
        "approvals": 1,
        "requests to be forgotten": 2,
        "events": 3,
    }
    assert imported.faults == ()
    entry = Journal(state).read("lapsed", ACCOUNT)
    assert (entry.snapshot, entry.receipts, entry.receipt_head) == ("2026-11-21", 2, DUE.digest)
    opened = Journal(state).session("lapsed", ACCOUNT)
    assert opened is not None
    assert opened.uri.reveal() == SESSION
    assert [each.digest for each in ReceiptBook(state).read("lapsed", ACCOUNT)] == [FIRST.digest, DUE.digest]
    (approval,) = ApprovalStore(state).history("lapsed", ACCOUNT)
    assert (approval.approved_by, approval.used_for) == ("ada", "2" * 64)
    ledger = ErasureLedger(state)
    assert [each.id for each in ledger.waiting("lapsed")] == ["erasure-2026-11-20-0000abcd"]
    assert [each.id for each in ledger.requests_with([DIGEST])[DIGEST]] == ["erasure-2026-11-20-0000abcd"]
    (sign_in,) = TokenStore(state).all()
    assert sign_in.refresh_token.reveal() == "refresh-geheim"
    with view_outbox("shop", state) as outbox:
        old, new = outbox.accounts()
        assert (old.day, old.read, old.delivered, old.adds_up) == (date(2026, 1, 1), 2, 2, True)
        assert (new.read, new.delivered, new.pending, new.dead) == (4, 1, 1, {"refused": 1})
        stop = outbox.stopped()
        assert stop is not None
        assert (stop.at, stop.answer) == (datetime(2026, 11, 21, 6, tzinfo=UTC), "207")
        assert outbox.dead_letters()["event_id"].to_list() == ["order-3"]
        assert list(outbox.pending_days()) == [date(2026, 11, 20)]
    with open_outbox("shop", state):
        pass


def test_o16_what_is_secret_is_sealed(home: Path) -> None:
    import_home(home, StateStore.in_home(home))
    written = b"".join(each.read_bytes() for each in home.glob("state.sqlite*"))
    assert b"geheim" not in written


def test_it_is_refused_until_it_was_taken_over(home: Path) -> None:
    state = StateStore.in_home(home)
    for use in (state.create, state.require_key):
        with pytest.raises(StateError, match="spotify-pipeline state import"):
            use()
    import_home(home, state)
    assert len(ErasureLedger(StateStore.in_home(home)).requests()) == 2


def test_a_second_time_it_changes_nothing(home: Path) -> None:
    import_home(home, StateStore.in_home(home))
    with pytest.raises(FormerHomeError, match="There is a state"):
        import_home(home, StateStore.in_home(home))
    assert len(ErasureLedger(StateStore.in_home(home)).requests()) == 2


def test_a_backup_is_restored_where_the_former_files_are_still_kept(home: Path, tmp_path: Path) -> None:
    state = StateStore.in_home(home)
    import_home(home, state)
    back_up(StateStore.in_home(home), tmp_path / "backups" / "state.sqlite")
    restore(tmp_path / "backups" / "state.sqlite", StateStore.in_home(home), now=datetime(2026, 11, 30, tzinfo=UTC))
    assert len(ErasureLedger(StateStore.in_home(home)).requests()) == 2


DAMAGE: dict[str, Any] = {
    f"journal/{ACCOUNT}/lapsed.json": ["", "[]", '{"format": 2}', '{"format": 3, "ad_account_id": "another"}'],
    f"receipts/{ACCOUNT}/lapsed/000001.json": ["{}", FIRST.to_bytes().decode().replace("created", "deleted")],
    f"approvals/{ACCOUNT}/lapsed.json": ["{", '{"format": 1, "approvals": [{}]}', '{"format": 9, "approvals": []}'],
    "erasures/ledger.json": [None, "{}", '{"format": 1, "requests": []}'],
    "erasures/erasure-2026-11-20-0000abcd.digests.json": [None, "{}"],
    "tokens.json": ["", "[]", '{"version": 1}', '{"version": 2, "authorizations": [{}], "signed_out": []}'],
    "outbox/shop.duckdb": ["no database"],
}


@pytest.mark.parametrize(("file", "content"), [(file, each) for file, all_ in DAMAGE.items() for each in all_])
def test_a_damaged_file_is_named_and_nothing_is_taken_over(home: Path, file: str, content: str | None) -> None:
    if content is None:
        (home / file).unlink()
    else:
        (home / file).write_text(content)
    state = StateStore.in_home(home)
    with pytest.raises(FormerHomeError) as refused:
        import_home(home, state)
    assert str(home / file) in str(refused.value)
    assert "geheim" not in str(refused.value)
    with pytest.raises(StateError, match="spotify-pipeline state import"), StateStore.in_home(home).read():
        pass
    with state.for_import().read() as transaction:
        counts = [
            transaction.scalar(sa.select(sa.func.count()).select_from(each))
            for each in (tables.audience, tables.receipt)
        ]
    assert counts == [0, 0]


def test_what_was_broken_off_is_taken_over_by_the_next_try(home: Path) -> None:
    whole = (home / "erasures" / "ledger.json").read_text()
    (home / "erasures" / "ledger.json").write_text("{}")
    with pytest.raises(FormerHomeError):
        import_home(home, StateStore.in_home(home))
    (home / "erasures" / "ledger.json").write_text(whole)
    assert import_home(home, StateStore.in_home(home)).counts["events"] == 3
