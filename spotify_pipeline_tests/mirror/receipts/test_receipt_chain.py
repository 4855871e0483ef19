"""A receipt that was removed, changed, exchanged, put in or cut off is found."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spotify_pipeline.mirror import ChainReport, Journal, JournalEntry, Receipt, ReceiptBook, ReceiptKind
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT

COUNT = 5


def receipt(number: int, previous: str, audience: str = "lapsed", **content: object) -> Receipt:
    body = {
        "format": 1,
        "number": number,
        "previous": previous,
        "kind": str(ReceiptKind.REPLACED),
        "audience": audience,
        "ad_account_id": AD_ACCOUNT,
        "at": "2026-11-16T05:00:00+00:00",
        **content,
    }
    return Receipt(body=body)


def write_chain(home: Path, audience: str = "lapsed", count: int = COUNT) -> list[Receipt]:
    """A journal and the receipts that it counts."""
    book, receipts = ReceiptBook(home / "receipts"), list[Receipt]()
    for number in range(1, count + 1):
        receipts.append(receipt(number, receipts[-1].digest if receipts else "", audience, rows=1_000 + number))
        book.append(receipts[-1])
    entry = JournalEntry(ad_account_id=AD_ACCOUNT, audience_id="x", receipts=count, receipt_head=receipts[-1].digest)
    Journal(home / "journal").write(audience, entry)
    return receipts


def reports(home: Path) -> list[ChainReport]:
    return ReceiptBook(home / "receipts").verify(Journal(home / "journal"))


def file_of(home: Path, number: int, audience: str = "lapsed") -> Path:
    return home / "receipts" / AD_ACCOUNT / audience / f"{number:06d}.json"


def test_an_untouched_chain_is_whole(tmp_path: Path) -> None:
    write_chain(tmp_path)
    (report,) = reports(tmp_path)
    assert (report.whole, report.receipts, report.due) == (True, COUNT, False)
    assert report.sentence == "5 receipts, all there and as they were written."


def removed(number: int) -> Callable[[Path], None]:
    return lambda home: file_of(home, number).unlink()


def swapped(home: Path) -> None:
    aside = home / "aside"
    file_of(home, 2).rename(aside)
    file_of(home, 3).rename(file_of(home, 2))
    aside.rename(file_of(home, 3))


def newest_two_removed(home: Path) -> None:
    file_of(home, 4).unlink()
    file_of(home, 5).unlink()


def put_in_behind(home: Path) -> None:
    last = Receipt.from_bytes(file_of(home, COUNT).read_bytes())
    ReceiptBook(home / "receipts").append(receipt(COUNT + 1, last.digest))


def put_in_between(home: Path) -> None:
    """One more, with everything behind it renumbered and sealed anew."""
    chain = ReceiptBook(home / "receipts").read("lapsed", AD_ACCOUNT)
    chain.insert(2, receipt(3, "", rows=9))
    shutil.rmtree(home / "receipts")
    before = ""
    for number, each in enumerate(chain, start=1):
        sealed = Receipt(body={**each.body, "number": number, "previous": before})
        ReceiptBook(home / "receipts").append(sealed)
        before = sealed.digest


def rewritten(home: Path) -> None:
    """The newest is another, sealed anew."""
    newest = Receipt.from_bytes(file_of(home, COUNT).read_bytes())
    file_of(home, COUNT).write_bytes(Receipt(body={**newest.body, "rows": 1}).to_bytes())


def put_in_before(home: Path) -> None:
    file_of(home, 0).write_bytes(file_of(home, 1).read_bytes())


def put_in_beside(home: Path) -> None:
    file_of(home, 1).with_name("0000001.json").write_bytes(receipt(1, "", rows=7).to_bytes())


def put_in_far_away(home: Path) -> None:
    file_of(home, 10**15).write_bytes(receipt(10**15, "").to_bytes())


def unreadable(home: Path) -> None:
    file_of(home, 2).unlink()
    file_of(home, 2).mkdir()


def all_removed(home: Path) -> None:
    shutil.rmtree(home / "receipts" / AD_ACCOUNT / "lapsed")


def journal_lost(home: Path) -> None:
    shutil.rmtree(home / "journal")


def journal_damaged(home: Path) -> None:
    (home / "journal" / AD_ACCOUNT / "lapsed.json").write_text("{")


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (removed(1), "Receipt 1 is missing."),
        (removed(3), "Receipt 3 is missing."),
        (removed(COUNT), "Receipt 5 is missing."),
        (newest_two_removed, "Receipts 4 to 5 are missing."),
        (put_in_before, "000000.json is no receipt's file: somebody put it in."),
        (put_in_beside, "0000001.json is no receipt's file: somebody put it in."),
        (put_in_far_away, "Receipts 6 to 999,999,999,999,999 are missing."),
        (unreadable, "Receipt 2 cannot be read"),
        (all_removed, "Receipts 1 to 5 are missing."),
        (swapped, "The file of receipt 2 holds receipt 3."),
        (put_in_behind, "Receipt 6 is not known to the journal."),
        (put_in_between, "Receipt 6 is not known to the journal."),
        (rewritten, "Receipt 5 is not the one that the journal names as the newest."),
        (journal_lost, "There is no journal of it, so it is not known whether its newest receipts are missing."),
        (journal_damaged, "It is not known whether its newest receipts are missing. The journal of lapsed"),
    ],
)
def test_tampering_is_found_and_said(tmp_path: Path, tamper: Callable[[Path], None], said: str) -> None:
    write_chain(tmp_path)
    tamper(tmp_path)
    (report,) = reports(tmp_path)
    assert not report.whole
    assert any(each.startswith(said) for each in report.faults), report.faults


def test_what_somebody_put_in_is_not_listed_as_a_receipt(tmp_path: Path) -> None:
    write_chain(tmp_path)
    put_in_before(tmp_path)
    put_in_beside(tmp_path)
    listed = ReceiptBook(tmp_path / "receipts").read("lapsed", AD_ACCOUNT)
    assert [each.number for each in listed] == [1, 2, 3, 4, 5]


def test_a_receipt_of_another_audience_in_its_place_is_found(tmp_path: Path) -> None:
    write_chain(tmp_path)
    write_chain(tmp_path, "churned", 3)
    shutil.copy(file_of(tmp_path, 2, "churned"), file_of(tmp_path, 2))
    churned, lapsed = reports(tmp_path)
    assert churned.whole
    assert "Receipt 2 is of another audience (churned) or ad account." in lapsed.faults


def test_one_that_is_missing_is_told_once(tmp_path: Path) -> None:
    write_chain(tmp_path)
    file_of(tmp_path, 3).unlink()
    assert reports(tmp_path)[0].faults == ("Receipt 3 is missing.",)


def test_a_receipt_that_is_due_is_no_fault_before_and_after_its_file(tmp_path: Path) -> None:
    last = write_chain(tmp_path)[-1]
    journal = Journal(tmp_path / "journal")
    due = receipt(COUNT + 1, last.digest)
    entry = journal.read("lapsed", AD_ACCOUNT)
    journal.write("lapsed", dataclasses.replace(entry, receipt_due=dict(due.body)))
    assert [(each.whole, each.due) for each in reports(tmp_path)] == [(True, True)]
    ReceiptBook(tmp_path / "receipts").append(due)
    assert [(each.whole, each.due) for each in reports(tmp_path)] == [(True, True)]


def test_no_receipt_is_ever_overwritten(tmp_path: Path) -> None:
    chain = write_chain(tmp_path)
    before = file_of(tmp_path, 2).read_bytes()
    book = ReceiptBook(tmp_path / "receipts")
    book.append(chain[1])  # the same once more
    with pytest.raises(Exception, match=r"Receipt 2 of lapsed cannot be written: .* is another\. No receipt is ever"):
        book.append(receipt(2, chain[0].digest, rows=3))
    assert file_of(tmp_path, 2).read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{}", b'{"digest": "x"}', b"[" * 100_000, b"\xff"])
def test_what_is_no_receipt_is_said_and_passed_over(tmp_path: Path, content: bytes) -> None:
    write_chain(tmp_path)
    file_of(tmp_path, 2).write_bytes(content)
    (report,) = reports(tmp_path)
    assert any(each.startswith("Receipt 2 ") for each in report.faults)
    assert len(ReceiptBook(tmp_path / "receipts").read("lapsed", AD_ACCOUNT)) == COUNT - 1


@settings(max_examples=examples(25, 60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_that_is_changed_lost_or_added_is_found(tmp_path: Path, data: st.DataObject) -> None:
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
    home = tmp_path / "home"
    write_chain(home, count=3)
    file = file_of(home, data.draw(st.integers(1, 3), label="receipt"))
    content = file.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1), label="at")
    spoilt = data.draw(
        st.sampled_from(
            [
                content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :],
                content[:at] + content[at + 1 :],
                content[:at] + b" " + content[at:],
                content[:at],
                content + b"\n",
            ]
        ),
        label="content",
    )
    file.write_bytes(spoilt)
    (report,) = reports(home)
    assert not report.whole
