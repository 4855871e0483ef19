"""The journal: durable, never overwritten when it cannot be read, and no audience at Spotify is in it twice."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa

from spotify_pipeline.mirror import Journal, JournalEntry, JournalError, Phase, SentList, Unfinished, WriteKind
from spotify_pipeline.spotify import OpenUpload, Secret
from spotify_pipeline.state import StateConflict, StateStore, tables
from spotify_pipeline_tests.state_edits import damage, keep, lose, stored

MOMENT = "2026-11-16T05:00:00+00:00"
ACCOUNT = "a0000000-0000-4000-8000-000000000001"
AUDIENCE_ID = "a0000000-0000-4000-8000-00000000000f"
SENT = SentList(snapshot="s", built_at=MOMENT, file_sha256="d", size=1, crc32c="c")
SENDING = JournalEntry(
    ad_account_id=ACCOUNT,
    suspect=True,
    edit_begun_at=MOMENT,
    unfinished=Unfinished(
        kind=WriteKind.REPLACE, phase=Phase.SENDING, audience_id="x", list=SENT, name="N", begun_at=MOMENT
    ),
)
SESSION = OpenUpload(audience_id="x", uri=Secret("https://storage.example/secret"), opened_at=7.5, size=1, crc32c="c")


@pytest.fixture
def journal(state: StateStore) -> Journal:
    return Journal(state)


def test_what_was_written_is_read_by_the_next_process(journal: Journal) -> None:
    entry = JournalEntry(ad_account_id=ACCOUNT, audience_id="y", snapshot="2026-11-16")
    keep(journal, "lapsed", entry)
    keep(journal, "begun", SENDING)
    again = Journal(journal.state)
    assert again.read("lapsed", ACCOUNT) == entry
    assert again.read("begun", ACCOUNT) == SENDING
    assert again.read("other", ACCOUNT) == JournalEntry(ad_account_id=ACCOUNT)


def test_entries_of_two_accounts_are_apart(journal: Journal) -> None:
    keep(journal, "lapsed", JournalEntry(ad_account_id=ACCOUNT, audience_id="x"))
    assert journal.read("lapsed", "another-account").audience_id is None


BEGUN_YESTERDAY = '{"kind": "create", "phase": "audience asked to be created", "begun_at": "yesterday"}'
DAMAGED = (
    "",
    "{",
    "[]",
    "{}",
    "null",
    '{"format": 4}',
    f'{{"format": 4, "ad_account_id": "{ACCOUNT}", "nobody": "knows"}}',
    f'{{"format": 4, "ad_account_id": "{ACCOUNT}", "unfinished": {{"kind": "create", "phase": "no such"}}}}',
    f'{{"format": 4, "ad_account_id": "{ACCOUNT}", "unfinished": 1}}',
    f'{{"format": 4, "ad_account_id": "{ACCOUNT}", "built_at": "b"}}',
    f'{{"format": 4, "ad_account_id": "{ACCOUNT}", "built_at": "2026-11-16T05:00:00"}}',
    f'{{"format": 4, "ad_account_id": "{ACCOUNT}", "built_at": 1e999}}',
    f'{{"format": 4, "ad_account_id": "{ACCOUNT}", "unfinished": {BEGUN_YESTERDAY}}}',
    "[" * 100_000,
    '{"format": 1e999}',
)


def test_a_damaged_entry_is_said_and_left_as_it_is(journal: Journal) -> None:
    for content in DAMAGED:
        damage(journal, "lapsed", ACCOUNT, content)
        with pytest.raises(JournalError, match=r"The entry of lapsed in the journal \(.*\) is damaged\. Nothing was s"):
            journal.read("lapsed", ACCOUNT)
        assert stored(journal, "lapsed", ACCOUNT) == content


@pytest.mark.parametrize("other", [1, 3, 5])
def test_an_entry_of_another_format_is_refused_and_no_first_list(journal: Journal, other: int) -> None:
    damage(journal, "lapsed", ACCOUNT, f'{{"format": {other}, "ad_account_id": "{ACCOUNT}", "audience_id": "x"}}')
    said = rf"was written by another version of this project \(format {other}; this one reads 4\)\. Nothing was sent"
    with pytest.raises(JournalError, match=said):
        journal.read("lapsed", ACCOUNT)


def test_a_retired_audience_holds_its_id_no_more(journal: Journal) -> None:
    keep(journal, "lapsed", JournalEntry(ad_account_id=ACCOUNT, audience_id="x"))
    assert journal.holder("x", ACCOUNT, other_than="new") == "lapsed"
    assert journal.holder("x", ACCOUNT, other_than="lapsed") is None
    keep(journal, "lapsed", JournalEntry(ad_account_id=ACCOUNT, audience_id="x", retired_at=MOMENT))
    assert journal.holder("x", ACCOUNT, other_than="new") is None
    assert journal.known() == [(ACCOUNT, "lapsed")]


@pytest.mark.parametrize("account", [ACCOUNT, "another-account"])
@pytest.mark.parametrize("spelt", [AUDIENCE_ID, AUDIENCE_ID.upper()])
def test_c20_no_two_entries_hold_one_audience_also_of_one_that_cannot_be_read(
    journal: Journal, account: str, spelt: str
) -> None:
    keep(journal, "lapsed", JournalEntry(ad_account_id=ACCOUNT, audience_id=AUDIENCE_ID))
    damage(journal, "lapsed", ACCOUNT)
    begun = dataclasses.replace(SENDING, ad_account_id=account, audience_id="own")
    keep(journal, "other", begun)
    assert begun.unfinished is not None
    for taking in (
        dataclasses.replace(begun, audience_id=spelt),
        dataclasses.replace(begun, unfinished=dataclasses.replace(begun.unfinished, audience_id=spelt)),
    ):
        with pytest.raises(StateConflict):
            keep(journal, "other", taking)
    assert journal.read("other", account) == begun
    assert journal.holder(spelt, account, other_than="other") == "lapsed"
    lose(journal, "lapsed")
    keep(journal, "other", dataclasses.replace(begun, audience_id=spelt))


def save(journal: Journal, session: OpenUpload) -> None:
    keep(journal, "lapsed", SENDING)
    sealed = journal.sealed("lapsed", ACCOUNT, session)
    with journal.state.begin() as transaction:
        journal.put_session(transaction, "lapsed", ACCOUNT, sealed)


def test_the_session_goes_with_the_entry_that_speaks_of_it(journal: Journal) -> None:
    save(journal, SESSION)
    assert journal.session("lapsed", ACCOUNT) == SESSION
    keep(journal, "lapsed", dataclasses.replace(SENDING, suspect=False))
    assert journal.session("lapsed", ACCOUNT) == SESSION
    keep(journal, "lapsed", dataclasses.replace(SENDING, unfinished=None))
    assert journal.session("lapsed", ACCOUNT) is None
    assert journal.session("nobody", ACCOUNT) is None


def test_a_session_is_sealed_for_its_own_place(journal: Journal) -> None:
    save(journal, SESSION)
    keep(journal, "other", JournalEntry(ad_account_id=ACCOUNT))
    column = tables.audience.c.session
    with journal.state.begin() as transaction:
        sealed = transaction.scalar(sa.select(column).where(column.is_not(None)))
        assert sealed is not None
        assert b"secret" not in sealed
        transaction.execute(tables.audience.update().values(session=sealed))
    assert journal.session("lapsed", ACCOUNT) == SESSION
    with pytest.raises(JournalError, match="The saved upload session of other cannot be read"):
        journal.session("other", ACCOUNT)
