"""Who asked to be forgotten is never lost, and an erasure is done only when it surely is."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from spotify_pipeline.privacy import (
    Attribution,
    ErasureError,
    ErasureLedger,
    ErasureRequest,
    GivenIdentifier,
    LedgerError,
    read_identifiers,
)
from spotify_pipeline.state import StateError, StateStore, engines
from spotify_pipeline.state.tables import erasure, erasure_digest
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


def ledger_in(state: StateStore) -> ErasureLedger:
    return ErasureLedger(state, clock=lambda: NOW + DAY)


@pytest.fixture
def ledger(state: StateStore) -> ErasureLedger:
    return ledger_in(state)


def ask(ledger: ErasureLedger, *texts: str, at: datetime = NOW, waiting: tuple[str, ...] = ()) -> ErasureRequest:
    """A request that is in force a minute after it was made."""
    request = ledger.record(person(*texts), requested_at=at, deadline=at + 30 * DAY, waiting=waiting)
    return ledger.settle(request, waiting=waiting, in_force_at=at + timedelta(minutes=1))


def held(ledger: ErasureLedger, *texts: str) -> list[bool]:
    return ledger.digests().holds(pl.Series([digest_of(text) for text in texts])).to_list()


def test_nobody_asked_yet(ledger: ErasureLedger) -> None:
    assert (ledger.requests(), len(ledger.digests()), ledger.requests_with([digest_of("a")])) == ([], 0, {})
    assert (ledger.made(), ledger.newest(), ledger.waiting_audiences()) == (0, None, set())
    assert ledger.done("lapsed", decided_at=NOW) == []


def test_what_is_asked_is_kept_for_whoever_reads_it_next(state: StateStore) -> None:
    made = [
        ask(ledger_in(state), "a", "b", "a", waiting=("loyal", "lapsed")),
        ask(ledger_in(state), "c", at=NOW + DAY),
    ]
    ledger = ledger_in(StateStore(state.place, state.home))
    assert ledger.requests() == made
    assert [(each.identifiers, each.waiting, each.deadline) for each in made] == [
        (2, ("lapsed", "loyal"), NOW + 30 * DAY),
        (1, (), NOW + 31 * DAY),
    ]
    assert made[0].id.startswith("erasure-2026-11-16-")
    assert held(ledger, "a", "b", "c", "d") == [True, True, True, False]
    assert ledger.waiting("lapsed") == made[:1]
    assert ledger.waiting_audiences() == {"lapsed", "loyal"}
    assert ledger.requests_with([digest_of("b"), digest_of("d")]) == {digest_of("b"): made[:1]}
    assert (ledger.made(), ledger.newest()) == (2, made[1].id)
    assert ledger.known([made[0].id, "erasure-none"]) == {made[0].id}


def test_an_audience_is_done_with_what_was_in_force_when_it_was_decided(ledger: ErasureLedger) -> None:
    first = ask(ledger, "a", waiting=("lapsed", "loyal"))
    ask(ledger, "b", at=NOW + 2 * DAY, waiting=("lapsed",))
    assert ledger.done("lapsed", decided_at=NOW + DAY) == [first.id]
    assert [each.waiting for each in ledger.requests()] == [("loyal",), ("lapsed",)]
    assert ledger.done("lapsed", decided_at=NOW + DAY) == []
    ledger.done("lapsed", decided_at=NOW + 3 * DAY)
    assert [each.waiting for each in ledger.requests()] == [("loyal",), ()]
    assert held(ledger, "a", "b") == [True, True]


def test_a_decision_made_while_the_request_was_written_does_not_count(ledger: ErasureLedger) -> None:
    """Whoever decided then may have read the ledger before the request was in it."""
    ask(ledger, "a", waiting=("lapsed",))
    assert ledger.done("lapsed", decided_at=NOW + timedelta(seconds=30)) == []
    assert ledger.requests()[0].waiting == ("lapsed",)


def test_a_request_whose_maker_was_killed_is_done_by_the_second_mirror_after(ledger: ErasureLedger) -> None:
    ledger.record(person("a"), requested_at=NOW, deadline=NOW + DAY, waiting=["lapsed"])
    assert ledger.done("lapsed", decided_at=NOW + DAY / 2) == []
    assert ledger.done("lapsed", decided_at=NOW + DAY / 2) == []
    assert len(ledger.done("lapsed", decided_at=NOW + 2 * DAY)) == 1
    assert ledger.requests()[0].waiting == ()


def test_what_was_done_before_it_is_settled_stays_done(ledger: ErasureLedger) -> None:
    request = ledger.record(person("a"), requested_at=NOW, deadline=NOW + DAY, waiting=["lapsed", "loyal", "new"])
    ledger.settle(request, waiting=["lapsed", "loyal", "new"], in_force_at=NOW)
    ledger.done("lapsed", decided_at=NOW + DAY)
    assert ledger.settle(request, waiting=["lapsed", "loyal"], in_force_at=NOW).waiting == ("loyal",)


def test_many_at_a_time_are_all_kept(ledger: ErasureLedger, state: StateStore) -> None:
    names = [f"{number}" for number in range(24)]
    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(lambda name: ask(ledger_in(state), name, waiting=("lapsed",)), names))
    assert (len(ledger.requests()), all(held(ledger, *names))) == (24, True)


@pytest.mark.parametrize("people", [10_000, in_test_rest(100_000)])
def test_thousands_of_people_in_one_request(ledger: ErasureLedger, people: int) -> None:
    names = [f"{number}" for number in range(people)]
    ask(ledger, *names)
    assert len(ledger.digests()) == people
    assert len(ledger.requests_with([digest_of(each) for each in names])) == people


def test_a_request_that_older_identity_rules_read_is_named_until_it_is_taken_back(state: StateStore) -> None:
    ledger = ledger_in(state)
    older, newer = ask(ledger, "ada"), ask(ledger, "bob")
    assert ledger.by_older_rules() == []
    with state.begin() as transaction:
        transaction.execute(erasure.update().where(erasure.c.id == older.id).values(rules_version=1))
    assert [each.id for each in ledger.by_older_rules()] == [older.id]
    assert held(ledger, "ada", "bob") == [True, True]
    ledger.take_back(older.id, by="Ada's officer")
    assert ledger.by_older_rules() == []
    assert [each.id for each in ledger.requests() if each.taken_back is None] == [newer.id]


def test_w21_only_the_people_of_confirmed_requests_count_as_confirmed(ledger: ErasureLedger) -> None:
    ask(ledger, "a")
    word = Attribution(by="ada", at=NOW)
    ledger.record(person("b"), requested_at=NOW, deadline=NOW + DAY, waiting=(), confirmed=word)
    assert ledger.confirmed_digests().holds(pl.Series([digest_of("a"), digest_of("b")])).to_list() == [False, True]
    assert [each.confirmed for each in ledger.requests() if each.confirmed] == [word]
    assert held(ledger, "a", "b") == [True, True]


def test_w21_a_request_that_is_taken_back_leaves_its_record_and_no_digest(ledger: ErasureLedger) -> None:
    first, second = (ask(ledger, "a", "b", waiting=("lapsed",)), ask(ledger, "b", waiting=("lapsed",)))
    gone = ledger.take_back(first.id, by="ada")
    assert (gone.taken_back, gone.waiting) == (Attribution(by="ada", at=NOW + DAY), ())
    assert [each.id for each in ledger.waiting("lapsed")] == [second.id]
    assert held(ledger, "a", "b") == [False, True]  # another request still keeps b out
    assert ledger.requests_with([digest_of("a"), digest_of("b")]) == {digest_of("b"): [second]}
    assert ledger.take_back(first.id, by="bob") == gone
    assert gone in ledger.requests()


def test_w21_a_confirmed_request_that_is_taken_back_confirms_nothing(ledger: ErasureLedger) -> None:
    word = Attribution(by="ada", at=NOW)
    made = ledger.record(person("a"), requested_at=NOW, deadline=NOW + 30 * DAY, waiting=(), confirmed=word)
    ledger.take_back(made.id, by="ada")
    assert len(ledger.confirmed_digests()) == 0


def test_w21_after_its_deadline_a_request_stands(ledger: ErasureLedger) -> None:
    made = ledger.record(person("a"), requested_at=NOW, deadline=NOW + DAY, waiting=["lapsed"])  # the clock says so now
    with pytest.raises(ErasureError, match="was due on 2026-11-17"):
        ledger.take_back(made.id, by="ada")
    with pytest.raises(ErasureError, match="has no such request"):
        ledger.take_back("erasure-none", by="ada")
    assert ledger.requests() == [made]
    assert held(ledger, "a") == [True]


def test_w21_nothing_of_a_request_that_is_taken_back_is_left_in_the_file(tmp_path: Path) -> None:
    state = StateStore.in_home(tmp_path)
    made = ask(ledger_in(state), *(f"{number}" for number in range(2_000)))
    ask(ledger_in(state), "stays")
    ledger_in(state).take_back(made.id, by="ada")
    engines.close(state.place)  # as when the process ends: the log is folded into the file
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert digest_of("stays").encode() in kept
    assert not [number for number in range(2_000) if digest_of(f"{number}").encode()[:16] in kept]


def test_p01_the_ledger_holds_digests_alone(tmp_path: Path) -> None:
    state = StateStore.in_home(tmp_path)
    given = read_identifiers(io.BytesIO(b"email: canary@example.com"))
    ledger_in(state).record(given, requested_at=NOW, deadline=NOW + DAY, waiting=())
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert digest_of("canary@example.com").encode() in kept
    assert b"canary" not in kept


def test_p13_who_watches_sees_each_change_and_reads_again_only_then(ledger: ErasureLedger, state: StateStore) -> None:
    watched = ledger.watched_digests()
    first = watched()
    assert len(first) == 0
    made = ask(ledger_in(state), "a")
    second = watched()
    assert len(second) == 1
    ledger.settle(made, waiting=(), in_force_at=NOW)
    assert watched() is second
    ledger.take_back(made.id, by="ada")
    ask(ledger, "b")
    assert watched().holds(pl.Series([digest_of("a"), digest_of("b")])).to_list() == [False, True]


def test_an_erasure_is_done_with_what_else_its_caller_writes_or_not_at_all(state: StateStore) -> None:
    ledger = ledger_in(state)
    made = ask(ledger, "a", waiting=("lapsed",))

    def fail() -> None:
        with state.begin() as transaction:
            assert ledger.done("lapsed", decided_at=NOW + DAY, within=transaction) == [made.id]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert ledger.waiting("lapsed") == [made]


@pytest.mark.parametrize("left", [0, 1])
def test_p14_a_ledger_that_lacks_digests_is_an_error_and_not_shorter(state: StateStore, left: int) -> None:
    ledger = ledger_in(state)
    broken = ask(ledger, "a", "b", waiting=("lapsed",))
    ask(ledger, "c")
    watched = ledger.watched_digests()
    lost = sorted([digest_of("a"), digest_of("b")])[left:]
    with state.begin() as transaction:
        transaction.execute(erasure_digest.delete().where(erasure_digest.c.digest.in_(lost)))
    for use in (ledger.digests, ledger.confirmed_digests, ledger.require_whole, watched):
        with pytest.raises(LedgerError, match=rf"cannot be trusted: digests of {broken.id} .* Nothing was sent") as why:
            use()
        assert digest_of("a")[:12] not in str(why.value)


def test_p14_digests_of_a_request_that_is_not_there_are_refused(state: StateStore) -> None:
    with pytest.raises(StateError), state.begin() as transaction:
        transaction.execute(erasure_digest.insert().values(request="erasure-none", digest=digest_of("a")))


def test_a_crash_amid_a_request_leaves_nothing_of_it(state: StateStore) -> None:
    """Its digests are refused, when the request itself is written."""
    ledger = ledger_in(state)
    unusable = GivenIdentifier(line=1, given_as="email", digests=(cast("Any", None),))
    with pytest.raises(StateError):
        ledger.record([unusable], requested_at=NOW, deadline=NOW + DAY, waiting=["lapsed"])
    assert (ledger.requests(), ledger.waiting_audiences()) == ([], set())
