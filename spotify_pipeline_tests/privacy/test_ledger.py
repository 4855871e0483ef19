"""Who asked to be forgotten is never lost, and an erasure is done only when it surely is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from spotify_pipeline.privacy import (
    Attribution,
    ErasureError,
    ErasureLedger,
    ErasureRequest,
    GivenIdentifier,
    LedgerError,
)
from spotify_pipeline_tests.examples import in_test_rest

NOW = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def person(*texts: str) -> list[GivenIdentifier]:
    return [
        GivenIdentifier(line=line, given_as="email", digests=(digest_of(text),))
        for line, text in enumerate(texts, start=1)
    ]


def ledger_in(folder: Path) -> ErasureLedger:
    return ErasureLedger(folder / "erasures", clock=lambda: NOW + DAY)


def ask(ledger: ErasureLedger, *texts: str, at: datetime = NOW, waiting: tuple[str, ...] = ()) -> ErasureRequest:
    """A request that is in force a minute after it was made."""
    request = ledger.record(person(*texts), requested_at=at, deadline=at + 30 * DAY, waiting=waiting)
    return ledger.settle(request, waiting=waiting, in_force_at=at + timedelta(minutes=1))


def held(ledger: ErasureLedger, *texts: str) -> list[bool]:
    return ledger.digests().holds(pl.Series([digest_of(text) for text in texts])).to_list()


def test_nobody_asked_yet(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    assert (ledger.requests(), len(ledger.digests()), ledger.requests_with([digest_of("a")])) == ([], 0, {})
    assert ledger.done("lapsed", decided_at=NOW) == []
    assert not (tmp_path / "erasures").exists()


def test_what_is_asked_is_kept_for_whoever_reads_it_next(tmp_path: Path) -> None:
    made = [
        ask(ledger_in(tmp_path), "a", "b", "a", waiting=("loyal", "lapsed")),
        ask(ledger_in(tmp_path), "c", at=NOW + DAY),
    ]
    ledger = ledger_in(tmp_path)
    assert ledger.requests() == made
    assert [(each.identifiers, each.waiting, each.deadline) for each in made] == [
        (2, ("lapsed", "loyal"), NOW + 30 * DAY),
        (1, (), NOW + 31 * DAY),
    ]
    assert made[0].id.startswith("erasure-2026-11-16-")
    assert held(ledger, "a", "b", "c", "d") == [True, True, True, False]
    assert ledger.waiting("lapsed") == made[:1]
    assert ledger.requests_with([digest_of("b"), digest_of("d")]) == {digest_of("b"): made[:1]}


def test_p09_the_ledger_is_private_whatever_the_umask(tmp_path: Path) -> None:
    ask(ledger_in(tmp_path), "a")
    assert (tmp_path / "erasures").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "erasures").iterdir()} == {0o600}


def test_p01_the_ledger_holds_digests_alone(tmp_path: Path) -> None:
    ask(ledger_in(tmp_path), "canary@example.com")
    kept = b"".join(file.read_bytes() for file in (tmp_path / "erasures").iterdir())
    assert digest_of("canary@example.com").encode() in kept
    assert b"canary" not in kept


def test_an_audience_is_done_with_what_was_in_force_when_it_was_decided(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    first = ask(ledger, "a", waiting=("lapsed", "loyal"))
    ask(ledger, "b", at=NOW + 2 * DAY, waiting=("lapsed",))
    assert [each.id for each in ledger.done("lapsed", decided_at=NOW + DAY)] == [first.id]
    assert [each.waiting for each in ledger.requests()] == [("loyal",), ("lapsed",)]
    assert ledger.done("lapsed", decided_at=NOW + DAY) == []
    ledger.done("lapsed", decided_at=NOW + 3 * DAY)
    assert [each.waiting for each in ledger.requests()] == [("loyal",), ()]
    assert held(ledger, "a", "b") == [True, True]


def test_a_decision_made_while_the_request_was_written_does_not_count(tmp_path: Path) -> None:
    """Whoever decided then may have read the ledger before the request was in it."""
    ledger = ledger_in(tmp_path)
    ask(ledger, "a", waiting=("lapsed",))
    assert ledger.done("lapsed", decided_at=NOW + timedelta(seconds=30)) == []
    assert ledger.requests()[0].waiting == ("lapsed",)


def test_a_request_whose_maker_was_killed_is_done_by_the_second_mirror_after(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.record(person("a"), requested_at=NOW, deadline=NOW + DAY, waiting=["lapsed"])
    assert ledger.done("lapsed", decided_at=NOW + DAY / 2) == []
    assert ledger.done("lapsed", decided_at=NOW + DAY / 2) == []
    assert len(ledger.done("lapsed", decided_at=NOW + 2 * DAY)) == 1
    assert ledger.requests()[0].waiting == ()


def test_what_was_done_before_it_is_settled_stays_done(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    request = ledger.record(person("a"), requested_at=NOW, deadline=NOW + DAY, waiting=["lapsed", "loyal", "new"])
    ledger.settle(request, waiting=["lapsed", "loyal", "new"], in_force_at=NOW)
    ledger.done("lapsed", decided_at=NOW + DAY)
    assert ledger.settle(request, waiting=["lapsed", "loyal"], in_force_at=NOW).waiting == ("loyal",)


def test_many_at_a_time_are_all_kept(tmp_path: Path) -> None:
    names = [f"{number}" for number in range(24)]
    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(lambda name: ask(ledger_in(tmp_path), name, waiting=("lapsed",)), names))
    ledger = ledger_in(tmp_path)
    assert (len(ledger.requests()), all(held(ledger, *names))) == (24, True)


@pytest.mark.parametrize("people", [10_000, in_test_rest(100_000)])
def test_thousands_of_people_in_one_request(tmp_path: Path, people: int) -> None:
    names = [f"{number}" for number in range(people)]
    ask(ledger_in(tmp_path), *names)
    assert len(ledger_in(tmp_path).digests()) == people


def test_a_request_that_older_identity_rules_read_is_named_until_it_is_taken_back(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    older, newer = ask(ledger, "ada"), ask(ledger, "bob")
    index = tmp_path / "erasures" / "ledger.json"
    assert ledger.by_older_rules() == []
    requests = json.loads(index.read_text())
    for each in requests["requests"]:
        if each["id"] == older.id:
            each["rules_version"] = 1
    index.write_text(json.dumps(requests))
    assert [each.id for each in ledger.by_older_rules()] == [older.id]
    assert held(ledger, "ada", "bob") == [True, True]
    ledger.take_back(older.id, by="Ada's officer")
    assert ledger.by_older_rules() == []
    assert [each.id for each in ledger.requests() if each.taken_back is None] == [newer.id]


def test_w21_only_the_people_of_confirmed_requests_count_as_confirmed(tmp_path: Path) -> None:
    ask(ledger_in(tmp_path), "a")
    word = Attribution(by="ada", at=NOW)
    ledger_in(tmp_path).record(person("b"), requested_at=NOW, deadline=NOW + DAY, waiting=(), confirmed=word)
    ledger = ledger_in(tmp_path)
    assert ledger.confirmed_digests().holds(pl.Series([digest_of("a"), digest_of("b")])).to_list() == [False, True]
    assert [each.confirmed for each in ledger.requests() if each.confirmed] == [word]
    assert held(ledger, "a", "b") == [True, True]


def test_w21_a_request_that_is_taken_back_leaves_its_record_and_no_digest(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    first, second = (ask(ledger, "a", "b", waiting=("lapsed",)), ask(ledger, "b", waiting=("lapsed",)))
    gone = ledger.take_back(first.id, by="ada")
    assert (gone.taken_back, gone.waiting, gone.digests_sha256) == (Attribution(by="ada", at=NOW + DAY), (), "")
    assert [each.id for each in ledger.waiting("lapsed")] == [second.id]
    assert held(ledger, "a", "b") == [False, True]  # another request still keeps b out
    kept = b"".join(file.read_bytes() for file in (tmp_path / "erasures").iterdir())
    assert digest_of("a").encode() not in kept
    assert first.digests_sha256.encode() not in kept
    assert ledger.take_back(first.id, by="bob") == gone


def test_w21_a_confirmed_request_that_is_taken_back_confirms_nothing(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    word = Attribution(by="ada", at=NOW)
    made = ledger.record(person("a"), requested_at=NOW, deadline=NOW + 30 * DAY, waiting=(), confirmed=word)
    ledger.take_back(made.id, by="ada")
    assert len(ledger.confirmed_digests()) == 0


def test_w21_after_its_deadline_a_request_stands(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    made = ledger.record(person("a"), requested_at=NOW, deadline=NOW + DAY, waiting=["lapsed"])  # the clock says so now
    with pytest.raises(ErasureError, match="was due on 2026-11-17"):
        ledger.take_back(made.id, by="ada")
    with pytest.raises(ErasureError, match="has no such request"):
        ledger.take_back("erasure-none", by="ada")
    assert ledger.requests() == [made]
    assert held(ledger, "a") == [True]


def test_w21_a_crash_amid_taking_back_leaves_a_ledger_that_works(tmp_path: Path) -> None:
    """The ledger was written, and the digests not yet deleted."""
    ledger = ledger_in(tmp_path)
    made = ask(ledger, "a")
    file = next((tmp_path / "erasures").glob("*.digests.json"))
    content = file.read_bytes()
    ledger.take_back(made.id, by="ada")
    file.write_bytes(content)
    assert held(ledger, "a") == [False]
    ledger.take_back(made.id, by="ada")
    assert not file.exists()


def test_w21_whoever_reads_the_ledger_while_a_request_is_taken_back_is_not_stopped(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    requests = [ask(ledger, name) for name in ("a", "b")]

    class Reader(ErasureLedger):
        """The second request is taken back between its reading of the ledger and of the digests."""

        def requests(self) -> list[ErasureRequest]:
            read = super().requests()
            ledger.take_back(requests[1].id, by="ada")
            return read

    digests = Reader(tmp_path / "erasures").digests()
    assert digests.holds(pl.Series([digest_of("a"), digest_of("b")])).to_list() == [True, False]


def remove_index(folder: Path) -> None:
    (folder / "ledger.json").unlink()


def remove_digests(folder: Path) -> None:
    next(folder.glob("*.digests.json")).unlink()


def cut_digests(folder: Path) -> None:
    file = next(folder.glob("*.digests.json"))
    file.write_bytes(file.read_bytes()[:-2])


def empty_index(folder: Path) -> None:
    (folder / "ledger.json").write_bytes(b"")


def newer_index(folder: Path) -> None:
    (folder / "ledger.json").write_text('{"requests": [], "format": 3}')


def older_index(folder: Path) -> None:
    (folder / "ledger.json").write_text('{"requests": [], "format": 1}')


def unknown_field(folder: Path) -> None:
    (folder / "ledger.json").write_text('{"requests": [], "format": 2, "more": 1}')


def index_is_a_folder(folder: Path) -> None:
    remove_index(folder)
    (folder / "ledger.json").mkdir()


def escaping_id(folder: Path) -> None:
    text = (folder / "ledger.json").read_text()
    (folder / "ledger.json").write_text(text.replace('"erasure-', '"../erasure-'))


@pytest.mark.parametrize(
    "damage",
    [
        remove_index,
        remove_digests,
        cut_digests,
        empty_index,
        newer_index,
        older_index,
        unknown_field,
        index_is_a_folder,
        escaping_id,
    ],
)
def test_p14_a_ledger_that_cannot_be_trusted_is_an_error_and_not_empty(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    ledger = ledger_in(tmp_path)
    ask(ledger, "a", waiting=("lapsed",))
    damage(tmp_path / "erasures")
    for use in (ledger.digests, lambda: ledger.requests_with([digest_of("a")])):
        with pytest.raises(LedgerError, match=r"cannot be trusted: .*\. Nothing was sent") as caught:
            use()
        assert digest_of("a")[:12] not in str(caught.value)
    if damage not in (remove_digests, cut_digests):
        before = {file.name for file in (tmp_path / "erasures").iterdir()}
        with pytest.raises(LedgerError):
            ask(ledger, "b")
        assert {file.name for file in (tmp_path / "erasures").iterdir()} == before


def test_a_crash_before_the_first_request_is_named_leaves_a_ledger_that_works(tmp_path: Path) -> None:
    """As a process leaves it that was killed between its two writes."""
    ask(ledger_in(tmp_path / "other"), "a")
    folder = tmp_path / "erasures"
    folder.mkdir()
    left = next((tmp_path / "other" / "erasures").glob("*.digests.json"))
    (folder / left.name).write_bytes(left.read_bytes())
    (folder / "ledger.json").write_text('{"requests": [], "format": 2}')
    assert held(ledger_in(tmp_path), "a") == [False]
    ask(ledger_in(tmp_path), "a")
    assert held(ledger_in(tmp_path), "a") == [True]
