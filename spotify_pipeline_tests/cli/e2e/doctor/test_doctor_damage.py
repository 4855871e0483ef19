"""`spotify-pipeline doctor` over damaged state: every file that a run reads, damaged in every way."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from spotify_pipeline.cli.doctor.check_result import CheckResult, State
from spotify_pipeline.cli.doctor.readiness import readiness
from spotify_pipeline.conversions import open_outbox
from spotify_pipeline.mirror import Journal, JournalEntry, Phase, Receipt, Unfinished, WriteKind
from spotify_pipeline.mirror.alerts import AlertKind, Alerts
from spotify_pipeline.privacy import ErasureLedger, GivenIdentifier
from spotify_pipeline.spotify import OpenUpload, RateLimiter, Secret
from spotify_pipeline.state import StateStore, engines, tables
from spotify_pipeline.state.tables import erasure_digest
from spotify_pipeline_tests.cli.conftest import Run
from spotify_pipeline_tests.state_edits import add, damage, keep, tampering
from spotify_pipeline_tests.stress.wipes.bench import Bench, people

CANARY = "canary@example.com"
ACCOUNT = "a0000000-0000-4000-8000-000000000001"
NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
FILES = {
    "state": "state.sqlite",
    "list": "data/customer_lists/lapsed/*/customer_list.csv",
    "manifest": "data/customer_lists/lapsed/*/manifest.json",
    "identifiers": "data/identifiers/lapsed/*.parquet",
    "rate": "rate/key",
}


def written(content: bytes) -> Callable[[Path], None]:
    return lambda file: void(file.write_bytes(content))


def void(_: object) -> None: ...


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def directory(file: Path) -> None:
    file.unlink()
    file.mkdir(mode=0o700)


def link(file: Path) -> None:
    elsewhere = file.rename(home_of(file).parent / f"{file.name}.elsewhere")
    file.symlink_to(elsewhere)


def home_of(file: Path) -> Path:
    return next(each for each in file.parents if each.name == "home")


def open_to_all(file: Path) -> None:
    file.chmod(0o644)


def of_another_user(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(file, 65534, -1)


CONTENTS: dict[str, Callable[[Path], None]] = {
    "truncated": truncated,
    "empty": written(b""),
    "binary garbage": written(b"\x00\xff\xfe" + CANARY.encode() * 9),
    "text": written(CANARY.encode()),
    "a list": written(f'["{CANARY}"]'.encode()),
    "another object": written(f'{{"{CANARY}": "{CANARY}"}}'.encode()),
    "a future format": written(f'{{"format": 999, "name": "{CANARY}"}}'.encode()),
    "null": written(b"null"),
    "deeply nested": written(b"[" * 100_000),
    "a huge number": written(b'{"format": ' + b"9" * 5_000 + b"}"),
}
PLACES: dict[str, Callable[[Path], None]] = {
    "a directory": directory,
    "a link": link,
    "open to all": open_to_all,
    "of another user": of_another_user,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which everything that is kept is there once."""
    home = tmp_path_factory.mktemp("whole") / "home"
    bench = Bench(home, cast("Any", None), cast("Any", None), account=ACCOUNT)
    listed = bench.build(people(0, 30))
    bench.approve(listed)
    receipt = Receipt(
        body={
            "number": 1,
            "previous": "",
            "kind": "created",
            "audience": "lapsed",
            "ad_account_id": ACCOUNT,
            "at": NOW.isoformat(),
        }
    )
    journal = Journal(StateStore.in_home(home))
    add(journal.state, receipt)
    begun = Unfinished(kind=WriteKind.REPLACE, phase=Phase.SENDING)
    entry = JournalEntry(ad_account_id=ACCOUNT, receipts=1, receipt_head=receipt.digest, unfinished=begun)
    keep(journal, "lapsed", entry)
    with journal.lease("lapsed", ACCOUNT, wait=0, sleep=void):
        pass
    opened = OpenUpload(audience_id="a", uri=Secret("https://x"), opened_at=1.0, size=1, crc32c="AAAAAA==")
    sealed = journal.sealed("lapsed", ACCOUNT, opened)
    with journal.state.begin() as transaction:
        journal.put_session(transaction, "lapsed", ACCOUNT, sealed)
    ErasureLedger(bench.state).record(
        [GivenIdentifier(line=1, given_as="email", digests=("a" * 64,))],
        requested_at=NOW,
        deadline=NOW + timedelta(days=30),
        waiting=[],
    )
    Alerts(bench.state).state("lapsed", AlertKind.BLOCKED, ["shrink"], "It is held back.", NOW)
    RateLimiter.of_file(home / "rate" / "key").take(1)
    with open_outbox("leads", StateStore.in_home(home)):
        pass
    engines.close(bench.state.place)  # folds the write-ahead log into the file
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(whole, tmp_path / "home")
    monkeypatch.setenv("SPOTIFY_PIPELINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def found() -> dict[str, CheckResult]:
    """What `doctor` finds of this machine's state."""
    checks = readiness(dict, lambda: cast("Any", {"leads": None}))
    ends = [each.name for each in checks].index("warehouse")
    return {each.name: each.look() for each in checks if each in checks[:ends] or each.name == "outboxes"}


def only(home: Path, pattern: str) -> Path:
    (file,) = home.glob(pattern)
    return file


def test_a_whole_home_is_ok(home: Path) -> None:
    assert {name: each.sentence for name, each in found().items() if each.state is not State.OK} == {}


@pytest.mark.parametrize("damage", {**CONTENTS, **PLACES}.values(), ids={**CONTENTS, **PLACES}.keys())
@pytest.mark.parametrize("pattern", FILES.values(), ids=FILES.keys())
def test_no_damage_of_any_file_is_called_ok_or_quoted(home: Path, pattern: str, damage: Callable[[Path], None]) -> None:
    damage(only(home, pattern))
    results = found()
    wrong = [each for each in results.values() if each.state is not State.OK]
    assert wrong
    for each in results.values():
        assert CANARY not in each.sentence
        assert "Traceback" not in each.sentence
    assert all(len(each.sentence) > 20 for each in wrong)


@pytest.mark.parametrize("damage", PLACES.values(), ids=PLACES.keys())
def test_a_lock_that_is_no_file_of_this_user_is_said(home: Path, damage: Callable[[Path], None]) -> None:
    damage(next(home.glob("locks/*.lock")))
    assert found()["private files"].state is State.FAILED


@pytest.mark.parametrize("missing", ["state", "manifest", "list"])
def test_a_file_that_is_missing_is_said(home: Path, missing: str) -> None:
    only(home, FILES[missing]).unlink()
    assert [each for each in found().values() if each.state is State.FAILED]


def test_a_ledger_that_lacks_digests_is_said(home: Path) -> None:
    with StateStore.in_home(home).begin() as transaction:
        transaction.execute(erasure_digest.delete())
    result = found()["erasures"]
    assert result.state is State.FAILED
    assert "cannot be trusted: digests of erasure-2026-01-05-" in result.sentence


@pytest.mark.parametrize("checksum", ["sha256", "crc32c"])
def test_a_checksum_in_a_damaged_manifest_is_not_quoted(home: Path, checksum: str) -> None:
    manifest = only(home, FILES["manifest"])
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {checksum: CANARY}))
    result = found()["lists"]
    assert result.state is State.FAILED
    assert f"has not the {checksum} of its manifest" in result.sentence
    assert CANARY not in result.sentence


@contextmanager
def full_disk(home: Path) -> Iterator[None]:
    """No file of this process may grow, as on a full disk."""
    import resource
    import signal

    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(home.glob(".doctor*"))


def test_a_full_disk_is_no_success(run: Run, home: Path) -> None:
    with full_disk(home):
        ran = run("doctor")
    assert ran.code == 1
    assert "FAIL  home: " in ran.out
    assert "cannot be written" in ran.out


def test_doctor_fails_over_a_damaged_journal(run: Run, home: Path) -> None:
    damage(Journal(StateStore.in_home(home)), "lapsed", ACCOUNT, CANARY)
    ran = run("doctor")
    assert ran.code == 1
    assert "FAIL  journal: The entry of lapsed in the journal (" in ran.out
    assert "Restore the newest backup" in ran.out
    assert CANARY not in ran.out + ran.err


def test_a_receipt_that_was_changed_is_said_and_not_quoted(home: Path) -> None:
    with tampering(StateStore.in_home(home)) as transaction:
        transaction.execute(tables.receipt.update().values(content=CANARY.encode()))
    result = found()["receipts"]
    assert result.state is State.FAILED
    assert "Receipt 1 is not JSON" in result.sentence
    assert CANARY not in result.sentence


def test_an_upload_session_that_cannot_be_read_is_a_warning(home: Path) -> None:
    journal = Journal(StateStore.in_home(home))
    with journal.state.begin() as transaction:
        journal.put_session(transaction, "lapsed", ACCOUNT, CANARY.encode())
    result = found()["journal"]
    assert result.state is State.WARNING
    assert "nothing is lost" in result.sentence
    assert CANARY not in result.sentence
