"""Another key for the whole state: every sealed value or none, and nobody writes with the former key afterwards."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from spotify_pipeline.state import Key, StateError, StateStore, new_key, place_of, reseal
from spotify_pipeline.state.tables import SEALED, audience, metadata, sign_in

OLD, NEW = Key.of(new_key()), Key.of(new_key())
LABELS = [f"label-{number:04}" for number in range(1_003)]
"""More than are encrypted at once."""


def with_key(state: StateStore, key: Key) -> StateStore:
    return StateStore(state.place, state.home, key=lambda: key)


def sealed_for(label: str, key: Key = OLD) -> bytes:
    return key.seal(f"tokens of {label}".encode(), place_of(sign_in.c.content, "issuer", "client", label))


@pytest.fixture
def filled(state: StateStore) -> StateStore:
    """Sign-ins, one of them signed out, and an upload session, all under the old key."""
    store = with_key(state, OLD)
    store.require_key()
    rows = [{"issuer": "issuer", "client_id": "client", "label": each, "content": sealed_for(each)} for each in LABELS]
    session = OLD.seal(b"session", place_of(audience.c.session, "account", "lapsed"))
    with store.begin() as transaction:
        transaction.execute(sign_in.insert(), rows)
        transaction.execute(sign_in.insert().values(issuer="issuer", client_id="out", label="a", used_bootstrap="x"))
        transaction.execute(
            audience.insert().values(ad_account_id="account", audience="lapsed", content="{}", session=session)
        )
    return store


def opened(state: StateStore, key: Key) -> set[bytes]:
    """Every sealed value, as it was before."""
    with state.read() as transaction:
        signed_in = transaction.execute(sa.select(sign_in).where(sign_in.c.content.is_not(None))).all()
        uploads = transaction.execute(sa.select(audience)).all()
    tokens = {key.open(each.content, place_of(sign_in.c.content, *each[:3])) for each in signed_in}
    return tokens | {key.open(each.session, place_of(audience.c.session, *each[:2])) for each in uploads}


EVERYTHING = {f"tokens of {each}".encode() for each in LABELS} | {b"session"}


def test_every_sealed_value_is_encrypted_again(filled: StateStore) -> None:
    assert reseal(StateStore(filled.place, filled.home), OLD, NEW) == len(EVERYTHING)
    assert opened(filled, NEW) == EVERYTHING
    with_key(filled, NEW).require_key()
    with pytest.raises(StateError, match="another key"):
        with_key(filled, OLD).require_key()


def test_a_process_that_used_the_former_key_writes_nothing_more(filled: StateStore) -> None:
    reseal(StateStore(filled.place, filled.home), OLD, NEW)
    late = sign_in.update().where(sign_in.c.label == LABELS[0]).values(content=sealed_for(LABELS[0]))
    with pytest.raises(StateError, match="another key"), filled.begin() as transaction:
        transaction.execute(late)
    assert opened(filled, NEW) == EVERYTHING


def test_the_wrong_former_key_changes_nothing(filled: StateStore) -> None:
    with pytest.raises(StateError, match="not encrypted with the key that was given"):
        reseal(StateStore(filled.place, filled.home), NEW, OLD)
    assert opened(filled, OLD) == EVERYTHING


def test_a_value_that_cannot_be_opened_leaves_all_as_they_are(filled: StateStore) -> None:
    spoilt = sign_in.update().where(sign_in.c.label == LABELS[-1]).values(content=sealed_for("another place"))
    with filled.begin() as transaction:
        transaction.execute(spoilt)
    with pytest.raises(StateError, match="damaged"):
        reseal(StateStore(filled.place, filled.home), OLD, NEW)
    with filled.begin() as transaction:
        transaction.execute(sign_in.delete().where(sign_in.c.label == LABELS[-1]))
    assert opened(filled, OLD) == EVERYTHING - {f"tokens of {LABELS[-1]}".encode()}


def test_a_state_in_which_nothing_is_sealed_gets_the_new_key(state: StateStore) -> None:
    assert reseal(state, OLD, NEW) == 0
    with_key(state, NEW).require_key()
    with pytest.raises(StateError, match="another key"):
        with_key(state, OLD).require_key()


def test_sealed_columns_are_known_and_no_other_binary_one_is_but_receipts() -> None:
    binary = {
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary) and not column.info.get(SEALED)
    }
    assert binary == {"receipt.content"}
