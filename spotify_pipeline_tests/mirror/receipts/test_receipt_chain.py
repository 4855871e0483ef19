"""A receipt that was removed, changed, exchanged, put in or cut off is found, and none is by mistake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.mirror import ChainReport, Journal, JournalEntry, Receipt, ReceiptBook, ReceiptKind
from spotify_pipeline.mirror.receipts.model import ReceiptDamaged
from spotify_pipeline.mirror.receipts.verify import check_chain
from spotify_pipeline.state import StateConflict, StateError, StateStore, tables
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT
from spotify_pipeline_tests.state_edits import add, damage, keep, lose, tampering

COUNT = 5
ROWS = tables.receipt


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


def chain(audience: str = "lapsed", count: int = COUNT) -> tuple[list[Receipt], JournalEntry]:
    """Receipts, and the entry that counts them."""
    receipts = list[Receipt]()
    for number in range(1, count + 1):
        receipts.append(receipt(number, receipts[-1].digest if receipts else "", audience, rows=1_000 + number))
    newest = receipts[-1].digest
    return receipts, JournalEntry(ad_account_id=AD_ACCOUNT, audience_id=audience, receipts=count, receipt_head=newest)


def write_chain(state: StateStore, audience: str = "lapsed", count: int = COUNT) -> list[Receipt]:
    """A journal and the receipts that it counts."""
    receipts, entry = chain(audience, count)
    add(state, *receipts)
    keep(Journal(state), audience, entry)
    return receipts


def reports(state: StateStore) -> list[ChainReport]:
    return ReceiptBook(state).verify()


def row(number: int, audience: str = "lapsed") -> sa.ColumnElement[bool]:
    return sa.and_(ROWS.c.number == number, ROWS.c.audience == audience)


def content_of(transaction: sa.Connection, number: int, audience: str = "lapsed") -> bytes:
    return transaction.execute(sa.select(ROWS.c.content).where(row(number, audience))).scalar_one()


def test_an_untouched_chain_is_whole(state: StateStore) -> None:
    write_chain(state)
    (report,) = reports(state)
    assert (report.whole, report.receipts) == (True, COUNT)
    assert report.sentence == "5 receipts, all there and as they were written."


Tamper = Callable[[StateStore], None]


def removed(*numbers: int) -> Tamper:
    def remove(state: StateStore) -> None:
        with tampering(state) as transaction:
            transaction.execute(ROWS.delete().where(ROWS.c.number.in_(numbers)))

    return remove


def overwrite(state: StateStore, number: int, content: bytes) -> None:
    with tampering(state) as transaction:
        transaction.execute(ROWS.update().where(row(number)).values(content=content))


def swapped(state: StateStore) -> None:
    with tampering(state) as transaction:
        two, three = content_of(transaction, 2), content_of(transaction, 3)
        transaction.execute(ROWS.update().where(row(2)).values(content=three))
        transaction.execute(ROWS.update().where(row(3)).values(content=two))


def renumbered(state: StateStore) -> None:
    with tampering(state) as transaction:
        for number, other in ((2, 99), (3, 2), (99, 3)):
            transaction.execute(ROWS.update().where(row(number)).values(number=other))


def put_in_behind(state: StateStore) -> None:
    add(state, receipt(COUNT + 1, ReceiptBook(state).read("lapsed", AD_ACCOUNT)[-1].digest))


def put_in_far_away(state: StateStore) -> None:
    add(state, receipt(2**31 - 1, "elsewhere"))


def put_in_between(state: StateStore) -> None:
    """One more, with everything behind it renumbered and sealed anew."""
    receipts = ReceiptBook(state).read("lapsed", AD_ACCOUNT)
    receipts.insert(2, receipt(3, "", rows=9))
    with tampering(state) as transaction:
        transaction.execute(ROWS.delete())
    before = ""
    for number, each in enumerate(receipts, start=1):
        sealed = Receipt(body={**each.body, "number": number, "previous": before})
        add(state, sealed)
        before = sealed.digest


def rewritten(state: StateStore) -> None:
    """The newest is another, sealed anew, with its row."""
    with tampering(state) as transaction:
        newest = Receipt(body={**Receipt.from_bytes(content_of(transaction, COUNT)).body, "rows": 1})
        row_of_it = ROWS.update().where(row(COUNT))
        transaction.execute(row_of_it.values(content=newest.to_bytes(), digest=newest.digest))


def journal_lost(state: StateStore) -> None:
    lose(Journal(state), "lapsed")


def journal_damaged(state: StateStore) -> None:
    damage(Journal(state), "lapsed", AD_ACCOUNT)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (removed(1), "Receipt 1 is missing."),
        (removed(3), "Receipt 3 is missing."),
        (removed(COUNT), "Receipt 5 is missing."),
        (removed(4, 5), "Receipts 4 to 5 are missing."),
        (removed(1, 2, 3, 4, 5), "Receipts 1 to 5 are missing."),
        (put_in_far_away, "Receipts 6 to 2,147,483,646 are missing."),
        (swapped, "Receipt 2 is not the one that its row names."),
        (renumbered, "The row of receipt 2 holds receipt 3."),
        (put_in_behind, "Receipt 6 is not known to the journal."),
        (put_in_between, "Receipt 6 is not known to the journal."),
        (rewritten, "Receipt 5 is not the one that the journal names as the newest."),
        (journal_lost, "There is no journal of it, so it is not known whether its newest receipts are missing."),
        (journal_damaged, "It is not known whether its newest receipts are missing. The entry of lapsed"),
    ],
)
def test_tampering_is_found_and_said(state: StateStore, tamper: Tamper, said: str) -> None:
    write_chain(state)
    tamper(state)
    (report,) = reports(state)
    assert not report.whole
    assert any(each.startswith(said) for each in report.faults), report.faults


def test_a_receipt_of_another_audience_in_its_place_is_found(state: StateStore) -> None:
    write_chain(state)
    write_chain(state, "churned", 3)
    with tampering(state) as transaction:
        transaction.execute(ROWS.delete().where(row(3)))
        transaction.execute(ROWS.update().where(row(3, "churned")).values(audience="lapsed"))
    churned, lapsed = reports(state)
    assert churned.faults == ("Receipt 3 is missing.",)
    assert "Receipt 3 is of another audience (churned) or ad account." in lapsed.faults


def test_one_that_is_missing_is_told_once(state: StateStore) -> None:
    write_chain(state)
    removed(3)(state)
    assert reports(state)[0].faults == ("Receipt 3 is missing.",)


def test_no_receipt_is_ever_overwritten_or_put_beside_another(state: StateStore) -> None:
    receipts = write_chain(state)
    for other in (
        receipts[1],  # the same once more
        receipt(2, receipts[0].digest, rows=3),
        receipt(COUNT + 1, receipts[0].digest),  # two behind one
        receipt(1, "", rows=7),
    ):
        with pytest.raises(StateConflict):
            add(state, other)
    assert ReceiptBook(state).read("lapsed", AD_ACCOUNT) == receipts


@pytest.mark.parametrize("statement", [ROWS.update().values(content=b"{}"), ROWS.delete()])
def test_no_receipt_is_changed_or_removed(state: StateStore, statement: sa.UpdateBase) -> None:
    receipts = write_chain(state)
    with pytest.raises(StateError), state.begin() as transaction:
        transaction.execute(statement)
    assert ReceiptBook(state).read("lapsed", AD_ACCOUNT) == receipts


def test_of_many_the_newest_come_first_and_none_is_left_out(state: StateStore) -> None:
    write_chain(state, count=70)
    assert [each.number for each in ReceiptBook(state).newest_first("lapsed", AD_ACCOUNT)] == [*range(70, 0, -1)]
    assert ReceiptBook(state).last("lapsed", AD_ACCOUNT) == (
        70,
        ReceiptBook(state).read("lapsed", AD_ACCOUNT)[-1].digest,
    )


NOT_RECEIPTS = (b"", b"[]", b"null", b"{}", b'{"digest": "x"}', b"[" * 100_000, b"\xff")


def test_what_is_no_receipt_is_said_and_passed_over(state: StateStore) -> None:
    write_chain(state)
    for content in NOT_RECEIPTS:
        overwrite(state, 2, content)
        (report,) = reports(state)
        assert any(each.startswith("Receipt 2 ") for each in report.faults)
        assert len(ReceiptBook(state).read("lapsed", AD_ACCOUNT)) == COUNT - 1


@settings(deadline=None)
@given(data=st.data())
def test_any_byte_that_is_changed_lost_or_added_is_found(data: st.DataObject) -> None:
    receipts, entry = chain(count=3)
    spoilt_number = data.draw(st.integers(1, 3), label="receipt")
    content = receipts[spoilt_number - 1].to_bytes()
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
    found: dict[int, Receipt | str] = {each.number: each for each in receipts}
    try:
        found[spoilt_number] = Receipt.from_bytes(spoilt)
    except ReceiptDamaged as damaged:
        found[spoilt_number] = str(damaged)
    assert not check_chain("lapsed", AD_ACCOUNT, found, entry).whole
